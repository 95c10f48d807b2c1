#include <arpa/inet.h>
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <chrono>
#include <cstring>

#include "proxy/format/names.h"
#include "proxy/format/operators.h"
#include "proxy/http/percent.h"
#include "proxy/http/version_name.h"
#include "proxy/runtime/uuid.h"

namespace tidegate::proxy::format {
namespace {

namespace json = boost::json;
using boost::asio::ip::tcp;
using std::chrono::nanoseconds;

bool number(std::uint64_t value, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
  return true;
}

/// Empty is missing.
bool text(std::string_view value, std::string& out) {
  out += value;
  return !value.empty();
}

bool present(std::string_view value, std::string& out) {
  out += value;
  return value.data() != nullptr;
}

bool underscored(std::string_view value, std::string& out) {
  const std::size_t before = out.size();
  out += value;
  for (std::size_t i = before; i < out.size(); ++i) {
    if (out[i] == ' ') out[i] = '_';
  }
  return !value.empty();
}

std::string_view without_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == address.npos || (address.starts_with('[') && address.ends_with(']'))) return address;
  address = address.substr(0, colon);
  if (address.size() > 2 && address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  return address;
}

void ip_text(const boost::asio::ip::address& ip, int mask, std::string& out) {
  char buffer[INET6_ADDRSTRLEN];
  unsigned char bytes[16];
  std::size_t size = 4;
  if (ip.is_v4()) {
    const auto raw = ip.to_v4().to_bytes();
    std::memcpy(bytes, raw.data(), 4);
  } else {
    const auto raw = ip.to_v6().to_bytes();
    std::memcpy(bytes, raw.data(), 16);
    size = 16;
  }
  const int bits = mask < 0 ? -1 : std::min(mask, static_cast<int>(size * 8));
  for (std::size_t i = 0; bits >= 0 && i < size; ++i) {
    const int left = bits - static_cast<int>(i * 8);
    if (left <= 0) {
      bytes[i] = 0;
    } else if (left < 8) {
      bytes[i] = static_cast<unsigned char>(bytes[i] & (0xff << (8 - left)));
    }
  }
  if (::inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, buffer, sizeof buffer) != nullptr)
    out += buffer;
  if (bits >= 0) {
    out += '/';
    number(static_cast<std::uint64_t>(bits), out);
  }
}

bool address(const Operation& operation, const Values& values, std::string& out) {
  const AddressDetail& what = operation.address;
  const net::ConnectionFacts* facts = what.upstream ? values.upstream : values.downstream;
  if (facts == nullptr) return false;
  const bool remote =
      what.side == AddressDetail::kRemote || what.side == AddressDetail::kDirectRemote;
  const tcp::endpoint* at = remote ? &facts->remote : &facts->local;
  if (what.side == AddressDetail::kDirectRemote && facts->direct_remote)
    at = &*facts->direct_remote;
  if (what.side == AddressDetail::kDirectLocal && facts->direct_local) at = &*facts->direct_local;
  // X-Forwarded-For says who, and no port.
  const bool told =
      what.side == AddressDetail::kRemote && !what.upstream && !values.client_ip.empty();
  if (what.shape == AddressDetail::kPort) return number(told ? 0 : at->port(), out);
  if (told && operation.mask < 0) {
    const bool v6 = values.client_ip.find(':') != std::string_view::npos;
    if (what.shape == AddressDetail::kIp) return text(values.client_ip, out);
    if (v6) out += '[';
    out += values.client_ip;
    out += v6 ? "]:0" : ":0";
    return true;
  }
  boost::asio::ip::address ip = at->address();
  if (told) {
    boost::system::error_code bad;
    ip = boost::asio::ip::make_address(std::string(values.client_ip), bad);
    if (bad) return false;
  }
  const bool brackets = what.shape == AddressDetail::kWhole && ip.is_v6();
  if (brackets) out += '[';
  ip_text(ip, operation.mask, out);
  if (brackets) out += ']';
  if (what.shape == AddressDetail::kWhole) {
    out += ':';
    number(told ? 0 : at->port(), out);
  }
  return true;
}

