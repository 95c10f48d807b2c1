#include "proxy/router/router.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "proxy/http/query.h"

namespace tidegate::proxy::router {
namespace {

std::unique_ptr<re2::RE2> expression(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20U);
  return std::make_unique<re2::RE2>(text, options);  // one that is no expression matches nothing
}

bool full_match(const re2::RE2& regex, std::string_view text) {
  return regex.ok() && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

/// The field's value; several fields of one name count as one list (RFC 9110 section 5.2).
std::string_view field_value(const http::Fields& fields, std::string_view name,
                             std::string& joined) {
  std::string_view first;
  bool several = false;
  for (const http::Field& field : fields) {
    if (field.name.size() != name.size() || !http::iequals(field.name, name)) continue;
    if (first.data() == nullptr) {
      first = field.value.data() == nullptr ? std::string_view("") : field.value;
      continue;
    }
    if (!several) joined.assign(first);
    several = true;
    joined.append(",").append(field.value);
  }
  return several ? std::string_view(joined) : first;
}

/// By whole segments.
bool is_below(std::string_view prefix, std::string_view path) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.empty());
}

}  // namespace

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

Router::Router(const RouteTable& table) : table_(table) {
  std::uint32_t number = 0;
  std::vector<std::uint32_t> next;
  for (const VirtualHost& host : table.hosts) {
    names_.add(host.hostname, number++);
    paths_.add(host, next);
    for (const RouteEntry& entry : host.entries) {
      Entry& compiled = entries_.emplace_back();
      compiled.source = &entry;
      if (entry.match.path.kind == PathMatch::Kind::kRegex)
        compiled.path = expression(entry.match.path.value);
      for (const ValueMatch& one : entry.match.headers) {
        compiled.headers.push_back(
            {one.name, one.value, one.regex ? expression(one.value) : nullptr});
      }
      for (const ValueMatch& one : entry.match.query) {
        compiled.query.push_back(
            {one.name, one.value, one.regex ? expression(one.value) : nullptr});
      }
    }
  }
  for (std::size_t i = 0; i < next.size(); ++i) entries_[i].next = next[i];
}

bool Router::matches(const Condition& condition, std::string_view value) {
  return condition.regex ? full_match(*condition.regex, value) : value == condition.value;
}

/// All but an exact path or a prefix.
bool Router::fits(const Entry& entry, const http::RequestHead& request) const {
  if (entry.source->match.method && *entry.source->match.method != request.method) return false;
  std::string joined;
  for (const Condition& condition : entry.headers) {
    std::string_view value = field_value(request.fields, condition.name, joined);
    if (value.data() == nullptr || !matches(condition, value)) return false;
  }
  for (const Condition& condition : entry.query) {
    std::string decoded;
    if (!http::query_parameter(request.query(), condition.name, decoded) ||
        !matches(condition, decoded))
      return false;
  }
  return true;
}

Router::Found Router::route(const http::RequestHead& request, std::string_view host) const {
  Found found;
  const std::string_view path = request.path_only();
  names_.walk(host, [&](std::uint32_t number) {
    std::uint32_t best = PathTable::kNone;
    std::uint32_t rule = PathTable::kNone;
    const bool in_order = paths_.in_order(number);
    paths_.walk(number, path, [&](const PathTable::Hit& hit) {
      std::uint32_t entry = hit.entry;
      std::uint32_t to = hit.rule;
      if (to == PathTable::kNone) {
        while (entry != PathTable::kNone && !fits(entries_[entry], request))
          entry = entries_[entry].next;
        if (entry == PathTable::kNone) return false;
        to = entries_[entry].source->rule;
      }
      if (entry < best) {
        best = entry;
        rule = to;
      }
      return in_order;
    });
    // Exact paths go before expressions, and so do prefixes in the order of the table; where the
    // table puts an expression elsewhere, the lower number wins.
    for (const std::uint32_t index : paths_.expressions(number)) {
      if (index > best) break;
      const Entry& entry = entries_[index];
      if (!path_fits(entry, path) || !fits(entry, request)) continue;
      best = index;
      rule = entry.source->rule;
      break;
    }
    if (best == PathTable::kNone) return false;
    found = {&table_, number, best - paths_.first_entry(number), rule};
    return true;
  });
  return found;
}

bool Router::path_fits(const Entry& entry, std::string_view path) {
  const PathMatch& wanted = entry.source->match.path;
  if (wanted.kind == PathMatch::Kind::kExact) return path == wanted.value;
  if (wanted.kind == PathMatch::Kind::kPrefix) return is_below(wanted.value, path);
  return is_below(wanted.below, path) && full_match(*entry.path, path);
}

std::string Router::mismatch(const Entry& entry, const http::RequestHead& request) const {
  const Match& match = entry.source->match;
  if (!path_fits(entry, request.path_only())) {
    constexpr std::string_view kinds[] = {"exact path", "prefix", "regular expression"};
    return fmt::format("the path does not match {} {}", kinds[static_cast<int>(match.path.kind)],
                       match.path.value);
  }
  if (match.method && *match.method != request.method)
    return fmt::format("the method is not {}", *match.method);
  std::string joined;
  for (const Condition& condition : entry.headers) {
    std::string_view value = field_value(request.fields, condition.name, joined);
    if (value.data() == nullptr) return fmt::format("header {} is not there", condition.name);
    if (!matches(condition, value))
      return fmt::format("header {} is not {}", condition.name, condition.value);
  }
  for (const Condition& condition : entry.query) {
    std::string decoded;
    if (!http::query_parameter(request.query(), condition.name, decoded)) {
      return fmt::format("query parameter {} is not there", condition.name);
    }
    if (!matches(condition, decoded))
      return fmt::format("query parameter {} is not {}", condition.name, condition.value);
  }
  return {};
}

std::vector<Router::Tried> Router::explain(const http::RequestHead& request,
                                           std::string_view host) const {
  std::vector<Tried> out;
  names_.walk(host, [&](std::uint32_t number) {
    const VirtualHost& source = table_.hosts[number];
    for (std::size_t i = 0; i < source.entries.size(); ++i) {
      const Entry& entry = entries_[paths_.first_entry(number) + i];
      out.push_back(
          {&source, entry.source, mismatch(entry, request), path_fits(entry, request.path_only())});
      if (out.back().mismatch.empty()) return true;
    }
    return false;
  });
  return out;
}

}  // namespace tidegate::proxy::router
