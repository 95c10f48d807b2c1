#include "proxy/template/rendering.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace tidegate::proxy::templates {

bool Rendering::run(const Block& block) {
  for (const Statement& each : block) {
    if (!step()) break;
    place_ = each.place;
    statement(each);
  }
  return !failed_;
}

Value Rendering::fail(std::string message) {
  if (!failed_) {
    failed_ = true;
    error_ = fmt::format("line {}, column {}: {}", place_.line, place_.column, message);
  }
  return {};
}

bool Rendering::step(std::size_t count) {
  if (failed_) return false;
  steps_left_ -= static_cast<std::int64_t>(std::min<std::size_t>(count, 1U << 30U));
  if (steps_left_ >= 0) return true;
  fail(fmt::format("more than {} steps (steps_max)", limits_.steps_max));
  return false;
}

Value Rendering::kept(Value value) {
  if (!scratch_.exhausted()) return value;
  return fail(
      fmt::format("more than {} bytes of memory (memory_bytes_max)", limits_.memory_bytes_max));
}

std::string_view Rendering::text_of(const Value& value) {
  if (value.is_string()) return value.as_text();
  if (value.is_undefined()) return {};
  std::string text;
  if (!print(value, text, scratch_.left())) {
    fail("a value is too large or nested too deeply to be a text");
    return {};
  }
  return keep(std::move(text)).as_text();
}

bool Rendering::elements(const Value& value, List& out) {
  if (value.is_list()) {
    const std::size_t count = value.length();
    if (!step(count)) return false;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) out.push_back(value.element(i));
    return true;
  }
  if (value.is_map()) {
    if (!step(value.length())) return false;
    for (const auto& [key, member] : value.members()) out.push_back(Value::text(key));
    return true;
  }
  if (value.is_string()) {
    std::string_view left = value.as_text();
    if (!step(left.size())) return false;
    while (!left.empty()) {
      const std::size_t bytes = character_bytes(left);
      out.push_back(Value::text(left.substr(0, bytes)));
      left.remove_prefix(bytes);
    }
    return true;
  }
  if (!value.is_undefined()) fail(fmt::format("a {} has no elements", value.kind_name()));
  return !failed_;
}

int Rendering::compare(const Value& a, const Value& b) {
  if (failed_) return 0;
  const int order = templates::compare(a, b, steps_left_);
  if (steps_left_ < 0) {
    fail(fmt::format("a comparison needs more than {} steps (steps_max), or is nested too deeply",
                     limits_.steps_max));
  }
  return order;
}

// --- statements -------------------------------------------------------------------------------

void Rendering::print_value(const Value& value) {
  if (failed_) return;
  if (!print(value, *out_, output_end_)) {
    fail(fmt::format("more than {} bytes of output (output_bytes_max), or nested too deeply",
                     limits_.output_bytes_max));
  }
}

void Rendering::statement(const Statement& statement) {
  switch (statement.kind) {
    case Statement::Kind::kText:
      print_value(Value::text(statement.text));
      break;
    case Statement::Kind::kPrint:
      print_value(evaluate(*statement.value));
      break;
    case Statement::Kind::kIf:
      for (const Statement::Branch& branch : statement.branches) {
        if (branch.condition && !evaluate(*branch.condition).truthy()) continue;
        if (!failed_) run(branch.body);
        break;
      }
      break;
    case Statement::Kind::kFor:
      for_loop(statement);
      break;
    case Statement::Kind::kSet: {
      const Value value = evaluate(*statement.value);
      place_ = statement.place;
      if (!failed_) assign(statement.target, value);
      break;
    }
    case Statement::Kind::kCapture:
      capture(statement);
      break;
    case Statement::Kind::kScope: {
      const std::size_t outer = std::exchange(scope_begin_, variables_.size());
      for (const auto& [target, value] : statement.assignments) {
        const Value given = evaluate(*value);
        if (failed_ || !assign(target, given)) break;
      }
      run(statement.body);
      variables_.resize(scope_begin_);
      scope_begin_ = outer;
      break;
    }
    case Statement::Kind::kDo:
      evaluate(*statement.value);
      break;
  }
}