/// All lines of a name, joined.
void all_fields(const http::Fields& fields, std::string_view name, std::string& out) {
  bool first = true;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, name)) continue;
    if (!first) out += ',';
    first = false;
    out += field.value;
  }
}

bool request_value(const Operation& operation, const Values& values, bool query, std::string& out) {
  for (const std::string* name : {&operation.text, &operation.alternative}) {
    if (name->empty()) continue;
    bool several = false;
    std::string_view value = request_field(values, *name, several);
    if (value.data() == nullptr) continue;
    if (several) {
      all_fields(values.request->fields, *name, out);
    } else {
      out += query ? value : value.substr(0, value.find('?'));
    }
    return true;
  }
  return false;
}

bool response_value(const Operation& operation, const Values& values, std::string& out) {
  for (const std::string* name : {&operation.text, &operation.alternative}) {
    if (name->empty()) continue;
    if (http::iequals(*name, ":status") && values.status != 0)
      return number(static_cast<std::uint64_t>(values.status), out);
    bool several = false;
    const std::string_view value = response_field(values, *name, several);
    if (value.data() == nullptr) continue;
    if (several) {
      all_fields(values.response->fields, *name, out);
    } else {
      out += value;
    }
    return true;
  }
  return false;
}

bool trailer_value(const Operation& operation, const Values& values, std::string& out) {
  if (values.response_trailers == nullptr) return false;
  for (const std::string* name : {&operation.text, &operation.alternative}) {
    if (name->empty() || !values.response_trailers->has(*name)) continue;
    all_fields(*values.response_trailers, *name, out);
    return true;
  }
  return false;
}

std::uint64_t bytes_of(const http::Fields& fields) {
  std::uint64_t sum = 0;
  for (const http::Field& field : fields) sum += field.name.size() + field.value.size();
  return sum;
}

std::uint64_t request_bytes(const http::RequestHead& head) {
  constexpr std::uint64_t kPseudo = 7 + 5 + 10 + 7;  // :method :path :authority :scheme
  return kPseudo + head.method.size() + head.path.size() + head.authority.size() +
         head.scheme.size() + bytes_of(head.fields);
}

bool path(std::uint8_t detail, const Values& values, std::string& out) {
  if (values.request == nullptr) return false;
  std::string_view value = values.request->path;
  if ((detail & kPathNow) == 0 && !values.original_path.empty()) value = values.original_path;
  if (detail & kPathWithoutQuery) value = value.substr(0, value.find('?'));
  return text(value, out);
}

void decode(std::string_view value, std::string& out) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '%' && i + 2 < value.size() && digit(value[i + 1]) >= 0 &&
        digit(value[i + 2]) >= 0) {
      const char byte = static_cast<char>(digit(value[i + 1]) * 16 + digit(value[i + 2]));
      // A line of a log must stay one line.
      out += byte == '\n' || byte == '\r' || byte == '\0' ? '_' : byte;
      i += 2;
    } else {
      out += value[i] == '+' ? ' ' : value[i];
    }
  }
}

bool query_parameter(std::string_view name, const Values& values, std::string& out) {
  if (values.request == nullptr) return false;
  std::string_view rest = values.request->query();
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    std::string_view one = rest.substr(0, end);
    const std::size_t equals = one.find('=');
    if (one.substr(0, equals) == name) {
      if (equals != one.npos) decode(one.substr(equals + 1), out);
      return true;
    }
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  return false;
}

bool joined(const std::vector<std::string>& list, std::string& out) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ',';
    out += list[i];
  }
  return !list.empty();
}

const net::CertificateFacts* certificate(std::uint8_t detail, const Values& values) {
  const net::ConnectionFacts* facts = detail & kUpstreamSide ? values.upstream : values.downstream;
  return facts != nullptr ? facts->peer.get() : nullptr;
}

