#pragma once

#include <string>
#include <string_view>

namespace boost::json {
class value;
struct value_from_tag;
}  // namespace boost::json

namespace tidegate {

/// Bytes that must not be shown: private keys, tokens, passwords. Prints as "[redacted]" wherever a
/// value is printed; the bytes come out by reveal() only. Its memory is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  std::string_view reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  void wipe() noexcept;
  std::string bytes_;
};

inline constexpr std::string_view kRedacted = "[redacted]";

void tag_invoke(const boost::json::value_from_tag&, boost::json::value& out, const Secret& secret);

}  // namespace tidegate
