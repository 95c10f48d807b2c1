#include "proxy/router/path_table.h"

#include <algorithm>

namespace tidegate::proxy::router {

void PathTable::add(const VirtualHost& host, std::vector<std::uint32_t>& next) {
  const auto number = static_cast<std::uint32_t>(hosts_.size());
  Host& out = hosts_.emplace_back();
  out.first_entry = entries_;
  out.expressions = static_cast<std::uint32_t>(expressions_.size());
  next.resize(entries_ + host.entries.size(), kNone);
  std::size_t length = SIZE_MAX;  // of the entry before; exact paths count as endless
  for (const RouteEntry& entry : host.entries) {
    if (entry.match.path.kind == PathMatch::Kind::kRegex) continue;
    const bool exact = entry.match.path.kind == PathMatch::Kind::kExact;
    const std::size_t own = exact ? SIZE_MAX : entry.match.path.value.size();
    out.in_order = out.in_order && own <= length;
    length = own;
  }
  // Backwards, so that each becomes the head of its path's list.
  for (std::size_t i = host.entries.size(); i-- > 0;) {
    const RouteEntry& entry = host.entries[i];
    const std::uint32_t index = entries_ + static_cast<std::uint32_t>(i);
    const Match& match = entry.match;
    const bool unconditional = !match.method && match.headers.empty() && match.query.empty();
    const Hit hit{index, unconditional ? entry.rule : kNone};
    std::string_view path = match.path.value;
    if (match.path.kind == PathMatch::Kind::kRegex) {
      expressions_.push_back(index);
      continue;
    }
    const bool prefix = match.path.kind == PathMatch::Kind::kPrefix;
    while (prefix && path.ends_with('/')) path.remove_suffix(1);
    if (prefix && path.empty()) {
      next[index] = out.everything.entry;
      out.everything = hit;
      continue;
    }
    TextTable& table = prefix ? prefixes_ : exact_;
    if (prefix) out.longest = std::max(out.longest, static_cast<std::uint32_t>(path.size()));
    if (TextTable::Value* known = table.find(number, path)) {
      next[index] = known->first;
      *known = {hit.entry, hit.rule};
    } else {
      table.add(number, path, {hit.entry, hit.rule});
    }
  }
  std::reverse(expressions_.begin() + out.expressions, expressions_.end());
  out.expressions_end = static_cast<std::uint32_t>(expressions_.size());
  entries_ += static_cast<std::uint32_t>(host.entries.size());
}

}  // namespace tidegate::proxy::router
