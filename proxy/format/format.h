#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/format/operators.h"

namespace tidegate::proxy::format {

/// What an exchange has to keep for a format beyond what costs nothing.
struct Needs {
  bool points = false;             // Values::points
  bool response = false;           // Values::response
  bool response_trailers = false;  // Values::response_trailers
  bool hosts = false;              // Values::hosts_attempted
  bool upstream = false;           // Values::upstream
  void add(const Needs& other);
  bool any() const { return points || response || response_trailers || hosts || upstream; }
};

/// What stands for a value that is missing.
enum class Missing { kDash, kNothing };

/// A text with Envoy's operators: `%NAME%`, `%NAME(PARAMETER)%`, `%NAME(PARAMETER):N%` (at most N
/// bytes), `%%`. Compiled to a list of operations; rendering appends to a buffer, and takes no
/// memory of its own but for CEL and structured metadata. Immutable. Source: access-log.md.
class Format {
 public:
  /// Envoy's default line of an access log.
  static const char kDefault[];

  Format() = default;
  static Format compile(std::string_view text, Problem& problem);

  void render(const Values& values, Missing missing, std::string& out) const;
  const std::vector<Operation>& operations() const { return operations_; }
  /// One operator and nothing else: its type is kept in JSON.
  bool alone() const {
    return operations_.size() == 1 && operations_[0].what != Operator::kLiteral;
  }
  Needs needs() const;

 private:
  std::vector<Operation> operations_;
};

Needs needs_of(const Operation& operation);

}  // namespace tidegate::proxy::format
