#include "proxy/filters/attributes.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <chrono>

#include "proxy/http/version_name.h"

namespace tidegate::proxy::filters {
namespace {

using cel::Attribute;
using cel::Value;

Value text(std::string_view from) { return Value::string(from); }
Value number(std::uint64_t from) { return Value::integer(static_cast<std::int64_t>(from)); }

/// False where it is not there; what is there but empty is.
bool present(std::string_view from, Value& out) {
  if (from.data() == nullptr) return false;
  out = text(from);
  return true;
}

std::string_view kept(std::string_view from, cel::Heap& heap) {
  char* copy = heap.allocate<char>(from.size());
  if (copy == nullptr) return {};
  std::copy(from.begin(), from.end(), copy);
  return {copy, from.size()};
}

std::string_view lower(std::string_view from, cel::Heap& heap) {
  char* copy = heap.allocate<char>(from.size());
  if (copy == nullptr) return {};
  std::transform(from.begin(), from.end(), copy, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return {copy, from.size()};
}

/// The request's fields, asked by name in any case of letters; several of one name are one list.
/// Pseudo headers as Envoy has them, and "host".
class HeaderMap final : public cel::Map {
 public:
  explicit HeaderMap(const http::RequestHead& request) : request_(request) {}

  std::size_t size() const override {
    std::size_t count = kPseudo.size();
    for (auto one = request_.fields.begin(); one != request_.fields.end(); ++one)
      count += is_first(one) ? 1 : 0;
    return count;
  }

  Value key(std::size_t index, cel::Heap& heap) const override {
    if (index < kPseudo.size()) return text(kPseudo[index]);
    index -= kPseudo.size();
    for (auto one = request_.fields.begin(); one != request_.fields.end(); ++one) {
      if (is_first(one) && index-- == 0) return text(lower(one->name, heap));
    }
    return {};
  }

  bool find(const Value& key, cel::Heap& heap, Value& out) const override {
    if (!key.is(cel::Kind::kString) || !heap.charge(1 + request_.fields.size() / 4)) return false;
    const std::string_view name = key.text();
    if (name == ":method") return present(request_.method, out);
    if (name == ":path") return present(request_.path, out);
    if (name == ":scheme") return present(request_.scheme, out);
    if (name == ":authority" || http::iequals(name, "host"))
      return present(request_.authority, out);
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (const http::Field& field : request_.fields) {
      if (field.name.size() != name.size() || !http::iequals(field.name, name)) continue;
      if (++count == 1) out = text(field.value.empty() ? std::string_view("") : field.value);
      bytes += field.value.size() + 1;
    }
    if (count > 1) out = joined(name, bytes - 1, heap);
    return count > 0;
  }

 private:
  static constexpr std::array<std::string_view, 4> kPseudo = {":authority", ":method", ":path",
                                                              ":scheme"};
  bool is_first(http::Fields::List::const_iterator at) const {
    return std::none_of(request_.fields.begin(), at,
                        [&](const http::Field& one) { return http::iequals(one.name, at->name); });
  }
  Value joined(std::string_view name, std::size_t bytes, cel::Heap& heap) const {
    char* start = heap.allocate<char>(bytes);
    if (start == nullptr) return Value::error(cel::kLimit);
    char* next = start;
    for (const http::Field& field : request_.fields) {
      if (!http::iequals(field.name, name)) continue;
      if (next != start) *next++ = ',';
      next = std::copy(field.value.begin(), field.value.end(), next);
    }
    return text({start, static_cast<std::size_t>(next - start)});
  }

  const http::RequestHead& request_;
};

std::uint64_t head_bytes(const http::RequestHead& request) {
  // As if they were fields: ":method", ":path", ":scheme", ":authority".
  std::uint64_t bytes = 7 + 5 + 7 + 10 + request.method.size() + request.path.size() +
                        request.scheme.size() + request.authority.size();
  for (const http::Field& field : request.fields) bytes += field.name.size() + field.value.size();
  return bytes;
}

std::string address(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const bool v6 = endpoint.address().is_v6();
  return (v6 ? "[" + host + "]:" : host + ":") + std::to_string(endpoint.port());
}

/// An address of which no port is known, as Envoy prints it.
std::string without_port(std::string_view ip) {
  const std::string host(ip);
  return (host.find(':') != host.npos ? "[" + host + "]" : host) + ":0";
}

Value now() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
  return Value::timestamp(seconds.count(), static_cast<std::int32_t>(nanos.count()));
}

}  // namespace

bool CallAttributes::get(Attribute attribute, cel::Heap& heap, Value& out) const {
  const net::ConnectionFacts& facts = call_.facts;
  switch (attribute) {
    case Attribute::kSourceAddress:
      out = text(kept(call_.forwarded_client.empty() ? address(facts.remote)
                                                     : without_port(call_.forwarded_client),
                      heap));
      return true;
    case Attribute::kSourcePort:
      out = number(call_.client_port());
      return true;
    case Attribute::kDestinationAddress:
      out = text(kept(address(facts.local), heap));
      return true;
    case Attribute::kDestinationPort:
      out = number(facts.local.port());
      return true;
    case Attribute::kConnectionRequestedServerName:
      out = text(facts.sni);
      return facts.tls;
    case Attribute::kConnectionTlsVersion:
      out = text(facts.tls_version);
      return facts.tls;
    case Attribute::kMetadataFilterMetadata: {
      static const boost::json::object none;
      const boost::json::object* all = call_.all_metadata();
      out = cel::from_json(all ? *all : none, heap);
      return true;
    }
    default:
      return get_request(attribute, heap, out);
  }
}

bool CallAttributes::get_request(Attribute attribute, cel::Heap& heap, Value& out) const {
  const http::RequestHead& request = call_.request;
  const bool exact = request.body.kind != http::BodyLength::Kind::kUnknown;
  switch (attribute) {
    case Attribute::kRequestPath:
      out = text(request.path);
      return true;
    case Attribute::kRequestUrlPath:
      out = text(request.path_only());
      return true;
    case Attribute::kRequestQuery:
      out = text(request.query());
      return true;
    case Attribute::kRequestHost:
      out = text(request.authority);
      return true;
    case Attribute::kRequestScheme:
      out = text(request.scheme);
      return true;
    case Attribute::kRequestMethod:
      out = text(request.method);
      return true;
    case Attribute::kRequestProtocol:
      out = text(http::version_name(request.version));
      return true;
    case Attribute::kRequestHeaders: {
      const HeaderMap* map = heap.make<HeaderMap>(request);
      out = map == nullptr ? Value::error(cel::kLimit) : Value::map(*map);
      return true;
    }
    case Attribute::kRequestHeadersBytes:
      out = number(head_bytes(request));
      return true;
    case Attribute::kRequestReferer:
      return present(request.fields.get("referer"), out);
    case Attribute::kRequestUseragent:
      return present(request.fields.get("user-agent"), out);
    case Attribute::kRequestId:
      return present(request.fields.get("x-request-id"), out);
    case Attribute::kRequestTime:
      out = now();
      return true;
    case Attribute::kRequestSize:
      out = number(request.body.bytes);
      return exact;
    case Attribute::kRequestTotalSize:
      out = number(head_bytes(request) + request.body.bytes);
      return exact;
    default:
      return false;
  }
}

}  // namespace tidegate::proxy::filters
