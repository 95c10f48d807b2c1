#include "proxy/exchange/forwarding.h"

#include <algorithm>
#include <string>

#include "proxy/runtime/uuid.h"

namespace tidegate::proxy::exchange {

void rewrite_host(http::RequestHead& request, std::string_view hostname) {
  const bool address = hostname.find(':') != hostname.npos ||
                       hostname.find_first_not_of("0123456789.") == hostname.npos;
  if (!address) request.authority = hostname;
}

namespace {

bool belongs_to_head(std::string_view name) {
  for (const std::string_view begin : {"x-forwarded-", "x-envoy-", "if-"}) {
    if (http::iequals(name.substr(0, begin.size()), begin)) return true;
  }
  for (const std::string_view one : {"host",
                                     "authorization",
                                     "proxy-authorization",
                                     "cookie",
                                     "set-cookie",
                                     "www-authenticate",
                                     "proxy-authenticate",
                                     "cache-control",
                                     "expect",
                                     "max-forwards",
                                     "pragma",
                                     "range",
                                     "age",
                                     "expires",
                                     "location",
                                     "retry-after",
                                     "vary",
                                     "content-encoding",
                                     "content-type",
                                     "content-range",
                                     "forwarded",
                                     "x-request-id",
                                     "x-real-ip",
                                     "x-host",
                                     "x-original-url",
                                     "x-rewrite-url",
                                     "x-http-method-override"}) {
    if (http::iequals(name, one)) return true;
  }
  return false;
}

}  // namespace

bool may_trail(std::string_view name, const http::Fields* head) {
  if (name.find('_') != name.npos) {  // as some backends read it
    std::string dashed(name);
    std::replace(dashed.begin(), dashed.end(), '_', '-');
    if (!may_trail(dashed, head)) return false;
  }
  return !http::frames_message(name) && !belongs_to_head(name) && !(head && head->has(name));
}

std::string_view request_id(Random& random, Arena& arena) {
  char id[kUuidBytes];
  write_uuid(random, id);
  return arena.copy({id, sizeof id});
}

namespace {

/// Whether a backend that takes '_' for '-' would take the field for one that the gateway vouches
/// for.
bool is_alias(std::string_view name) {
  if (name.find('_') == name.npos) return false;
  for (const std::string_view ours : {"x-request-id", "x-forwarded-for", "x-forwarded-proto",
                                      "x-forwarded-host", "x-forwarded-client-cert"}) {
    if (name.size() != ours.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size(); ++i)
      same = same && http::iequals(name[i] == '_' ? "-" : name.substr(i, 1), ours.substr(i, 1));
    if (same) return true;
  }
  return false;
}

}  // namespace

void add_forwarding_fields(http::RequestHead& request, const net::ConnectionFacts& facts,
                           const HttpOptions* options, const Client* client, Random& random,
                           Arena& arena) {
  // One pass over the fields for all names.
  bool has_id = false;
  bool claims_certificate = false;
  bool several_protos = false;
  bool aliases = false;
  http::Field* forwarded_for = nullptr;
  http::Field* proto = nullptr;
  for (http::Field& field : request.fields.list()) {
    if (field.name.size() < 12 || (field.name[0] != 'x' && field.name[0] != 'X')) continue;
    aliases = aliases || is_alias(field.name);
    if (http::iequals(field.name, "x-request-id")) {
      has_id = !field.value.empty();
    } else if (http::iequals(field.name, "x-forwarded-for")) {
      forwarded_for = &field;  // the last one is the list's end
    } else if (http::iequals(field.name, "x-forwarded-proto")) {
      several_protos = proto != nullptr;
      proto = &field;
    } else if (http::iequals(field.name, "x-forwarded-client-cert")) {
      claims_certificate = true;
    }
  }
  if (aliases) {
    http::Fields::List& list = request.fields.list();
    list.erase(std::remove_if(list.begin(), list.end(),
                              [](const http::Field& field) { return is_alias(field.name); }),
               list.end());
    // What was found has moved.
    return add_forwarding_fields(request, facts, options, client, random, arena);
  }
  bool append = true;
  bool replace_proto = true;
  bool add_id = true;
  bool drop_id = false;
  if (options) {
    append = options->append_forwarded_for.value_or(options->use_remote_address);
    // A proxy in front that is trusted knows how the client came.
    replace_proto = options->use_remote_address && options->trusted_hops == 0;
    add_id = options->generate_request_id;
    if (!options->preserve_request_id && !client->internal && has_id) {
      has_id = false;
      drop_id = !add_id;
    }
  }
  if (forwarded_for && append)
    forwarded_for->value = arena.join(forwarded_for->value, ", ", facts.remote_ip);
  if (proto && replace_proto) proto->value = request.scheme;
  if (!forwarded_for && append) request.fields.append("x-forwarded-for", facts.remote_ip);
  if (!proto) request.fields.append("x-forwarded-proto", request.scheme);
  if (several_protos && replace_proto) request.fields.set("x-forwarded-proto", request.scheme);
  if (drop_id) request.fields.remove("x-request-id");
  if (!has_id && add_id) request.fields.set("x-request-id", request_id(random, arena));
  if (options && options->client_cert) {
    forward_client_certificate(request.fields, facts, *options->client_cert, arena);
  } else if (claims_certificate) {
    request.fields.remove("x-forwarded-client-cert");
  }
}

}  // namespace tidegate::proxy::exchange
