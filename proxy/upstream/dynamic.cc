#include "proxy/upstream/dynamic.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/upstream/error.h"

namespace tidegate::proxy::upstream {

Result<Destination> destination_of(std::string_view authority, bool tls) {
  Destination out;
  std::string_view name = authority;
  std::string_view port;
  const std::size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == authority.npos) return make_error_code(Error::kNoSuchName);
    name = authority.substr(1, end - 1);
    if (end + 1 < authority.size()) port = authority.substr(end + 2);
  } else if (colon != authority.npos) {
    name = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  out.port = tls ? 443 : 80;
  if (!port.empty()) {
    const auto read = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || out.port == 0)
      return make_error_code(Error::kNoSuchName);
  }
  if (name.empty() || name.size() > 253) return make_error_code(Error::kNoSuchName);
  out.name = name;
  for (char& c : out.name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// What does not hold any more goes first; then nobody is thrown out for the newest.
bool Names::make_room() {
  if (names_.size() < kNamesMax) return true;
  std::erase_if(names_, [now = loop_.wheel.now()](const auto& one) {
    return !one.second->asked && one.second->until <= now;
  });
  return names_.size() < kNamesMax;
}

Task<Result<std::vector<boost::asio::ip::address>>> Names::find(const LookUp& look_up,
                                                                Destination destination) {
  const std::string key = fmt::format("{}:{}", destination.name, destination.port);
  auto known = names_.find(key);
  if (known == names_.end()) {
    if (!make_room()) co_return make_error_code(Error::kOverflow);
    known = names_.emplace(key, std::make_shared<Name>()).first;
  }
  std::shared_ptr<Name> name = known->second;
  if (name->asked || name->until <= loop_.wheel.now()) {
    if (!std::exchange(name->asked, true)) {
      look_up(loop_, destination.name, destination.port, [&loop = loop_, name](Found found) {
        name->asked = false;
        // A failure is remembered for a second: a thousand requests for it are one look-up.
        name->until =
            loop.wheel.now() + (found.addresses.empty() ? std::chrono::seconds(1) : found.ttl);
        name->found = std::move(found);
        for (Event* one : std::exchange(name->waiting, {})) one->notify_later(loop.io);
      });
    }
    if (name->asked) {
      Event answered;
      name->waiting.push_back(&answered);
      co_await answered.wait();
    }
  }
  if (name->found.own && name->found.addresses.empty())
    co_return make_error_code(Error::kOwnAddress);
  if (name->found.addresses.empty()) co_return make_error_code(Error::kNoSuchName);
  co_return name->found.addresses;
}

}  // namespace tidegate::proxy::upstream