bool peer(std::uint8_t detail, const Values& values, std::string& out) {
  const net::CertificateFacts* facts = certificate(detail, values);
  if (facts == nullptr) return false;
  switch (static_cast<PeerDetail>(detail & ~kUpstreamSide)) {
    case kSubject:
      return text(facts->subject, out);
    case kIssuer:
      return text(facts->issuer, out);
    case kSerial:
      return text(facts->serial, out);
    case kFingerprint256:
      return text(facts->fingerprint_256, out);
    case kFingerprint1:
      return text(facts->fingerprint_1, out);
    case kPem:
      out += http::percent_encode(facts->pem);
      return !facts->pem.empty();
    case kUriSan:
      return joined(facts->uri_sans, out);
    case kDnsSan:
      return joined(facts->dns_sans, out);
    case kIpSan:
      return joined(facts->ip_sans, out);
    case kEmailSan:
      return joined(facts->email_sans, out);
    case kChainFingerprints256:
      return joined(facts->chain_fingerprints_256, out);
    case kChainFingerprints1:
      return joined(facts->chain_fingerprints_1, out);
    case kChainSerials:
      return joined(facts->chain_serials, out);
  }
  return false;
}

bool between(const Operation& operation, const Values& values, std::string& out) {
  if (values.points == nullptr) return false;
  const auto from = (*values.points)[operation.from];
  const auto to = (*values.points)[operation.to];
  if (from.time_since_epoch().count() == 0 || to.time_since_epoch().count() == 0) return false;
  const auto span = std::chrono::duration_cast<nanoseconds>(to - from).count();
  return number(static_cast<std::uint64_t>(std::max<std::int64_t>(span, 0)) / operation.divisor,
                out);
}

bool json_value(const json::value& value, bool typed, std::string& out) {
  if (value.is_null()) return false;
  if (!typed && value.is_string()) {
    const json::string& bytes = value.get_string();
    out.append(bytes.data(), bytes.size());
  } else {
    out += json::serialize(value);
  }
  return true;
}

bool metadata(const Operation& operation, const Values& values, bool typed, std::string& out) {
  const json::object* here = values.dynamic_metadata;
  for (std::size_t i = 0; here != nullptr && i < operation.keys.size(); ++i) {
    const json::value* found = here->if_contains(operation.keys[i]);
    if (found == nullptr) return false;
    if (i + 1 == operation.keys.size()) return json_value(*found, typed, out);
    here = found->if_object();
  }
  return false;
}

/// What kgateway tells of a route in its metadata.
bool route_source(const Operation& operation, const Values& values, bool typed, std::string& out) {
  if (values.route == nullptr) return false;
  const Origin& route = *values.route;
  const std::string_view key = operation.text;
  if (key.empty()) {
    return json_value(json::object{{"group", "gateway.networking.k8s.io"},
                                   {"kind", route.kind},
                                   {"name", route.name},
                                   {"namespace", route.namespace_},
                                   {"rule", route.section}},
                      typed, out);
  }
  std::string_view value = key == "group"       ? std::string_view("gateway.networking.k8s.io")
                           : key == "kind"      ? std::string_view(route.kind)
                           : key == "name"      ? std::string_view(route.name)
                           : key == "namespace" ? std::string_view(route.namespace_)
                           : key == "rule"      ? std::string_view(route.section)
                                                : std::string_view();
  if (value.empty()) return false;
  return typed ? json_value(json::value(value), true, out) : text(value, out);
}

bool attempted(const Operation& operation, const Values& values, std::string& out) {
  bool first = true;
  for (const AttemptedHost& host : values.hosts_attempted) {
    if (!first) out += ',';
    first = false;
    const bool named = operation.what == Operator::kHostNamesAttempted && !host.name.empty();
    const std::string_view shown = named ? host.name : host.address;
    out += operation.detail == kWithoutPort ? without_port(shown) : shown;
  }
  return !first;
}

