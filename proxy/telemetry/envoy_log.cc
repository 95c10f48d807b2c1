#include "proxy/telemetry/envoy_log.h"

#include <charconv>
#include <chrono>
#include <iterator>

#include "proxy/telemetry/utf8_text.h"

namespace tidegate::proxy::telemetry {
namespace {

using format::Point;
using rpc::ProtoWriter;
using std::chrono::nanoseconds;
using Endpoint = boost::asio::ip::tcp::endpoint;

/// Left out where it is empty.
void text(ProtoWriter& out, std::uint32_t field, std::string_view value) {
  if (!value.empty()) write_text(out, field, value);
}

void print_address(ProtoWriter& out, std::uint32_t field, std::string_view ip, std::uint16_t port) {
  if (ip.empty()) return;
  const std::size_t address = out.open(field);
  const std::size_t socket = out.open(1);
  out.bytes(2, ip);
  out.number(3, port);
  out.close(socket);
  out.close(address);
}

void print_address(ProtoWriter& out, std::uint32_t field, const Endpoint& at) {
  print_address(out, field, at.address().to_string(), at.port());
}

/// "127.0.0.1:80", "[::1]:80".
void print_host(ProtoWriter& out, std::uint32_t field, std::string_view host) {
  const std::size_t colon = host.rfind(':');
  if (colon == host.npos) return;
  std::uint16_t port = 0;
  std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
  std::string_view ip = host.substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  print_address(out, field, ip, port);
}

/// Timestamp and Duration look alike.
void print_time(ProtoWriter& out, std::uint32_t field, nanoseconds time) {
  const std::size_t mark = out.open(field);
  out.number(1, static_cast<std::uint64_t>(time.count() / 1'000'000'000));
  out.number(2, static_cast<std::uint64_t>(time.count() % 1'000'000'000));
  out.close(mark);
}

void print_since_start(ProtoWriter& out, std::uint32_t field, const format::Values& values,
                       Point point) {
  if (!values.points) return;
  const auto begin = (*values.points)[static_cast<std::size_t>(Point::kDownstreamReceiveBegin)];
  const auto then = (*values.points)[static_cast<std::size_t>(point)];
  if (then < begin || then.time_since_epoch().count() == 0) return;
  print_time(out, field, then - begin);
}

std::uint64_t tls_version(std::string_view name) {
  if (name == "TLSv1") return 1;
  if (name == "TLSv1.1") return 2;
  if (name == "TLSv1.2") return 3;
  return name == "TLSv1.3" ? 4 : 0;
}

void print_certificate(ProtoWriter& out, std::uint32_t field, const net::CertificateFacts& facts) {
  const std::size_t mark = out.open(field);
  auto names = [&out](std::uint32_t kind, const std::vector<std::string>& all) {
    for (const std::string& one : all) {
      const std::size_t name = out.open(1);
      text(out, kind, one);
      out.close(name);
    }
  };
  names(1, facts.uri_sans);
  names(2, facts.dns_sans);
  text(out, 2, facts.subject);
  out.close(mark);
}

void print_tls(ProtoWriter& out, const net::ConnectionFacts& facts) {
  if (!facts.tls) return;
  const std::size_t mark = out.open(4);
  out.number(1, tls_version(facts.tls_version));
  text(out, 3, facts.sni);
  if (facts.peer) print_certificate(out, 5, *facts.peer);
  out.close(mark);
}

/// Fields 1 to 30 are Envoy's flags in their order; the one for UAEX is a message.
void print_flags(ProtoWriter& out, format::ResponseFlags flags) {
  if (!flags.any()) return;
  constexpr std::uint32_t kCount = 30;
  constexpr std::uint32_t kUnauthorized = 13;
  const std::size_t mark = out.open(16);
  for (std::uint32_t field = 1; field <= kCount; ++field) {
    if (!flags.bit(field - 1)) continue;
    if (field == kUnauthorized) {
      const std::size_t details = out.open(field);
      out.number(1, 1);  // EXTERNAL_SERVICE
      out.close(details);
    } else {
      out.number(field, 1);
    }
  }
  out.close(mark);
}

void print_common(ProtoWriter& out, const format::Values& values) {
  const std::size_t mark = out.open(1);
  if (const net::ConnectionFacts* facts = values.downstream) {
    print_address(out, 2, values.client_ip.empty() ? facts->remote_ip : values.client_ip,
                  values.client_ip.empty() ? facts->remote.port() : std::uint16_t{0});
    print_address(out, 3, facts->local);
    print_tls(out, *facts);
    print_address(out, 20, facts->direct_remote ? *facts->direct_remote : facts->remote);
  }
  print_time(out, 5, values.started.time_since_epoch());
  print_since_start(out, 6, values, Point::kDownstreamReceiveEnd);
  print_since_start(out, 7, values, Point::kUpstreamSendBegin);
  print_since_start(out, 8, values, Point::kUpstreamSendEnd);
  print_since_start(out, 9, values, Point::kUpstreamReceiveBegin);
  print_since_start(out, 10, values, Point::kUpstreamReceiveEnd);
  print_since_start(out, 11, values, Point::kDownstreamSendBegin);
  print_since_start(out, 12, values, Point::kDownstreamSendEnd);
  print_host(out, 13, values.upstream_host);
  if (values.upstream) print_address(out, 14, values.upstream->local);
  text(out, 15, values.upstream_cluster);
  print_flags(out, values.flags);
  text(out, 18, values.upstream_failure);
  text(out, 19, values.route_name);
  print_time(out, 23, std::chrono::duration_cast<nanoseconds>(values.duration));
  out.number(24, values.attempts);
  text(out, 25, values.termination);
  bool several = false;
  if (values.request) text(out, 26, format::request_field(values, "x-request-id", several));
  constexpr std::uint64_t kDownstreamEnd = 6;
  constexpr std::uint64_t kTcpConnectionEnd = 3;
  out.number(33, values.http ? kDownstreamEnd : kTcpConnectionEnd);
  out.close(mark);
}

std::uint64_t method(std::string_view name) {
  constexpr std::string_view kNames[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return i + 1;
  }
  return 0;
}

std::uint64_t bytes_of(const http::Fields& fields) {
  std::uint64_t out = 0;
  for (const http::Field& field : fields) out += field.name.size() + field.value.size();
  return out;
}

void print_chosen(ProtoWriter& out, std::uint32_t field, const http::Fields& fields,
                  const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::string joined;
    bool found = false;
    for (const http::Field& one : fields) {
      if (!http::iequals(one.name, name)) continue;
      if (found) joined += ',';
      joined += one.value;
      found = true;
    }
    if (!found) continue;
    const std::size_t entry = out.open(field);
    write_text(out, 1, name);
    write_text(out, 2, joined);
    out.close(entry);
  }
}

void print_request(ProtoWriter& out, const RemoteLog& log, const format::Values& values) {
  if (!values.request) return;
  const http::RequestHead& request = *values.request;
  auto field = [&values](std::string_view name) {
    bool several = false;
    return format::request_field(values, name, several);
  };
  const std::size_t mark = out.open(3);
  out.number(1, method(request.method));
  text(out, 2, request.scheme);
  text(out, 3, request.authority);
  text(out, 5, request.path);
  text(out, 6, field("user-agent"));
  text(out, 7, field("referer"));
  text(out, 8, field("x-forwarded-for"));
  text(out, 9, field("x-request-id"));
  text(out, 10,
       values.original_path.empty() ? field("x-envoy-original-path") : values.original_path);
  out.number(11, bytes_of(request.fields) + request.method.size() + request.path.size() +
                     request.authority.size() + request.scheme.size());
  out.number(12, values.bytes_received);
  print_chosen(out, 13, request.fields, log.request_headers);
  out.close(mark);
}

void print_response(ProtoWriter& out, const RemoteLog& log, const format::Values& values) {
  const std::size_t mark = out.open(4);
  if (values.status != 0) {
    const std::size_t code = out.open(1);
    out.number(1, static_cast<std::uint64_t>(values.status));
    out.close(code);
  }
  if (values.response) out.number(2, bytes_of(values.response->fields));
  out.number(3, values.bytes_sent);
  if (values.response) print_chosen(out, 4, values.response->fields, log.response_headers);
  if (values.response_trailers)
    print_chosen(out, 5, *values.response_trailers, log.response_trailers);
  text(out, 6, values.details);
  out.close(mark);
}

}  // namespace

void print_envoy_entry(const RemoteLog& log, const format::Values& values, ProtoWriter& out) {
  print_common(out, values);
  if (!values.http) {
    const std::size_t connection = out.open(2);
    out.number(1, values.bytes_received);
    out.number(2, values.bytes_sent);
    out.close(connection);
    return;
  }
  if (values.request) {
    const http::Version version = values.request->version;
    out.number(2, version == http::Version::kHttp10   ? 1
                  : version == http::Version::kHttp11 ? 2
                                                      : 3);
  }
  print_request(out, log, values);
  print_response(out, log, values);
}

std::string envoy_log_message(const Collector& collector, std::string_view entries,
                              bool connections) {
  ProtoWriter out;
  const std::size_t identifier = out.open(1);
  const std::size_t node = out.open(1);
  out.bytes(1, collector.node);
  out.bytes(2, collector.node);
  out.close(node);
  out.bytes(2, collector.log_name);
  out.close(identifier);
  out.text(connections ? 3 : 2, entries);
  return out.take();
}

}  // namespace tidegate::proxy::telemetry