void Rendering::capture(const Statement& statement) {
  std::string text;
  std::string* outer_out = std::exchange(out_, &text);
  const std::size_t outer_end = std::exchange(output_end_, scratch_.left());
  const std::size_t outer_scope = std::exchange(scope_begin_, variables_.size());
  run(statement.body);
  variables_.resize(scope_begin_);
  scope_begin_ = outer_scope;
  out_ = outer_out;
  output_end_ = outer_end;
  if (failed_) return;
  captured_ = keep(std::move(text));
  const Value value = evaluate(*statement.value);
  if (failed_) return;
  if (statement.target.names.empty()) {
    print_value(value);
  } else {
    assign(statement.target, value);
  }
}

/// The values that a loop goes over; of a map with two names for each, pairs (as Inja has it).
bool Rendering::loop_values(const Statement& statement, List& out) {
  const Value over = evaluate(*statement.value);
  if (failed_) return false;
  if (over.is_map() && statement.target.names.size() == 2) {
    if (!step(over.length())) return false;
    for (const auto& [key, member] : over.members()) {
      out.push_back(keep(List{Value::text(key), member}));
    }
    return !failed_;
  }
  return elements(over, out);
}

void Rendering::for_loop(const Statement& statement) {
  List values;
  if (!loop_values(statement, values)) return;
  const std::size_t outer_scope = std::exchange(scope_begin_, variables_.size());
  if (statement.condition) {
    List wanted;
    for (const Value& value : values) {
      if (!step() || !assign(statement.target, value)) break;
      if (evaluate(*statement.condition).truthy()) wanted.push_back(value);
      variables_.resize(scope_begin_);
    }
    values = std::move(wanted);
  }
  Loop loop;
  loop.length = values.size();
  if (Variable* parent = find("loop")) loop.parent = parent->loop;
  for (std::size_t i = 0; i < values.size() && step(); ++i) {
    variables_.resize(scope_begin_);
    loop.index = i;
    loop.previous = i > 0 ? values[i - 1] : Value();
    loop.next = i + 1 < values.size() ? values[i + 1] : Value();
    variables_.push_back({"loop", {}, &loop});
    if (!assign(statement.target, values[i])) break;
    run(statement.body);
  }
  variables_.resize(scope_begin_);
  scope_begin_ = outer_scope;
  if (values.empty() && !failed_ && !statement.branches.empty()) run(statement.branches[0].body);
}

bool Rendering::assign(const Target& target, const Value& value) {
  if (!target.member.empty()) {
    Value* owner = lookup(target.names[0]);
    if (!owner || owner->kind() != Value::Kind::kMap) {
      fail(fmt::format("\"{}\" is no namespace", target.names[0]));
      return false;
    }
    if (!step() || !scratch_.take(sizeof(Map::value_type))) return !kept({}).is_undefined();
    Map& map = *owner->as_map();
    const std::string_view key = target.member;
    auto at = std::lower_bound(map.begin(), map.end(), key,
                               [](const auto& pair, std::string_view k) { return pair.first < k; });
    if (at != map.end() && at->first == key) {
      at->second = value;
    } else {
      map.emplace(at, key, value);
    }
    return true;
  }
  if (target.names.size() == 1) {
    set(target.names[0], value, scope_begin_);
    return true;
  }
  if (!value.is_list() || value.length() != target.names.size()) {
    fail(fmt::format("{} names for {} values", target.names.size(),
                     value.is_list() ? value.length() : 1));
    return false;
  }
  for (std::size_t i = 0; i < target.names.size(); ++i) {
    set(target.names[i], value.element(i), scope_begin_);
  }
  return true;
}

void Rendering::set(std::string_view name, const Value& value, std::size_t scope_begin) {
  for (std::size_t i = variables_.size(); i > scope_begin; --i) {
    if (variables_[i - 1].name != name) continue;
    variables_[i - 1].value = value;
    variables_[i - 1].loop = nullptr;
    return;
  }
  variables_.push_back({name, value, nullptr});
}

Rendering::Variable* Rendering::find(std::string_view name) {
  for (std::size_t i = variables_.size(); i > 0; --i) {
    if (variables_[i - 1].name == name) return &variables_[i - 1];
  }
  return nullptr;
}

Value* Rendering::lookup(std::string_view name) {
  Variable* found = find(name);
  return found && !found->loop ? &found->value : nullptr;
}

}  // namespace tidegate::proxy::templates
