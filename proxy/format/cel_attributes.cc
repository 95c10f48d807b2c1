#include "proxy/format/cel_attributes.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <iterator>

#include "proxy/format/json_format.h"
#include "proxy/http/version_name.h"

namespace tidegate::proxy::format {
namespace {

using cel::Attribute;
using cel::Heap;
using cel::Kind;
using cel::Value;
using std::chrono::nanoseconds;

bool text(std::string_view value, Value& out) {
  if (value.empty()) return false;
  out = Value::string(value);
  return true;
}

bool copied(std::string_view value, Heap& heap, Value& out) {
  char* at = heap.allocate<char>(value.size());
  if (at == nullptr) return false;
  std::copy(value.begin(), value.end(), at);
  out = Value::string({at, value.size()});
  return true;
}

bool integer(std::uint64_t value, Value& out) {
  out = Value::integer(static_cast<std::int64_t>(value));
  return true;
}

std::string_view joined(const http::Fields& fields, std::string_view name, Heap& heap) {
  std::size_t size = 0;
  std::string_view only;
  std::size_t count = 0;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, name)) continue;
    size += field.value.size() + 1;
    only = field.value;
    ++count;
  }
  if (count <= 1) return only;
  char* all = heap.allocate<char>(size);
  if (all == nullptr) return {};
  char* at = all;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, name)) continue;
    if (at != all) *at++ = ',';
    at = std::copy(field.value.begin(), field.value.end(), at);
  }
  return {all, static_cast<std::size_t>(at - all)};
}

/// Header fields by name in lower case; several of one name are joined.
class FieldMap final : public cel::Map {
 public:
  FieldMap(const http::Fields& fields, const http::RequestHead* request, int status)
      : fields_(fields), request_(request), status_(status) {}

  std::size_t size() const override { return fields_.size(); }
  Value key(std::size_t index, Heap& heap) const override {
    const std::string_view name = (fields_.begin() + static_cast<std::ptrdiff_t>(index))->name;
    char* at = heap.allocate<char>(name.size());
    if (at == nullptr) return Value::error(cel::kLimit);
    for (std::size_t i = 0; i < name.size(); ++i)
      at[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
    return Value::string({at, name.size()});
  }
  bool find(const Value& key, Heap& heap, Value& out) const override {
    if (!key.is(Kind::kString)) return false;
    const std::string_view name = key.text();
    if (name.starts_with(':')) return pseudo(name, heap, out);
    if (!fields_.has(name)) return false;
    out = Value::string(joined(fields_, name, heap));
    return true;
  }

 private:
  bool pseudo(std::string_view name, Heap& heap, Value& out) const {
    if (request_ == nullptr)
      return name == ":status" && status_ != 0 && copied(fmt::format("{}", status_), heap, out);
    if (name == ":method") return text(request_->method, out);
    if (name == ":path") return text(request_->path, out);
    if (name == ":authority") return text(request_->authority, out);
    if (name == ":scheme") return text(request_->scheme, out);
    return false;
  }

  const http::Fields& fields_;
  const http::RequestHead* request_;
  int status_;
};

bool fields_map(const http::Fields& fields, const http::RequestHead* request, int status,
                Heap& heap, Value& out) {
  const FieldMap* map = heap.make<FieldMap>(fields, request, status);
  if (map == nullptr) return false;
  out = Value::map(*map);
  return true;
}

std::uint64_t bytes_of(const http::Fields& fields) {
  std::uint64_t sum = 0;
  for (const http::Field& field : fields) sum += field.name.size() + field.value.size();
  return sum;
}

bool field(const Values& values, std::string_view name, Value& out) {
  bool several = false;
  return text(request_field(values, name, several), out);
}

bool endpoint(const boost::asio::ip::tcp::endpoint& at, Heap& heap, Value& out) {
  const std::string ip = at.address().to_string();
  return copied(at.address().is_v6() ? fmt::format("[{}]:{}", ip, at.port())
                                     : fmt::format("{}:{}", ip, at.port()),
                heap, out);
}

bool certificate(const net::ConnectionFacts& facts, Attribute what, Value& out) {
  if (!facts.peer) return false;
  const net::CertificateFacts& peer = *facts.peer;
  switch (what) {
    case Attribute::kConnectionSubjectPeerCertificate:
    case Attribute::kUpstreamSubjectPeerCertificate:
      return text(peer.subject, out);
    case Attribute::kConnectionDnsSanPeerCertificate:
    case Attribute::kUpstreamDnsSanPeerCertificate:
      return !peer.dns_sans.empty() && text(peer.dns_sans[0], out);
    case Attribute::kConnectionUriSanPeerCertificate:
    case Attribute::kUpstreamUriSanPeerCertificate:
      return !peer.uri_sans.empty() && text(peer.uri_sans[0], out);
    case Attribute::kConnectionSha256PeerCertificateDigest:
    case Attribute::kUpstreamSha256PeerCertificateDigest:
      return text(peer.fingerprint_256, out);
    case Attribute::kConnectionPeerCertificate:
    case Attribute::kUpstreamPeerCertificate:
      return text(peer.pem, out);
    default:
      return false;
  }
}

boost::json::value to_json(const Value& value, Heap& heap, int depth) {
  constexpr int kDepthMax = 16;
  switch (value.kind()) {
    case Kind::kBool:
      return value.boolean();
    case Kind::kInt:
      return value.integer();
    case Kind::kUint:
      return value.natural();
    case Kind::kDouble:
      return value.real();
    case Kind::kString:
    case Kind::kBytes:
      return boost::json::string(
          boost::json::string_view(value.text().data(), value.text().size()));
    case Kind::kDuration:
      return boost::json::string(fmt::format("{}s", static_cast<double>(value.duration()) / 1e9));
    case Kind::kTimestamp: {
      std::string out;
      TimeFormat().print(
          std::chrono::system_clock::time_point(
              std::chrono::duration_cast<std::chrono::system_clock::duration>(
                  std::chrono::seconds(value.seconds()) + nanoseconds(value.nanos()))),
          out);
      return boost::json::string(out);
    }
    case Kind::kList: {
      boost::json::array out;
      if (depth < kDepthMax) {
        for (const Value& one : value.list()) out.push_back(to_json(one, heap, depth + 1));
      }
      return out;
    }
    case Kind::kMap: {
      boost::json::object out;
      for (std::size_t i = 0; depth < kDepthMax && i < value.map().size(); ++i) {
        const Value key = value.map().key(i, heap);
        Value found;
        if (!key.is(Kind::kString) || !value.map().find(key, heap, found)) continue;
        out[boost::json::string_view(key.text().data(), key.text().size())] =
            to_json(found, heap, depth + 1);
      }
      return out;
    }
    default:
      return nullptr;
  }
}

}  // namespace

