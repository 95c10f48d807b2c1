#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "proxy/template/value.h"

namespace tidegate::proxy::templates {

class Rendering;

/// What a function, filter or test is called with. `values` are no more than the builtin allows,
/// and fewer than it needs where others are named; a filter's and a test's own value is the first.
struct Arguments {
  std::span<const Value> values;
  std::span<const std::pair<std::string_view, Value>> named;

  /// Undefined where it was not given.
  const Value& operator[](std::size_t index) const {
    static const Value undefined{};
    return index < values.size() ? values[index] : undefined;
  }
  std::size_t size() const { return values.size(); }
  /// The value at that place, or of that name; undefined where neither was given.
  Value get(std::size_t index, std::string_view name) const;
};

/// A function, filter or test of the language.
struct Builtin {
  enum class Kind { kFunction, kFilter, kTest };
  std::string_view name;
  Kind kind;
  std::size_t least;  // arguments, a filter's and a test's own value included
  std::size_t most;
  Value (*call)(Rendering&, const Arguments&);
  /// What it reads, where that must be there: the message's body, the request's fields.
  enum class Reads { kNothing, kBody, kRequest } reads = Reads::kNothing;
};

inline constexpr std::size_t kAnyNumber = 64;

/// Null where there is none. Source: kgateway, "Templating language"; MiniJinja's filters, tests
/// and functions; Inja's functions.
const Builtin* find_function(std::string_view name);  // also filters and tests, as Inja calls them
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);

/// One table a file.
std::span<const Builtin> message_functions();  // header(), body(), base64_encode() ...
std::span<const Builtin> text_filters();
std::span<const Builtin> list_filters();
std::span<const Builtin> number_filters();
std::span<const Builtin> tests();

/// "; is ... meant?" where a known name is alike; else empty.
std::string suggest(std::string_view name, Builtin::Kind kind);

}  // namespace tidegate::proxy::templates
