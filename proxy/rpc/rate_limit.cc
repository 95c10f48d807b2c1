#include "proxy/rpc/rate_limit.h"

#include "proxy/rpc/protobuf.h"

namespace tidegate::proxy::rpc {
namespace {

using Code = RateLimitResponse::Code;

Code code_of(std::uint64_t number) {
  if (number == 1) return Code::kOk;
  return number == 2 ? Code::kOverLimit : Code::kUnknown;
}

std::uint64_t seconds_of_unit(std::uint64_t unit) {
  // SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, WEEK
  constexpr std::uint64_t kSeconds[] = {0, 1, 60, 3600, 86400, 2592000, 31536000, 604800};
  return unit < std::size(kSeconds) ? kSeconds[unit] : 0;
}

bool limit(std::string_view bytes, RateLimitResponse::Status& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) out.requests_per_unit = static_cast<std::uint32_t>(reader.number());
    if (reader.field() == 2) out.window_seconds = seconds_of_unit(reader.number());
    if (reader.field() == 3) out.name = reader.bytes();
  }
  return !reader.malformed();
}

bool status(std::string_view bytes, RateLimitResponse::Status& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) out.code = code_of(reader.number());
    if (reader.field() == 2 && !limit(reader.bytes(), out)) return false;
    if (reader.field() == 3) out.remaining = static_cast<std::uint32_t>(reader.number());
    if (reader.field() == 4) {
      ProtoReader duration(reader.bytes());
      while (duration.next()) {
        if (duration.field() == 1) out.reset_seconds = duration.number();
      }
      if (duration.malformed()) return false;
    }
  }
  return !reader.malformed();
}

bool header(std::string_view bytes, RateLimitResponse::Headers& out) {
  ProtoReader reader(bytes);
  auto& [name, value] = out.emplace_back();
  while (reader.next()) {
    if (reader.field() == 1) name = reader.bytes();
    if (reader.field() == 2 || reader.field() == 3) value = reader.bytes();
  }
  return !reader.malformed();
}

}  // namespace

std::string encode_rate_limit(std::string_view domain,
                              const std::vector<RateLimitEntries>& descriptors) {
  ProtoWriter out;
  out.bytes(1, domain);
  for (const RateLimitEntries& descriptor : descriptors) {
    ProtoWriter one;
    for (const auto& [key, value] : descriptor) one.entry(1, key, value);
    out.message(2, one);
  }
  return out.data();
}

bool decode(std::string_view bytes, RateLimitResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    bool good = true;
    if (reader.field() == 1) out.code = code_of(reader.number());
    if (reader.field() == 2) good = status(reader.bytes(), out.statuses.emplace_back());
    if (reader.field() == 3) good = header(reader.bytes(), out.to_client);
    if (reader.field() == 4) good = header(reader.bytes(), out.to_backend);
    if (reader.field() == 5) out.body = reader.bytes();
    if (!good) return false;
  }
  return !reader.malformed();
}

}  // namespace tidegate::proxy::rpc