bool ValueAttributes::request(Attribute attribute, Heap& heap, Value& out) const {
  if (attribute == Attribute::kRequestTime) {
    const auto since =
        std::chrono::duration_cast<nanoseconds>(values_.started.time_since_epoch()).count();
    out = Value::timestamp(since / 1000000000, static_cast<std::int32_t>(since % 1000000000));
    return true;
  }
  if (attribute == Attribute::kRequestDuration) {
    out = Value::duration(std::chrono::duration_cast<nanoseconds>(values_.duration).count());
    return true;
  }
  if (attribute == Attribute::kRequestSize) return integer(values_.bytes_received, out);
  if (values_.request == nullptr) return false;
  const http::RequestHead& head = *values_.request;
  switch (attribute) {
    case Attribute::kRequestPath:
      return text(values_.original_path.empty() ? head.path : values_.original_path, out);
    case Attribute::kRequestUrlPath: {
      const std::string_view path =
          values_.original_path.empty() ? head.path : values_.original_path;
      return text(path.substr(0, path.find('?')), out);
    }
    case Attribute::kRequestHost:
      return text(head.authority, out);
    case Attribute::kRequestScheme:
      return text(head.scheme, out);
    case Attribute::kRequestMethod:
      return text(head.method, out);
    case Attribute::kRequestHeaders:
      return fields_map(head.fields, &head, 0, heap, out);
    case Attribute::kRequestHeadersBytes:
      return integer(bytes_of(head.fields), out);
    case Attribute::kRequestReferer:
      return field(values_, "referer", out);
    case Attribute::kRequestUseragent:
      return field(values_, "user-agent", out);
    case Attribute::kRequestId:
      return field(values_, "x-request-id", out);
    case Attribute::kRequestProtocol:
      return text(http::version_name(head.version), out);
    case Attribute::kRequestQuery:
      out = Value::string(head.query());
      return true;
    case Attribute::kRequestTotalSize:
      return integer(values_.bytes_received + bytes_of(head.fields), out);
    default:
      return false;
  }
}

bool ValueAttributes::response(Attribute attribute, Heap& heap, Value& out) const {
  switch (attribute) {
    case Attribute::kResponseCode:
      return values_.status != 0 && integer(static_cast<std::uint64_t>(values_.status), out);
    case Attribute::kResponseCodeDetails:
      return text(values_.details, out);
    case Attribute::kResponseFlags:
      return integer(values_.flags.bits(), out);
    case Attribute::kResponseGrpcStatus: {
      const int status = grpc_status(values_);
      return status >= 0 && integer(static_cast<std::uint64_t>(status), out);
    }
    case Attribute::kResponseHeaders:
      return values_.response != nullptr &&
             fields_map(values_.response->fields, nullptr, values_.status, heap, out);
    case Attribute::kResponseHeadersBytes:
      return values_.response != nullptr && integer(bytes_of(values_.response->fields), out);
    case Attribute::kResponseTrailers:
      return values_.response_trailers != nullptr &&
             fields_map(*values_.response_trailers, nullptr, 0, heap, out);
    case Attribute::kResponseSize:
      return integer(values_.bytes_sent, out);
    case Attribute::kResponseTotalSize:
      return integer(
          values_.bytes_sent + (values_.response ? bytes_of(values_.response->fields) : 0), out);
    default:
      return false;
  }
}