bool server_name(const Operation& operation, const Values& values, std::string& out) {
  const std::string_view sni =
      values.downstream ? std::string_view(values.downstream->sni) : std::string_view();
  std::string_view host = values.request ? values.request->authority : std::string_view();
  host = host.empty() ? host : without_port(host);
  if (operation.detail == 0) return text(sni, out);
  if (operation.detail == 1) return text(sni.empty() ? host : sni, out);
  return text(host.empty() ? sni : host, out);
}

bool grpc(const Operation& operation, const Values& values, std::string& out) {
  const int status = grpc_status(values);
  if (status < 0) return false;
  if (operation.detail == 2) return number(static_cast<std::uint64_t>(status), out);
  const std::string_view name = grpc_status_name(status, operation.detail == 0);
  return name.empty() ? number(static_cast<std::uint64_t>(status), out) : text(name, out);
}

bool tls_text(const Operation& operation, const Values& values, std::string& out) {
  const net::ConnectionFacts* facts =
      operation.detail & kUpstreamSide ? values.upstream : values.downstream;
  if (facts == nullptr) return false;
  return text(operation.what == Operator::kTlsVersion  ? facts->tls_version
              : operation.what == Operator::kTlsCipher ? facts->tls_cipher
                                                       : facts->tls_group,
              out);
}

