#include "controlloop/translate/hostname.h"

#include <algorithm>

namespace tidegate::controlloop::translate {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// Whether every name of `narrow` is one of `wide`'s.
bool covers(std::string_view wide, std::string_view narrow) {
  if (wide.empty() || wide == narrow) return true;
  if (!wide.starts_with("*.")) return false;
  std::string_view suffix = wide.substr(1);  // ".example.com"
  std::string_view name = narrow.starts_with("*.") ? narrow.substr(1) : narrow;
  return name.size() > suffix.size() && name.ends_with(suffix);
}

}  // namespace

std::optional<std::string> intersect(std::string_view first, std::string_view second) {
  std::string a = lower(first);
  std::string b = lower(second);
  if (covers(a, b)) return b;
  if (covers(b, a)) return a;
  return std::nullopt;
}

std::vector<std::string> serving_names(std::string_view listener,
                                       const std::vector<std::string>& route) {
  std::vector<std::string> out;
  auto add = [&out](std::string name) {
    if (name.empty()) name = "*";
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  };
  if (route.empty()) {
    add(lower(listener));
    return out;
  }
  for (const std::string& name : route) {
    if (std::optional<std::string> both = intersect(listener, name)) add(std::move(*both));
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
