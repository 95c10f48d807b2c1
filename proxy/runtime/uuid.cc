#include "proxy/runtime/uuid.h"

namespace tidegate::proxy {

void write_uuid(Random& random, char (&out)[kUuidBytes]) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t words[2] = {random.next(), random.next()};
  words[0] = (words[0] & ~0xf000ULL) | 0x4000;
  words[1] = (words[1] & ~(0x3ULL << 62)) | (0x2ULL << 62);
  std::size_t at = 0;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out[at++] = '-';
    out[at++] = kHex[(words[digit / 16] >> (60 - 4 * (digit % 16))) & 15];
  }
}

}  // namespace tidegate::proxy
