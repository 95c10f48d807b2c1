#include "controlloop/translate/http_settings.h"

#include <fmt/format.h>

#include "controlloop/policy/text.h"
#include "controlloop/translate/access_log.h"
#include "controlloop/translate/body_format.h"

namespace tidegate::controlloop::translate {

namespace kgateway = config::kgateway;

namespace {

void add_headers(const std::vector<kgateway::HeaderEntry>& from, std::string_view path,
                 const WarnOfSetting& warn, std::vector<proxy::HeaderValue>& to) {
  for (const kgateway::HeaderEntry& one : from) {
    if (one.secret_ref || !one.name) {
      warn(path, "headers of local replies are not taken from Secrets");
    } else {
      to.push_back({policy::lower(*one.name), one.value.value_or("")});
    }
  }
}

void add_local_replies(const kgateway::LocalReplies& from, const WarnOfSetting& warn,
                       proxy::LocalReplies& out) {
  for (std::size_t i = 0; i < from.mappers.size(); ++i) {
    const kgateway::LocalReplies::Mapper& one = from.mappers[i];
    proxy::LocalReplyMapper& to = out.mappers.emplace_back();
    to.filter = log_filter(one.filter);
    to.status = one.status_code.value_or(0);
    to.body = one.body;
    if (one.body_format_override) to.format = body_format(*one.body_format_override);
    if (one.headers) {
      const std::string path = fmt::format("localReplies.mappers[{}].headers", i);
      add_headers(one.headers->set, path, warn, to.headers.set);
      add_headers(one.headers->add, path, warn, to.headers.add);
    }
  }
  if (from.default_body_format) out.format = body_format(*from.default_body_format);
}

proxy::HeaderChanges header_changes(const config::HeaderModifier& from) {
  proxy::HeaderChanges out;
  for (const config::HeaderValue& one : from.set)
    out.set.push_back({policy::lower(one.name), one.value});
  for (const config::HeaderValue& one : from.add)
    out.add.push_back({policy::lower(one.name), one.value});
  for (const std::string& one : from.remove) out.remove.push_back(policy::lower(one));
  return out;
}

std::optional<proxy::ClientCertForwarding> client_cert(const kgateway::ClientCertForwarding& from) {
  if (!from.mode && !from.details) return std::nullopt;
  using From = kgateway::ClientCertForwarding::Mode;
  using To = proxy::ClientCertForwarding::Mode;
  proxy::ClientCertForwarding out;
  switch (from.mode.value_or(From::kSanitizeSet)) {
    case From::kSanitize:
      out.mode = To::kSanitize;
      break;
    case From::kForwardOnly:
      out.mode = To::kForwardOnly;
      break;
    case From::kAppendForward:
      out.mode = To::kAppendForward;
      break;
    case From::kSanitizeSet:
      out.mode = To::kSanitizeSet;
      break;
    case From::kAlwaysForwardOnly:
      out.mode = To::kAlwaysForwardOnly;
      break;
  }
  if (from.details) {
    out.subject = from.details->subject;
    out.cert = from.details->cert;
    out.chain = from.details->chain;
    out.dns = from.details->dns;
    out.uri = from.details->uri;
  }
  return out;
}

std::optional<proxy::HttpOptions::ServerField> server_field(const kgateway::HttpSettings& from) {
  using From = kgateway::HttpSettings::ServerHeader;
  using To = proxy::HttpOptions::ServerField;
  if (!from.server_header_transformation)
    return from.server_name ? std::optional(To::kOverwrite) : std::nullopt;
  switch (*from.server_header_transformation) {
    case From::kOverwrite:
      return To::kOverwrite;
    case From::kAppendIfAbsent:
      return To::kAppendIfAbsent;
    case From::kPassThrough:
      return To::kPassThrough;
  }
  return std::nullopt;
}

void add_http2(const kgateway::ListenerHttp2Options& from, proxy::HttpOptions& out) {
  auto bytes = [](const kgateway::Quantity& quantity) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(quantity.bytes, 0x7fffffff));
  };
  if (from.initial_stream_window_size)
    out.http2_stream_window = bytes(*from.initial_stream_window_size);
  if (from.initial_connection_window_size)
    out.http2_connection_window = bytes(*from.initial_connection_window_size);
  if (from.max_concurrent_streams)
    out.http2_streams_max = static_cast<std::uint32_t>(*from.max_concurrent_streams);
  out.http2_connect = from.allow_connect;
}

}  // namespace

