#include "proxy/coding/negotiate.h"

#include <algorithm>
#include <array>

namespace tidegate::proxy::coding {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"gzip", "br", "zstd"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// A weight in thousandths; -1: no weight.
int weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return -1;
  int out = (text[0] - '0') * 1000;
  if (text.size() == 1) return out;
  if (text[1] != '.' || text.size() > 5) return -1;
  int unit = 100;
  for (char c : text.substr(2)) {
    if (c < '0' || c > '9') return -1;
    out += (c - '0') * unit;
    unit /= 10;
  }
  return out > 1000 ? -1 : out;
}

struct Item {
  std::string_view name;
  int weight = 1000;
};

/// The next item of the list; false at its end. One that is malformed has weight 0.
bool next(std::string_view& rest, Item& out) {
  if (rest.empty()) return false;
  std::size_t comma = rest.find(',');
  std::string_view item = trimmed(rest.substr(0, comma));
  rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  std::size_t semicolon = item.find(';');
  out = {trimmed(item.substr(0, semicolon)), 1000};
  if (semicolon == item.npos) return true;
  std::string_view parameter = trimmed(item.substr(semicolon + 1));
  const bool q =
      parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') && parameter[1] == '=';
  out.weight = q ? std::max(0, weight(parameter.substr(2))) : 0;
  return true;
}

}  // namespace

std::string_view name(Coding coding) { return kNames[static_cast<std::size_t>(coding)]; }

std::optional<Coding> coding_from(std::string_view name) {
  if (same(name, "x-gzip")) return Coding::kGzip;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (same(name, kNames[i])) return static_cast<Coding>(i);
  }
  return std::nullopt;
}

std::optional<Coding> negotiate(std::string_view accept_encoding, std::span<const Coding> offered) {
  std::optional<Coding> best;
  int best_weight = 0;
  int identity = -1;  // not named
  int star = -1;
  std::array<bool, kNames.size()> named{};
  Item item;
  for (std::string_view rest = accept_encoding; next(rest, item);) {
    if (item.name == "*") star = item.weight;
    if (same(item.name, "identity")) identity = item.weight;
    std::optional<Coding> coding = coding_from(item.name);
    if (!coding) continue;
    named[static_cast<std::size_t>(*coding)] = true;
    if (item.weight <= best_weight) continue;
    if (std::find(offered.begin(), offered.end(), *coding) == offered.end()) continue;
    best = coding;
    best_weight = item.weight;
  }
  for (Coding coding : offered) {
    if (star <= best_weight) break;
    if (named[static_cast<std::size_t>(coding)]) continue;
    best = coding;
    best_weight = star;
  }
  if (identity > best_weight) return std::nullopt;
  return best;
}

}  // namespace tidegate::proxy::coding