bool ValueAttributes::connection(Attribute attribute, Heap& heap, Value& out) const {
  if (values_.downstream == nullptr) return false;
  const net::ConnectionFacts& facts = *values_.downstream;
  switch (attribute) {
    case Attribute::kSourceAddress:
      if (!values_.client_ip.empty())
        return copied(values_.client_ip.find(':') == std::string_view::npos
                          ? fmt::format("{}:0", values_.client_ip)
                          : fmt::format("[{}]:0", values_.client_ip),
                      heap, out);
      return endpoint(facts.remote, heap, out);
    case Attribute::kSourcePort:
      return integer(values_.client_ip.empty() ? facts.remote.port() : 0, out);
    case Attribute::kDestinationAddress:
      return endpoint(facts.local, heap, out);
    case Attribute::kDestinationPort:
      return integer(facts.local.port(), out);
    case Attribute::kConnectionId:
      return integer(facts.id, out);
    case Attribute::kConnectionMtls:
      out = Value::boolean(facts.peer != nullptr);
      return true;
    case Attribute::kConnectionRequestedServerName:
      return text(facts.sni, out);
    case Attribute::kConnectionTlsVersion:
      return text(facts.tls_version, out);
    case Attribute::kConnectionTerminationDetails:
      return text(values_.termination, out);
    case Attribute::kConnectionTransportFailureReason:
      return text(values_.downstream_failure, out);
    default:
      return certificate(facts, attribute, out);
  }
}

bool ValueAttributes::upstream(Attribute attribute, Heap& heap, Value& out) const {
  switch (attribute) {
    case Attribute::kUpstreamAddress:
      return text(values_.upstream_host, out);
    case Attribute::kUpstreamPort: {
      const std::size_t colon = values_.upstream_host.rfind(':');
      if (colon == std::string_view::npos) return false;
      std::uint64_t port = 0;
      for (const char c : values_.upstream_host.substr(colon + 1)) {
        if (c < '0' || c > '9') return false;
        port = port * 10 + static_cast<std::uint64_t>(c - '0');
      }
      return integer(port, out);
    }
    case Attribute::kUpstreamTransportFailureReason:
      return text(values_.upstream_failure, out);
    case Attribute::kUpstreamRequestAttemptCount:
      return integer(values_.attempts, out);
    case Attribute::kUpstreamLocalAddress:
      return values_.upstream != nullptr && endpoint(values_.upstream->local, heap, out);
    case Attribute::kUpstreamTlsVersion:
      return values_.upstream != nullptr && text(values_.upstream->tls_version, out);
    default:
      return values_.upstream != nullptr && certificate(*values_.upstream, attribute, out);
  }
}

bool ValueAttributes::get(Attribute attribute, Heap& heap, Value& out) const {
  switch (attribute) {
    case Attribute::kMetadataFilterMetadata:
      if (values_.dynamic_metadata == nullptr) return false;
      out = cel::from_json(*values_.dynamic_metadata, heap);
      return true;
    case Attribute::kXdsClusterName:
      return text(values_.upstream_cluster, out);
    case Attribute::kXdsRouteName:
      return text(values_.route_name, out);
    case Attribute::kXdsFilterChainName:
      return text(values_.listener_name, out);
    default:
      break;
  }
  if (attribute <= Attribute::kRequestTotalSize) return request(attribute, heap, out);
  if (attribute <= Attribute::kResponseBackendLatency) return response(attribute, heap, out);
  if (attribute <= Attribute::kConnectionTerminationDetails)
    return connection(attribute, heap, out);
  if (attribute <= Attribute::kUpstreamLocality) return upstream(attribute, heap, out);
  return false;
}

ExpressionPtr compile_cel(std::string_view text, std::string& problem) {
  cel::Expression::Compiled compiled = cel::Expression::compile(text);
  if (!compiled) {
    problem = cel::describe(compiled.error());
    return nullptr;
  }
  return std::move(*compiled);
}

bool print_cel(const cel::Expression& expression, const Values& values, bool typed,
               std::string& out) {
  Arena arena;
  cel::Heap heap(arena, {});
  const Value value = expression.evaluate(ValueAttributes(values), arena);
  if (value.is_error() || value.is(Kind::kNull)) return false;
  if (!typed && (value.is(Kind::kString) || value.is(Kind::kBytes))) {
    out += value.text();
    return true;
  }
  const boost::json::value printed = to_json(value, heap, 0);
  if (printed.is_null()) return false;
  if (!typed && printed.is_string()) {
    out.append(printed.get_string().data(), printed.get_string().size());
  } else {
    out += boost::json::serialize(printed);
  }
  return true;
}

}  // namespace tidegate::proxy::format
