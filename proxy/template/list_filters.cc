#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "proxy/template/rendering.h"

/// Filters on lists and maps. Source: MiniJinja, module filters; Inja's at() and existsIn().
namespace tidegate::proxy::templates {

namespace {

Value length(Rendering& r, const Arguments& a) {
  if (a[0].is_undefined()) return Value::integer(0);
  if (!a[0].is_list() && !a[0].is_map() && !a[0].is_string()) {
    return r.fail(fmt::format("a {} has no length", a[0].kind_name()));
  }
  return Value::integer(static_cast<std::int64_t>(a[0].length()));
}

Value first(Rendering& r, const Arguments& a) {
  List values;
  if (a[0].is_list()) return a[0].length() > 0 ? a[0].element(0) : Value();
  return r.elements(a[0], values) && !values.empty() ? values.front() : Value();
}

Value last(Rendering& r, const Arguments& a) {
  List values;
  if (a[0].is_list()) return a[0].length() > 0 ? a[0].element(a[0].length() - 1) : Value();
  return r.elements(a[0], values) && !values.empty() ? values.back() : Value();
}

Value extreme(Rendering& r, const Arguments& a, int sign) {
  List values;
  if (!r.elements(a[0], values) || values.empty()) return {};
  Value best = values.front();
  for (const Value& value : values) {
    if (r.compare(value, best) * sign > 0) best = value;
  }
  return best;
}
Value min(Rendering& r, const Arguments& a) { return extreme(r, a, -1); }
Value max(Rendering& r, const Arguments& a) { return extreme(r, a, 1); }

Value as_list(Rendering& r, const Arguments& a) {
  List values;
  return r.elements(a[0], values) ? r.keep(std::move(values)) : Value();
}

Value reverse(Rendering& r, const Arguments& a) {
  List values;
  if (!r.elements(a[0], values)) return {};
  std::reverse(values.begin(), values.end());
  if (!a[0].is_string()) return r.keep(std::move(values));
  std::string text;
  for (const Value& character : values) text += character.as_text();
  return r.keep(std::move(text));
}

Value join(Rendering& r, const Arguments& a) {
  List values;
  if (!r.elements(a[0], values)) return {};
  const Value separator = a.get(1, "joiner");
  const std::string_view between = r.text_of(separator);
  std::string out;
  bool begins = true;
  for (const Value& value : values) {
    if (!std::exchange(begins, false)) out += between;
    if (!r.step() || !print(value, out, r.memory_left())) {
      return r.fail("join() of values that are too large");
    }
  }
  return r.keep(std::move(out));
}

/// The value that a list is ordered by: an attribute, texts without their case.
struct Key {
  Value key;
  Value value;
};

bool keys(Rendering& r, const List& values, const Value& attribute, bool with_case,
          std::vector<Key>& out) {
  static const Builtin* const kLower = find_filter("lower");
  for (const Value& value : values) {
    Value key = attribute.is_undefined() ? value : r.attribute(value, attribute);
    if (key.is_string() && !with_case) key = kLower->call(r, {{&key, 1}, {}});
    if (!r.step()) return false;
    out.push_back({key, value});
  }
  return true;
}

Value sorted(Rendering& r, std::vector<Key> all, bool reverse) {
  // std::sort() must not see an order that changes: a rendering that fails half-way compares all
  // as equal, which is an order too.
  const std::size_t steps = all.size() * static_cast<std::size_t>(std::bit_width(all.size()));
  if (!r.step(steps / 4)) return {};
  std::stable_sort(all.begin(), all.end(), [&](const Key& a, const Key& b) {
    return reverse ? r.compare(b.key, a.key) < 0 : r.compare(a.key, b.key) < 0;
  });
  List out;
  out.reserve(all.size());
  for (const Key& each : all) out.push_back(each.value);
  return r.keep(std::move(out));
}

Value sort(Rendering& r, const Arguments& a) {
  List values;
  std::vector<Key> all;
  const bool with_case = a.get(kAnyNumber, "case_sensitive").truthy();
  if (!r.elements(a[0], values) || !keys(r, values, a.get(kAnyNumber, "attribute"), with_case, all))
    return {};
  return sorted(r, std::move(all), a.get(1, "reverse").truthy());
}

Value pairs(Rendering& r, const Arguments& a) {
  if (!a[0].is_map()) return r.fail(fmt::format("a {} has no items", a[0].kind_name()));
  List out;
  if (!r.step(a[0].length())) return {};
  for (const auto& [key, value] : a[0].members()) {
    out.push_back(r.keep(List{Value::text(key), value}));
  }
  return r.keep(std::move(out));
}

Value dictsort(Rendering& r, const Arguments& a) {
  const Value all = pairs(r, a);
  List values;
  std::vector<Key> ordered;
  if (!r.elements(all, values)) return {};
  const Value by = a.get(kAnyNumber, "by");
  const bool by_value = by.is_string() && by.as_text() == "value";
  if (!keys(r, values, Value::integer(by_value ? 1 : 0),
            a.get(kAnyNumber, "case_sensitive").truthy(), ordered)) {
    return {};
  }
  return sorted(r, std::move(ordered), a.get(kAnyNumber, "reverse").truthy());
}

Value unique(Rendering& r, const Arguments& a) {
  List values;
  std::vector<Key> all;
  if (!r.elements(a[0], values) || !keys(r, values, a.get(kAnyNumber, "attribute"),
                                         a.get(kAnyNumber, "case_sensitive").truthy(), all)) {
    return {};
  }
  List out;
  List seen;
  for (const Key& each : all) {
    const bool known = std::any_of(seen.begin(), seen.end(),
                                   [&](const Value& other) { return r.equal(other, each.key); });
    if (r.failed()) return {};
    if (known) continue;
    seen.push_back(each.key);
    out.push_back(each.value);
  }
  return r.keep(std::move(out));
}

Value groupby(Rendering& r, const Arguments& a) {
  List values;
  std::vector<Key> all;
  const Value attribute = a.get(1, "attribute");
  if (attribute.is_undefined()) return r.fail("groupby() needs an attribute");
  if (!r.elements(a[0], values) ||
      !keys(r, values, attribute, a.get(kAnyNumber, "case_sensitive").truthy(), all) ||
      !r.step(all.size() * static_cast<std::size_t>(std::bit_width(all.size())) / 4)) {
    return {};
  }
  std::stable_sort(all.begin(), all.end(),
                   [&](const Key& x, const Key& y) { return r.compare(x.key, y.key) < 0; });
  List out;
  for (std::size_t i = 0; i < all.size();) {
    List group;
    const Key& head = all[i];
    for (; i < all.size() && r.equal(all[i].key, head.key); ++i) group.push_back(all[i].value);
    if (r.failed()) return {};
    const Value key = r.attribute(head.value, attribute);
    const Value kept = r.keep(std::move(group));
    out.push_back(r.keep(List{key, kept}));
  }
  return r.keep(std::move(out));
}

/// select, reject, and the same by an attribute.
Value chosen(Rendering& r, const Arguments& a, bool by_attribute, bool wanted) {
  List values;
  if (!r.elements(a[0], values)) return {};
  const std::size_t at = by_attribute ? 2 : 1;
  const Builtin* test = nullptr;
  if (a.size() > at) {
    test = find_test(r.text_of(a[at]));
    const std::size_t given = a.size() - at;
    if (!test) return r.fail(fmt::format("there is no test \"{}\"", r.text_of(a[at])));
    if (given < test->least || given > test->most) {
      return r.fail(fmt::format("test \"{}\" with {} arguments", test->name, given - 1));
    }
  }
  List out;
  List given(a.values.begin() + static_cast<std::ptrdiff_t>(std::min(at, a.size())),
             a.values.end());
  for (const Value& value : values) {
    const Value looked_at = by_attribute ? r.attribute(value, a[1]) : value;
    bool holds = looked_at.truthy();
    if (test) {
      given[0] = looked_at;
      holds = test->call(r, {{given.data(), given.size()}, {}}).truthy();
    }
    if (!r.step()) return {};
    if (holds == wanted) out.push_back(value);
  }
  return r.keep(std::move(out));
}
Value select(Rendering& r, const Arguments& a) { return chosen(r, a, false, true); }
Value reject(Rendering& r, const Arguments& a) { return chosen(r, a, false, false); }
Value selectattr(Rendering& r, const Arguments& a) { return chosen(r, a, true, true); }
Value rejectattr(Rendering& r, const Arguments& a) { return chosen(r, a, true, false); }

Value map(Rendering& r, const Arguments& a) {
  List values;
  if (!r.elements(a[0], values)) return {};
  const Value attribute = a.get(kAnyNumber, "attribute");
  List out;
  if (!attribute.is_undefined()) {
    const Value otherwise = a.get(kAnyNumber, "default");
    for (const Value& value : values) {
      if (!r.step()) return {};
      const Value found = r.attribute(value, attribute);
      out.push_back(found.is_undefined() ? otherwise : found);
    }
    return r.keep(std::move(out));
  }
  if (a.size() < 2) return r.fail("map() needs an attribute, or a filter");
  const Builtin* filter = find_filter(r.text_of(a[1]));
  if (!filter) return r.fail(fmt::format("there is no filter \"{}\"", r.text_of(a[1])));
  if (filter->call == map) return r.fail("map() of map()");  // each level would nest the stack
  List given(a.values.begin() + 1, a.values.end());
  if (given.size() < filter->least || given.size() > filter->most) {
    return r.fail(fmt::format("filter \"{}\" with {} arguments", filter->name, given.size() - 1));
  }
  for (const Value& value : values) {
    if (!r.step()) return {};
    given[0] = value;
    out.push_back(filter->call(r, {{given.data(), given.size()}, a.named}));
  }
  return r.keep(std::move(out));
}

Value attr(Rendering& r, const Arguments& a) { return r.item(a[0], a[1]); }

Value at(Rendering& r, const Arguments& a) { return r.item(a[0], a[1]); }

Value batch(Rendering& r, const Arguments& a) {
  List values;
  if (!r.elements(a[0], values)) return {};
  if (a[1].kind() != Value::Kind::kInt || a[1].as_int() < 1) return r.fail("batch() takes a count");
  const auto count = static_cast<std::size_t>(a[1].as_int());
  const Value fill = a.get(2, "fill_with");
  if (!fill.is_undefined() && !r.step(count)) return {};
  List out;
  for (std::size_t i = 0; i < values.size(); i += std::min(count, values.size() - i)) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i);
    List group(begin, begin + static_cast<std::ptrdiff_t>(std::min(count, values.size() - i)));
    if (!fill.is_undefined()) group.resize(count, fill);
    out.push_back(r.keep(std::move(group)));
  }
  return r.keep(std::move(out));
}