proxy::HttpOptions http_options(const kgateway::HttpSettings& from, const WarnOfSetting& warn) {
  proxy::HttpOptions out;
  for (std::size_t i = 0; i < from.access_log.size(); ++i) {
    std::optional<proxy::AccessLog> log =
        access_log(from.access_log[i], [&](std::string_view path, std::string message) {
          warn(fmt::format("accessLog[{}].{}", i, path), std::move(message));
        });
    if (log) out.access_logs.push_back(std::move(*log));
  }
  if (from.local_replies) add_local_replies(*from.local_replies, warn, out.local_replies);
  if (from.upgrade_config) {
    out.restrict_upgrades = true;
    for (const std::string& one : from.upgrade_config->enabled_upgrades) {
      out.upgrades.push_back(policy::lower(one));
      if (out.upgrades.back() == "connect") {
        warn("upgradeConfig.enabledUpgrades",
             "without effect: CONNECT is answered with 501, since no route says where it may lead; "
             "upgrades by extended CONNECT (HTTP/2) are not meant by it");
      }
    }
  }
  out.use_remote_address = from.use_remote_address.value_or(true);
  out.trusted_hops = static_cast<std::uint32_t>(from.xff_num_trusted_hops.value_or(0));
  out.trusted_cidrs = from.xff_trusted_cidrs;
  // Where the list is what names the client, the peer comes into it only if that is asked for.
  if (from.skip_xff_append) {
    out.append_forwarded_for =
        !*from.skip_xff_append && (out.use_remote_address || !out.trusted_cidrs.empty());
  }
  if (from.forward_client_cert_details)
    out.client_cert = client_cert(*from.forward_client_cert_details);
  out.generate_request_id = from.generate_request_id.value_or(true);
  out.preserve_request_id = from.preserve_external_request_id.value_or(true);
  out.server_field = server_field(from);
  out.server_name = from.server_name.value_or("");
  out.stream_idle = from.stream_idle_timeout;
  out.idle = from.idle_timeout;
  if (from.max_requests_per_connection)
    out.requests_max = static_cast<std::uint32_t>(*from.max_requests_per_connection);
  if (from.max_headers_count) {
    out.fields_max = static_cast<std::uint32_t>(*from.max_headers_count);
    if (*from.max_headers_count > 1000)
      warn("maxHeadersCount", "more than 1000 header fields are not taken");
  }
  if (from.max_request_headers_kb)
    out.head_kb_max = static_cast<std::uint32_t>(*from.max_request_headers_kb);
  if (from.http2_protocol_options) add_http2(*from.http2_protocol_options, out);
  if (from.health_check) out.health_check_path = from.health_check->path;
  // preserveHttp1HeaderCase: names of fields go on as they came, whatever it says.
  out.http10 = from.accept_http_10;
  out.default_host = from.default_host_for_http_10.value_or("");
  if (from.early_request_header_modifier)
    out.early_changes = header_changes(*from.early_request_header_modifier);
  out.strip_host_dot = from.strip_trailing_host_dot.value_or(false);
  if (from.strip_host_port_mode) {
    using Strip = proxy::HttpOptions::StripPort;
    out.strip_port = *from.strip_host_port_mode == kgateway::HttpSettings::StripPort::kAnyPort
                         ? Strip::kAny
                         : Strip::kMatching;
  }
  return out;
}

std::optional<proxy::ConnectionOptions> connection_options(const kgateway::ListenerSettings& from) {
  proxy::ConnectionOptions out;
  using Header = proxy::ConnectionOptions::ProxyHeader;
  if (from.proxy_protocol) {
    out.proxy_header = from.proxy_protocol->allow_requests_without_proxy_protocol
                           ? Header::kAllowed
                           : Header::kRequired;
  }
  if (from.tcp_keepalive) {
    auto seconds = [](const std::optional<kgateway::Millis>& time) {
      return std::chrono::ceil<std::chrono::seconds>(time.value_or(kgateway::Millis(0)));
    };
    proxy::ConnectionOptions::Keepalive keepalive;
    keepalive.probes =
        static_cast<std::uint32_t>(from.tcp_keepalive->keep_alive_probes.value_or(0));
    keepalive.idle = seconds(from.tcp_keepalive->keep_alive_time);
    keepalive.interval = seconds(from.tcp_keepalive->keep_alive_interval);
    out.keepalive = keepalive;
  }
  if (from.transport_socket_connect_timeout && from.transport_socket_connect_timeout->count() > 0)
    out.handshake_timeout = *from.transport_socket_connect_timeout;
  if (from.per_connection_buffer_limit_bytes && *from.per_connection_buffer_limit_bytes > 0)
    out.buffer_max = static_cast<std::uint32_t>(*from.per_connection_buffer_limit_bytes);
  if (out == proxy::ConnectionOptions()) return std::nullopt;
  return out;
}

