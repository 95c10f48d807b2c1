#include "proxy/exchange/forwarding.h"

namespace tidegate::proxy::exchange {

void rewrite_host(http::RequestHead& request, std::string_view hostname) {
  const bool address = hostname.find(':') != hostname.npos ||
                       hostname.find_first_not_of("0123456789.") == hostname.npos;
  if (!address) request.authority = hostname;
}

std::string_view request_id(Random& random, Arena& arena) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t words[2] = {random.next(), random.next()};
  words[0] = (words[0] & ~0xf000ULL) | 0x4000;
  words[1] = (words[1] & ~(0x3ULL << 62)) | (0x2ULL << 62);
  char* out = arena.allocate(36);
  std::size_t at = 0;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out[at++] = '-';
    out[at++] = kHex[(words[digit / 16] >> (60 - 4 * (digit % 16))) & 15];
  }
  return {out, 36};
}

void add_forwarding_fields(http::RequestHead& request, const net::ConnectionFacts& facts,
                           Random& random, Arena& arena) {
  // One pass over the fields for all names.
  bool has_id = false;
  bool claims_certificate = false;
  bool several_protos = false;
  http::Field* forwarded_for = nullptr;
  http::Field* proto = nullptr;
  for (http::Field& field : request.fields.list()) {
    if (field.name.size() < 12 || (field.name[0] != 'x' && field.name[0] != 'X')) continue;
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
  if (forwarded_for) {
    forwarded_for->value = arena.join(forwarded_for->value, ", ", facts.remote_ip);
  }
  if (proto) proto->value = request.scheme;
  if (!forwarded_for) request.fields.append("x-forwarded-for", facts.remote_ip);
  if (!proto) request.fields.append("x-forwarded-proto", request.scheme);
  if (!has_id) request.fields.set("x-request-id", request_id(random, arena));
  if (several_protos) request.fields.set("x-forwarded-proto", request.scheme);
  if (claims_certificate) request.fields.remove("x-forwarded-client-cert");
}

}  // namespace tidegate::proxy::exchange