Value default_of(Rendering&, const Arguments& a) {
  const bool also_false = a.get(2, "boolean").truthy();
  const bool missing = also_false ? !a[0].truthy() : a[0].is_undefined();
  if (!missing) return a[0];
  return a.size() > 1                               ? a[1]
         : a.get(1, "default_value").is_undefined() ? Value::text("")
                                                    : a.get(1, "default_value");
}

constexpr auto kFilter = Builtin::Kind::kFilter;
constexpr Builtin kListFilters[] = {
    {"length", kFilter, 1, 1, length},
    {"count", kFilter, 1, 1, length},
    {"first", kFilter, 1, 1, first},
    {"last", kFilter, 1, 1, last},
    {"min", kFilter, 1, 1, min},
    {"max", kFilter, 1, 1, max},
    {"list", kFilter, 1, 1, as_list},
    {"reverse", kFilter, 1, 1, reverse},
    {"join", kFilter, 1, 2, join},
    {"sort", kFilter, 1, 2, sort},
    {"items", kFilter, 1, 1, pairs},
    {"dictsort", kFilter, 1, 1, dictsort},
    {"unique", kFilter, 1, 1, unique},
    {"groupby", kFilter, 1, 2, groupby},
    {"select", kFilter, 1, kAnyNumber, select},
    {"reject", kFilter, 1, kAnyNumber, reject},
    {"selectattr", kFilter, 2, kAnyNumber, selectattr},
    {"rejectattr", kFilter, 2, kAnyNumber, rejectattr},
    {"map", kFilter, 1, kAnyNumber, map},
    {"attr", kFilter, 2, 2, attr},
    {"at", kFilter, 2, 2, at},
    {"batch", kFilter, 2, 3, batch},
    {"default", kFilter, 1, 3, default_of},
    {"d", kFilter, 1, 3, default_of},
};

}  // namespace

std::span<const Builtin> list_filters() { return kListFilters; }

}  // namespace tidegate::proxy::templates
