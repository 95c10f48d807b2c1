#include "controlloop/translate/backend_settings.h"

#include <algorithm>
#include <cstdlib>

namespace tidegate::controlloop::translate {

namespace kgw = config::kgateway;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t kRingMax = 8'388'608;  // points; Envoy's bound

seconds rounded_up(milliseconds time) { return std::chrono::ceil<seconds>(time); }

std::optional<proxy::SlowStart> slow_start(const std::optional<kgw::SlowStart>& from) {
  if (!from || !from->window || from->window->count() <= 0) return std::nullopt;
  proxy::SlowStart out;
  out.window = *from->window;
  if (from->aggression) out.aggression = std::strtod(from->aggression->c_str(), nullptr);
  if (from->min_weight_percent)
    out.min_weight_percent = static_cast<std::uint32_t>(*from->min_weight_percent);
  return out;
}

std::vector<proxy::HashPolicy> hash_policies(const std::vector<kgw::HashPolicy>& all) {
  std::vector<proxy::HashPolicy> out;
  for (const kgw::HashPolicy& from : all) {
    proxy::HashPolicy& one = out.emplace_back();
    one.terminal = from.terminal;
    if (from.header) {
      one.kind = proxy::HashPolicy::Kind::kHeader;
      one.name = from.header->name;
      for (char& c : one.name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else if (from.cookie) {
      using SameSite = kgw::HashPolicy::SameSite;
      one.kind = proxy::HashPolicy::Kind::kCookie;
      one.name = from.cookie->name;
      one.path = from.cookie->path.value_or("");
      if (from.cookie->ttl) one.ttl = rounded_up(*from.cookie->ttl);
      one.secure = from.cookie->secure;
      one.http_only = from.cookie->http_only;
      if (from.cookie->same_site) {
        const SameSite same = *from.cookie->same_site;
        one.same_site = same == SameSite::kStrict ? "Strict"
                        : same == SameSite::kLax  ? "Lax"
                                                  : "None";
      }
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& one : all) {
    if (one.starts_with("TLS_")) continue;  // of TLS 1.3: those are not chosen from
    out += (out.empty() ? "" : ":") + one;
  }
  // "[A|B]": equally good, in BoringSSL's words.
  std::erase_if(out, [](char c) { return c == '[' || c == ']'; });
  std::replace(out.begin(), out.end(), '|', ':');
  return out;
}

std::string version(const std::optional<kgw::BackendTls::Version>& from) {
  using Version = kgw::BackendTls::Version;
  switch (from.value_or(Version::kAuto)) {
    case Version::k10:
      return "1.0";
    case Version::k11:
      return "1.1";
    case Version::k12:
      return "1.2";
    case Version::k13:
      return "1.3";
    case Version::kAuto:
      break;
  }
  return "";
}

}  // namespace

proxy::LoadBalancing load_balancing(const kgw::LoadBalancer& from, const std::string& zone) {
  using Kind = proxy::LoadBalancing::Kind;
  proxy::LoadBalancing out;
  if (from.healthy_panic_threshold)
    out.panic_percent = static_cast<std::uint32_t>(*from.healthy_panic_threshold);
  if (from.round_robin) out.slow_start = slow_start(from.round_robin->slow_start);
  if (from.least_request) {
    out.kind = Kind::kLeastRequest;
    out.choices = static_cast<std::uint32_t>(std::clamp(from.least_request->choice_count, 1, 100));
    out.slow_start = slow_start(from.least_request->slow_start);
  }
  if (from.random) out.kind = Kind::kRandom;
  if (from.ring_hash) {
    out.kind = Kind::kRingHash;
    if (from.ring_hash->minimum_ring_size)
      out.ring_min =
          std::min(kRingMax, static_cast<std::uint64_t>(*from.ring_hash->minimum_ring_size));
    if (from.ring_hash->maximum_ring_size)
      out.ring_max =
          std::min(kRingMax, static_cast<std::uint64_t>(*from.ring_hash->maximum_ring_size));
    out.hash_hostname = from.ring_hash->use_hostname_for_hashing;
    out.hash_policies = hash_policies(from.ring_hash->hash_policies);
  }
  if (from.maglev) {
    out.kind = Kind::kMaglev;
    out.hash_hostname = from.maglev->use_hostname_for_hashing;
    out.hash_policies = hash_policies(from.maglev->hash_policies);
  }
  out.locality_weighted = from.locality_type.has_value();
  if (from.zone_aware && from.zone_aware->prefer_local && !zone.empty()) {
    const auto& local = *from.zone_aware->prefer_local;
    proxy::ZoneAware& aware = out.zone_aware.emplace();
    aware.zone = zone;
    aware.endpoints_min = static_cast<std::uint32_t>(local.min_endpoints_threshold);
    aware.percent = static_cast<std::uint32_t>(local.routing_enabled);
    if (local.force)
      aware.forced_min = static_cast<std::uint32_t>(local.force->min_endpoints_in_zone_threshold);
  }
  out.close_on_change = from.close_connections_on_host_set_change;
  return out;
}

proxy::HealthCheck health_check(const kgw::HealthCheck& from, const std::string& name) {
  proxy::HealthCheck out;
  out.interval = from.interval;
  out.timeout = std::max(from.timeout, milliseconds(1));
  out.healthy_threshold = static_cast<std::uint32_t>(from.healthy_threshold);
  out.unhealthy_threshold = static_cast<std::uint32_t>(from.unhealthy_threshold);
  if (from.http) {
    out.host = from.http->host.value_or(name);
    out.path = from.http->path;
    out.method = from.http->method.value_or("GET");
  } else {
    out.kind = proxy::HealthCheck::Kind::kGrpc;
    out.host = from.grpc->authority.value_or(name);
    out.service = from.grpc->service_name.value_or("");
  }
  return out;
}

proxy::OutlierDetection outlier_detection(const kgw::OutlierDetection& from) {
  proxy::OutlierDetection out;
  auto number = [](int value) { return static_cast<std::uint32_t>(value); };
  out.consecutive_5xx = number(from.consecutive_5xx);
  out.interval = from.interval;
  out.base_ejection = from.base_ejection_time;
  out.ejected_percent_max = number(from.max_ejection_percent);
  out.enforced_5xx_percent = number(from.enforcing_consecutive_5xx.value_or(100));
  if (from.split_external_local_origin_errors)
    out.consecutive_local = number(from.consecutive_local_origin_failure.value_or(5));
  out.enforced_local_percent =
      number(from.enforcing_consecutive_local_origin_failure.value_or(100));
  return out;
}

proxy::CircuitBreakers circuit_breakers(const kgw::CircuitBreakers& from) {
  proxy::CircuitBreakers out;
  auto set = [](std::uint32_t& to, const std::optional<int>& value) {
    if (value) to = static_cast<std::uint32_t>(*value);
  };
  set(out.connections_max, from.max_connections);
  set(out.pending_max, from.max_pending_requests);
  set(out.requests_max, from.max_requests);
  set(out.retries_max, from.max_retries);
  out.track_remaining = from.track_remaining;
  return out;
}

proxy::DnsRefresh dns_refresh(const kgw::BackendDns& from) {
  proxy::DnsRefresh out;
  if (from.refresh_rate) out.refresh = *from.refresh_rate;
  if (from.jitter) out.jitter = *from.jitter;
  out.respect_ttl = from.respect_ttl.value_or(false);
  return out;
}

proxy::TcpKeepalive keepalive(const kgw::TcpKeepalive& from) {
  proxy::TcpKeepalive out;
  if (from.keep_alive_probes && *from.keep_alive_probes > 0)
    out.probes = static_cast<std::uint32_t>(*from.keep_alive_probes);
  if (from.keep_alive_time) out.time = rounded_up(*from.keep_alive_time);
  if (from.keep_alive_interval) out.interval = rounded_up(*from.keep_alive_interval);
  return out;
}

proxy::Http2Options http2_options(const kgw::Http2Options& from) {
  proxy::Http2Options out;
  if (from.initial_stream_window_size)
    out.stream_window_bytes = static_cast<std::uint32_t>(from.initial_stream_window_size->bytes);
  if (from.initial_connection_window_size)
    out.connection_window_bytes =
        static_cast<std::uint32_t>(from.initial_connection_window_size->bytes);
  if (from.max_concurrent_streams)
    out.streams_max = static_cast<std::uint32_t>(*from.max_concurrent_streams);
  if (from.connection_keepalive) {
    const kgw::Http2Options::Keepalive& keepalive = *from.connection_keepalive;
    out.keepalive = {keepalive.timeout, keepalive.interval.value_or(milliseconds(0)),
                     keepalive.connection_idle_interval.value_or(milliseconds(0))};
  }
  return out;
}

void set_common_http(const kgw::CommonHttpOptions& from, proxy::Cluster& cluster) {
  if (from.idle_timeout) cluster.idle_timeout = *from.idle_timeout;
  if (from.max_headers_count && *from.max_headers_count > 0)
    cluster.fields_max = static_cast<std::uint32_t>(*from.max_headers_count);
  if (from.max_stream_duration && from.max_stream_duration->count() > 0)
    cluster.stream_duration_max = *from.max_stream_duration;
  if (from.max_connection_duration && from.max_connection_duration->count() > 0)
    cluster.connection_duration_max = *from.max_connection_duration;
  if (from.max_requests_per_connection && *from.max_requests_per_connection > 0)
    cluster.requests_per_connection_max =
        static_cast<std::uint32_t>(*from.max_requests_per_connection);
}

proxy::UpstreamTlsOptions tls_options(const kgw::BackendTls& from, const proxy::UpstreamTls& tls) {
  proxy::UpstreamTlsOptions out;
  out.insecure = from.insecure_skip_verify.value_or(false);
  // As Envoy: whose certificate it is counts where names are given. With the system's authorities,
  // which vouch for anybody, it is the SNI's at least.
  out.any_name = tls.sans.empty() && (!tls.ca_pem.empty() || tls.sni.empty());
  if (from.parameters) {
    out.min_version = version(from.parameters->min_version);
    out.max_version = version(from.parameters->max_version);
    out.ciphers = joined(from.parameters->cipher_suites);
    out.groups = joined(from.parameters->ecdh_curves);
    out.signature_algorithms = joined(from.parameters->signature_algorithms);
  }
  out.alpn = from.alpn_protocols;
  out.renegotiation = from.allow_renegotiation;
  return out;
}

}  // namespace tidegate::controlloop::translate
