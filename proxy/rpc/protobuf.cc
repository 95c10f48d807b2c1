#include "proxy/rpc/protobuf.h"

#include <bit>

namespace tidegate::proxy::rpc {

namespace {
constexpr std::uint64_t kVarint = 0;
constexpr std::uint64_t kFixed64 = 1;
constexpr std::uint64_t kLengthDelimited = 2;
constexpr std::uint64_t kFixed32 = 5;
}  // namespace

void ProtoWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    data_ += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  data_ += static_cast<char>(value);
}

void ProtoWriter::number(std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  varint(std::uint64_t{field} << 3U | kVarint);
  varint(value);
}

void ProtoWriter::bytes(std::uint32_t field, std::string_view value) {
  if (value.empty()) return;
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  varint(value.size());
  data_ += value;
}

void ProtoWriter::message(std::uint32_t field, const ProtoWriter& value) {
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  varint(value.data_.size());
  data_ += value.data_;
}

void ProtoWriter::real(std::uint32_t field, double value) {
  varint(std::uint64_t{field} << 3U | kFixed64);
  auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i, bits >>= 8U) data_ += static_cast<char>(bits & 0xffU);
}

void ProtoWriter::explicit_zero(std::uint32_t field) {
  varint(std::uint64_t{field} << 3U | kVarint);
  varint(0);
}

void ProtoWriter::entry(std::uint32_t field, std::string_view key, std::string_view value) {
  ProtoWriter pair;
  pair.bytes(1, key);
  pair.bytes(2, value);
  message(field, pair);
}

void ProtoWriter::fixed32(std::uint32_t field, std::uint32_t value) {
  if (value == 0) return;
  varint(std::uint64_t{field} << 3U | kFixed32);
  for (int i = 0; i < 4; ++i, value >>= 8U) data_ += static_cast<char>(value & 0xffU);
}

void ProtoWriter::fixed64(std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  varint(std::uint64_t{field} << 3U | kFixed64);
  for (int i = 0; i < 8; ++i, value >>= 8U) data_ += static_cast<char>(value & 0xffU);
}

void ProtoWriter::text(std::uint32_t field, std::string_view value) {
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  varint(value.size());
  data_ += value;
}

std::size_t ProtoWriter::open(std::uint32_t field) {
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  data_ += '\0';
  return data_.size();
}

void ProtoWriter::close(std::size_t mark) {
  std::size_t size = data_.size() - mark;
  char length[10];
  std::size_t count = 0;
  do {
    length[count++] = static_cast<char>((size & 0x7fU) | (size >= 0x80 ? 0x80U : 0U));
    size >>= 7U;
  } while (size > 0);
  data_[mark - 1] = length[0];
  if (count > 1) data_.insert(mark, length + 1, count - 1);
}

bool ProtoReader::varint(std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool ProtoReader::next() {
  if (left_.empty() || malformed_) return false;
  malformed_ = true;  // until it has been read
  number_ = 0;
  bytes_ = {};
  std::uint64_t tag = 0;
  if (!varint(tag) || tag >> 3U == 0 || tag >> 3U > 0x1fffffff) return false;
  field_ = static_cast<std::uint32_t>(tag >> 3U);
  const std::uint64_t type = tag & 7U;
  if (type == kVarint) {
    if (!varint(number_)) return false;
  } else if (type == kLengthDelimited) {
    std::uint64_t size = 0;
    if (!varint(size) || size > left_.size()) return false;
    bytes_ = left_.substr(0, size);
    left_.remove_prefix(size);
  } else if (type == kFixed64 || type == kFixed32) {
    const std::size_t size = type == kFixed64 ? 8 : 4;
    if (left_.size() < size) return false;
    for (std::size_t i = size; i-- > 0;)
      number_ = number_ << 8U | static_cast<unsigned char>(left_[i]);
    left_.remove_prefix(size);
  } else {
    return false;
  }
  malformed_ = false;
  return true;
}

}  // namespace tidegate::proxy::rpc
