#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tidegate::proxy::rpc {

/// Writes a message in Protocol Buffers' wire format, field by field. What is empty or 0 is left
/// out, as proto3 does. Source: Protocol Buffers, "Encoding".
class ProtoWriter {
 public:
  void number(std::uint32_t field, std::uint64_t value);
  void bytes(std::uint32_t field, std::string_view value);
  /// A message, also where it is empty.
  void message(std::uint32_t field, const ProtoWriter& value);
  /// A double, also where it is 0.
  void real(std::uint32_t field, double value);
  /// A 0 that a oneof must show.
  void explicit_zero(std::uint32_t field);
  /// An entry of map<string, string>.
  void entry(std::uint32_t field, std::string_view key, std::string_view value);
  void fixed32(std::uint32_t field, std::uint32_t value);
  void fixed64(std::uint32_t field, std::uint64_t value);
  /// A string, also where it is empty: one of a oneof.
  void text(std::uint32_t field, std::string_view value);
  /// Fields that have been written elsewhere, as they are.
  void append(std::string_view fields) { data_ += fields; }

  /// Begins a message inside this one, which takes what is written until close() gets the result.
  /// Nothing is copied but where the message is longer than 127 bytes.
  std::size_t open(std::uint32_t field);
  void close(std::size_t mark);

  const std::string& data() const { return data_; }
  std::string take() { return std::move(data_); }

 private:
  void varint(std::uint64_t value);
  std::string data_;
};

/// Reads a message field by field, skipping nothing by itself: the caller looks at field().
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view data) : left_(data) {}

  /// To the next field; false at the end or where the message is malformed.
  bool next();
  bool malformed() const { return malformed_; }
  std::uint32_t field() const { return field_; }
  std::uint64_t number() const { return number_; }   // of a varint or fixed field; else 0
  std::string_view bytes() const { return bytes_; }  // of a string or message; else empty

 private:
  bool varint(std::uint64_t& out);
  std::string_view left_;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
  bool malformed_ = false;
};

}  // namespace tidegate::proxy::rpc
