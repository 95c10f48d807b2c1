#include "controlloop/kubeapi/selector.h"

#include <algorithm>

namespace tidegate::controlloop::kubeapi {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// At commas that are not in parentheses.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    out.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return out;
}

/// Names of labels and fields, and their values.
bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<Selector::Term> Selector::term(std::string_view text) {
  Term out;
  if (text.starts_with('!')) {
    out.kind = Term::Kind::kAbsent;
    out.key = trimmed(text.substr(1));
  } else if (const std::size_t open = text.find('('); open != text.npos) {
    if (!text.ends_with(')')) return std::nullopt;
    std::string_view head = trimmed(text.substr(0, open));
    const std::size_t space = head.rfind(' ');
    if (space == head.npos) return std::nullopt;
    const std::string_view word = head.substr(space + 1);
    if (word != "in" && word != "notin") return std::nullopt;
    out.kind = word == "in" ? Term::Kind::kIn : Term::Kind::kNotIn;
    out.key = trimmed(head.substr(0, space));
    for (std::string_view value : split(text.substr(open + 1, text.size() - open - 2)))
      out.values.emplace_back(value);
  } else if (const std::size_t equals = text.find('='); equals != text.npos) {
    const bool negated = equals > 0 && text[equals - 1] == '!';
    out.kind = negated ? Term::Kind::kNotIn : Term::Kind::kIn;
    out.key = trimmed(text.substr(0, negated ? equals - 1 : equals));
    std::string_view value = text.substr(equals + 1);
    if (!negated && value.starts_with('=')) value.remove_prefix(1);
    out.values.emplace_back(trimmed(value));
  } else {
    out.kind = Term::Kind::kExists;
    out.key = text;
  }
  if (out.key.empty() || !is_word(out.key) ||
      !std::all_of(out.values.begin(), out.values.end(), is_word))
    return std::nullopt;
  return out;
}

std::optional<Selector> Selector::labels(std::string_view text) {
  Selector out;
  if (trimmed(text).empty()) return out;
  for (std::string_view part : split(text)) {
    std::optional<Term> one = term(part);
    if (!one) return std::nullopt;
    out.terms_.push_back(std::move(*one));
  }
  return out;
}

std::optional<Selector> Selector::fields(std::string_view text) {
  std::optional<Selector> out = labels(text);
  if (!out) return out;
  for (const Term& one : out->terms_) {
    if (one.values.size() != 1 || text.find('(') != text.npos) return std::nullopt;
  }
  return out;
}

bool Selector::takes(const Term& term, const std::string* value) const {
  auto listed = [&] {
    return value != nullptr &&
           std::find(term.values.begin(), term.values.end(), *value) != term.values.end();
  };
  switch (term.kind) {
    case Term::Kind::kIn:
      return listed();
    case Term::Kind::kNotIn:
      return !listed();
    case Term::Kind::kExists:
      return value != nullptr;
    case Term::Kind::kAbsent:
      return value == nullptr;
  }
  return false;
}

bool Selector::matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    auto found = labels.find(term.key);
    return takes(term, found == labels.end() ? nullptr : &found->second);
  });
}

bool Selector::matches(const std::function<std::string(std::string_view)>& value) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const std::string is = value(term.key);
    return takes(term, &is);
  });
}

}  // namespace tidegate::controlloop::kubeapi