bool unique_id(const Values& values, std::string& out) {
  static thread_local Random own(
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
  char id[kUuidBytes];
  write_uuid(values.random != nullptr ? *values.random : own, id);
  out.append(id, sizeof id);
  return true;
}

bool print_unbounded(const Operation& operation, const Values& values, bool typed,
                     std::string& out) {
  switch (operation.what) {
    case Operator::kLiteral:
      out += operation.text;
      return true;
    case Operator::kMissing:
      return false;
    case Operator::kZero:
      return number(0, out);
    case Operator::kStartTime:
      operation.time.print(values.started, out);
      return true;
    case Operator::kEmitTime:
      operation.time.print(std::chrono::system_clock::now(), out);
      return true;
    case Operator::kPeerValidFrom:
    case Operator::kPeerValidUntil: {
      const net::CertificateFacts* facts = certificate(operation.detail, values);
      if (facts == nullptr) return false;
      operation.time.print(
          operation.what == Operator::kPeerValidFrom ? facts->valid_from : facts->valid_until, out);
      return true;
    }
    case Operator::kProtocol:
      if (!values.http) return false;
      return text(values.request ? http::version_name(values.request->version) : "HTTP/1.1", out);
    case Operator::kUpstreamProtocol:
      if (!values.http || values.attempts == 0) return false;
      return text(values.upstream_http2 ? "HTTP/2" : "HTTP/1.1", out);
    case Operator::kStatus:
      return number(static_cast<std::uint64_t>(values.status), out);
    case Operator::kDetails:
      return operation.detail == 1 ? text(values.details, out) : underscored(values.details, out);
    case Operator::kFlags:
    case Operator::kFlagsLong:
      values.flags.print(operation.what == Operator::kFlagsLong, out);
      return values.flags.any();
    case Operator::kTermination:
      return underscored(values.termination, out);
    case Operator::kBytesReceived:
      return number(values.bytes_received, out);
    case Operator::kBytesSent:
      return number(values.bytes_sent, out);
    case Operator::kRequestHeaderBytes:
      return number(values.request ? request_bytes(*values.request) : 0, out);
    case Operator::kResponseHeaderBytes: {
      constexpr std::uint64_t kStatusLine = 7 + 3;  // :status and three digits
      return number(values.response ? kStatusLine + bytes_of(values.response->fields) : 0, out);
    }
    case Operator::kResponseTrailerBytes:
      return number(values.response_trailers ? bytes_of(*values.response_trailers) : 0, out);
    case Operator::kDuration:
      return number(
          static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(values.duration).count()),
          out);
    case Operator::kBetween:
      return between(operation, values, out);
    case Operator::kRequestField:
      return request_value(operation, values, true, out);
    case Operator::kRequestFieldWithoutQuery:
      return request_value(operation, values, false, out);
    case Operator::kResponseField:
      return response_value(operation, values, out);
    case Operator::kTrailerField:
      return trailer_value(operation, values, out);
    case Operator::kPath:
      return path(operation.detail, values, out);
    case Operator::kQueryParameter:
      return query_parameter(operation.text, values, out);
    case Operator::kQuery: {
      const std::string_view query = values.request ? values.request->query() : std::string_view();
      if (operation.detail == 0) return text(query, out);
      decode(query, out);
      return !query.empty();
    }
    case Operator::kUpstreamHost:
      return text(values.upstream_host, out);
    case Operator::kUpstreamHostName: {
      const std::string_view name =
          values.upstream_host_name.empty() ? values.upstream_host : values.upstream_host_name;
      return text(operation.detail == kWithoutPort ? without_port(name) : name, out);
    }
    case Operator::kHostsAttempted:
    case Operator::kHostNamesAttempted:
      return attempted(operation, values, out);
    case Operator::kUpstreamCluster:
      return text(values.upstream_cluster, out);
    case Operator::kAttempts:
      return number(values.attempts, out);
    case Operator::kAddress:
      return address(operation, values, out);
    case Operator::kUpstreamFailure:
      return underscored(values.upstream_failure, out);
    case Operator::kDownstreamFailure:
      return underscored(values.downstream_failure, out);
    case Operator::kTlsVersion:
    case Operator::kTlsCipher:
    case Operator::kTlsGroup:
      return tls_text(operation, values, out);
    case Operator::kServerName:
      return server_name(operation, values, out);
    case Operator::kUpstreamServerName:
      return text(values.upstream ? std::string_view(values.upstream->sni) : std::string_view(),
                  out);
    case Operator::kPeer:
      return peer(operation.detail, values, out);
    case Operator::kRouteName:
      return text(values.route_name, out);
    case Operator::kListenerName:
      return text(values.listener_name, out);
    case Operator::kConnectionId:
      return number(values.downstream ? values.downstream->id : 0, out);
    case Operator::kUpstreamConnectionId:
      return number(values.upstream ? values.upstream->id : 0, out);
    case Operator::kStreamId: {
      bool several = false;
      return present(request_field(values, "x-request-id", several), out);
    }
    case Operator::kUniqueId:
      return unique_id(values, out);
    case Operator::kTraceId:
      return text(values.trace_id, out);
    case Operator::kSpanId:
      return text(values.span_id, out);
    case Operator::kGrpcStatus:
      return grpc(operation, values, out);
    case Operator::kMetadata:
      return metadata(operation, values, typed, out);
    case Operator::kRouteSource:
      return route_source(operation, values, typed, out);
    case Operator::kExpression:
      return print_cel(*operation.expression, values, typed, out);
    case Operator::kCoalesce:
      for (const Operation& one : operation.operations) {
        const std::size_t before = out.size();
        if (print_value(one, values, false, out) && out.size() > before) return true;
        out.resize(before);
      }
      return false;
    case Operator::kLogType:
      return text(values.http ? "DownstreamEnd" : "TcpConnectionEnd", out);
    case Operator::kLocalReplyBody:
      out += values.local_reply_body;
      return true;
  }
  return false;
}

}  // namespace

bool print_value(const Operation& operation, const Values& values, bool typed, std::string& out) {
  const std::size_t before = out.size();
  typed = typed && operation.type == Type::kJson;
  if (!print_unbounded(operation, values, typed, out)) {
    out.resize(before);
    return false;
  }
  if (!typed && out.size() - before > operation.bytes_max) out.resize(before + operation.bytes_max);
  return true;
}

}  // namespace tidegate::proxy::format
