#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::proxy::format {

/// Envoy's response flags of an exchange: why it did not go as it should. Source: Envoy's access
/// log documentation, RESPONSE_FLAGS.
class ResponseFlags {
 public:
  ResponseFlags() = default;
  /// Of short names joined by commas; "-" and empty are none. What is no flag is left out.
  static ResponseFlags parse(std::string_view text);

  bool any() const { return bits_ != 0; }
  /// One bit a flag, in Envoy's order.
  std::uint32_t bits() const { return bits_; }
  bool has(ResponseFlags other) const { return (bits_ & other.bits_) != 0; }
  /// One by its place in the list, in which they are printed.
  bool bit(std::size_t index) const { return (bits_ >> index & 1) != 0; }
  void add(ResponseFlags other) { bits_ |= other.bits_; }
  /// "URX,UF", or by their long names; nothing where there is none.
  void print(bool long_names, std::string& out) const;
  bool operator==(const ResponseFlags&) const = default;

 private:
  std::uint32_t bits_ = 0;
};

/// Whether there is a flag of that short name.
bool is_response_flag(std::string_view name);

}  // namespace tidegate::proxy::format
