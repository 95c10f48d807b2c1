#include "base/url.h"

#include <algorithm>

namespace tidegate {

std::optional<Url> parse_url(std::string_view text) {
  Url out;
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos) return std::nullopt;
  out.scheme = text.substr(0, scheme);
  if (out.scheme != "http" && out.scheme != "https") return std::nullopt;
  text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('#'));
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; }))
    return std::nullopt;
  const std::size_t path = text.find_first_of("/?");
  out.authority = text.substr(0, path);
  if (out.authority.empty() || out.authority.find_first_of("@\\\"<>") != out.authority.npos)
    return std::nullopt;
  out.path = path == text.npos ? std::string_view("/") : text.substr(path);
  if (out.path.front() == '?') out.path.insert(0, "/");
  return out;
}

}  // namespace tidegate