namespace {

template <class T>
bool take(std::optional<T>& to, const std::optional<T>& from) {
  if (to || !from) return false;
  to = from;
  return true;
}
template <class T>
bool take(std::vector<T>& to, const std::vector<T>& from) {
  if (!to.empty() || from.empty()) return false;
  to = from;
  return true;
}

}  // namespace

bool fill(kgateway::HttpSettings& to, const kgateway::HttpSettings& from) {
  bool any = false;
  auto one = [&](auto member) { any = take(to.*member, from.*member) || any; };
  using S = kgateway::HttpSettings;
  one(&S::access_log);
  one(&S::tracing);
  one(&S::local_replies);
  one(&S::upgrade_config);
  one(&S::use_remote_address);
  one(&S::preserve_external_request_id);
  one(&S::generate_request_id);
  // One way to find the client goes before the other as a whole.
  if (!to.xff_num_trusted_hops && to.xff_trusted_cidrs.empty()) {
    one(&S::xff_num_trusted_hops);
    one(&S::xff_trusted_cidrs);
  }
  one(&S::skip_xff_append);
  one(&S::server_header_transformation);
  one(&S::server_name);
  one(&S::stream_idle_timeout);
  one(&S::idle_timeout);
  one(&S::max_requests_per_connection);
  one(&S::max_headers_count);
  one(&S::http2_protocol_options);
  one(&S::health_check);
  one(&S::preserve_http1_header_case);
  one(&S::accept_http_10);
  one(&S::default_host_for_http_10);
  one(&S::early_request_header_modifier);
  one(&S::forward_client_cert_details);
  one(&S::max_request_headers_kb);
  one(&S::uuid_request_id_config);
  one(&S::strip_host_port_mode);
  one(&S::strip_trailing_host_dot);
  return any;
}

bool fill(kgateway::ListenerSettings& to, const kgateway::ListenerSettings& from) {
  bool any = take(to.proxy_protocol, from.proxy_protocol);
  any = take(to.tcp_keepalive, from.tcp_keepalive) || any;
  any = take(to.per_connection_buffer_limit_bytes, from.per_connection_buffer_limit_bytes) || any;
  any = take(to.transport_socket_connect_timeout, from.transport_socket_connect_timeout) || any;
  if (!from.http_settings) return any;
  if (!to.http_settings) to.http_settings.emplace();
  return fill(*to.http_settings, *from.http_settings) || any;
}

bool same_settings(const std::optional<proxy::HttpOptions>& one,
                   const std::optional<proxy::HttpOptions>& other) {
  if (one.has_value() != other.has_value()) return false;
  if (!one) return true;
  proxy::HttpOptions of_one = *one;
  of_one.origin = other->origin;
  return of_one == *other;
}

bool narrow_trust(proxy::HttpOptions& to, const std::optional<proxy::HttpOptions>& other) {
  static const proxy::HttpOptions kWithoutPolicy;
  const proxy::HttpOptions& limit = other ? *other : kWithoutPolicy;
  const proxy::HttpOptions before = to;
  to.use_remote_address = to.use_remote_address || limit.use_remote_address;
  to.trusted_hops = std::min(to.trusted_hops, limit.trusted_hops);
  std::erase_if(to.trusted_cidrs, [&limit](const std::string& cidr) {
    return std::find(limit.trusted_cidrs.begin(), limit.trusted_cidrs.end(), cidr) ==
           limit.trusted_cidrs.end();
  });
  // Without a list and without looking at the address everybody would be believed.
  if (to.trusted_cidrs.empty() && !(before.trusted_cidrs.empty() && limit.trusted_cidrs.empty())) {
    to.use_remote_address = true;
    to.trusted_hops = 0;
  }
  if (to.client_cert != limit.client_cert) to.client_cert.reset();
  to.preserve_request_id = to.preserve_request_id && limit.preserve_request_id;
  // Who counts the proxies in front counts on ours as well.
  auto appends = [](const proxy::HttpOptions& one) {
    return one.append_forwarded_for.value_or(one.use_remote_address);
  };
  if ((appends(before) || appends(limit)) && !appends(to)) to.append_forwarded_for = true;
  // A field that must not come from a client; what is set in its place is ours already.
  for (const std::string& name : limit.early_changes.remove) {
    proxy::HeaderChanges& changes = to.early_changes;
    const bool is_set = std::any_of(
        changes.set.begin(), changes.set.end(),
        [&name](const proxy::HeaderValue& one) { return policy::lower(one.name) == name; });
    if (!is_set &&
        std::find(changes.remove.begin(), changes.remove.end(), name) == changes.remove.end())
      changes.remove.push_back(name);
  }
  return to != before;
}

}  // namespace tidegate::controlloop::translate
