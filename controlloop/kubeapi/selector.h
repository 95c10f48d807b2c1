#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::controlloop::kubeapi {

/// What a list or watch is narrowed to. Source: Kubernetes, "Labels and Selectors" (a=b, a==b,
/// a!=b, a in (b,c), a notin (b,c), a, !a) and "Field Selectors" (=, ==, !=).
class Selector {
 public:
  /// Nothing where the text is malformed. Empty: takes everything.
  static std::optional<Selector> labels(std::string_view text);
  static std::optional<Selector> fields(std::string_view text);

  bool empty() const { return terms_.empty(); }
  bool matches(const std::map<std::string, std::string>& labels) const;
  /// `value` gives a field's text; empty: it is not there.
  bool matches(const std::function<std::string(std::string_view)>& value) const;

 private:
  struct Term {
    enum class Kind { kIn, kNotIn, kExists, kAbsent };
    Kind kind = Kind::kIn;
    std::string key;
    std::vector<std::string> values;
  };
  static std::optional<Term> term(std::string_view text);
  bool takes(const Term& term, const std::string* value) const;

  std::vector<Term> terms_;
};

}  // namespace tidegate::controlloop::kubeapi
