#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/template/ast.h"
#include "proxy/template/template.h"

namespace tidegate::proxy::templates {

/// One rendering: the names that are set, what it has cost, and its first error. After that every
/// step refuses, so that nobody has to look at each value.
class Rendering {
 public:
  Rendering(Values& values, const Limits& limits, std::string& out)
      : values_(values),
        limits_(limits),
        scratch_(limits.memory_bytes_max),
        out_(&out),
        output_end_(out.size() + std::min(limits.output_bytes_max, out.max_size() - out.size())),
        steps_left_(limits.steps_max) {}

  bool run(const Block& block);
  const std::string& error() const { return error_; }

  // For functions, filters and tests.
  Values& values() { return values_; }
  bool failed() const { return failed_; }
  Value fail(std::string message);
  /// False: the limit is reached, or something has failed before.
  bool step(std::size_t count = 1);
  /// The text of any value: printed, where it is none.
  std::string_view text_of(const Value& value);
  /// Elements of a list, keys of a map, characters of a text, nothing of undefined.
  bool elements(const Value& value, List& out);
  Value keep(std::string text) { return kept(scratch_.keep(std::move(text))); }
  Value keep(List list) { return kept(scratch_.keep(std::move(list))); }
  Value keep(Map map) { return kept(scratch_.keep(std::move(map))); }
  std::size_t memory_left() const { return scratch_.left(); }
  int compare(const Value& a, const Value& b);
  bool equal(const Value& a, const Value& b) { return compare(a, b) == 0; }
  Value add(const Value& a, const Value& b) {
    return arithmetic(Expression::Operation::kAdd, a, b);
  }
  Value item(const Value& of, const Value& key);
  /// By a path of names and numbers: "author.name".
  Value attribute(Value of, const Value& path);
  bool contains(const Value& container, const Value& value);

  bool exists(std::string_view path);
  Value replaced(std::string_view text, std::string_view from, std::string_view to);

 private:
  struct Loop {
    std::size_t index = 0;
    std::size_t length = 0;
    Value previous;
    Value next;
    Value changed;  // what loop.changed() was last called with
    const Loop* parent = nullptr;
  };
  struct Variable {
    std::string_view name;
    Value value;
    Loop* loop = nullptr;  // the variable "loop"
  };

  Value kept(Value value);
  Value arithmetic(Expression::Operation operation, const Value& a, const Value& b);
  Value whole(Expression::Operation operation, std::int64_t a, std::int64_t b);
  Value repeated(const Value& value, const Value& count);
  Value evaluate(const Expression& expression);
  Value binary(const Expression& expression);
  Value comparison(const Expression& expression);
  Value slice(const Expression& expression);
  Value call(const Expression& expression);
  Value loop_member(const Loop& loop, std::string_view name);
  Value loop_method(const Expression& expression);
  Value name(const Expression& expression);
  Variable* find(std::string_view name);
  Value* lookup(std::string_view name);

  void statement(const Statement& statement);
  void for_loop(const Statement& statement);
  void capture(const Statement& statement);
  bool loop_values(const Statement& statement, List& out);
  bool assign(const Target& target, const Value& value);
  void set(std::string_view name, const Value& value, std::size_t scope_begin);
  void print_value(const Value& value);

  Values& values_;
  const Limits& limits_;
  Scratch scratch_;
  std::string* out_;
  std::size_t output_end_;
  std::int64_t steps_left_;
  std::vector<Variable> variables_;
  std::size_t scope_begin_ = 0;
  Place place_;
  Value captured_;
  bool failed_ = false;
  std::string error_;
};

}  // namespace tidegate::proxy::templates
