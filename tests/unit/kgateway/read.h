#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields/object.h"
#include "config/kinds/kgateway/descriptions.h"
#include "config/yaml/document.h"

/// Reading one kind from a text, for the tests of kgateway's kinds.
namespace tidegate::config::kgateway {

template <class T>
struct Read {
  T object;
  std::vector<fields::Finding> findings;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;  // without those of fields that have no effect

  std::string error() const { return errors.empty() ? "none" : errors.front(); }
  std::string warning() const { return warnings.empty() ? "none" : warnings.front(); }
};

/// `spec` is the body of spec, not indented.
template <class T>
Read<T> read(std::string_view spec) {
  std::string text = "kind: X\napiVersion: x/v1\nmetadata: {name: a}\nspec:\n";
  for (std::size_t at = 0; at < spec.size();) {
    const std::size_t end = std::min(spec.find('\n', at), spec.size() - 1) + 1;
    text += "  ";
    text += spec.substr(at, end - at);
    at = end;
  }
  const auto parsed = yaml::parse_yaml(text, yaml::Budgets());
  INFO(parsed.problem.message);
  REQUIRE(parsed);
  Read<T> out;
  fields::Findings findings;
  fields::read_object(findings, {&parsed.value->root, &parsed.value->lines},
                      {fields::Body::kSpec, true}, fields::description<T>(), &out.object,
                      out.object.meta);
  out.findings = findings.take();
  for (const fields::Finding& f : out.findings) {
    if (f.severity == Severity::kError) {
      out.errors.push_back(f.message);
    } else if (f.message.find("is accepted without effect") == std::string::npos) {
      out.warnings.push_back(f.message);
    }
  }
  return out;
}

/// Whether the text decodes with nothing to say but what has no effect.
template <class T>
void check_clean(const Read<T>& r) {
  CHECK(r.error() == "none");
  CHECK(r.warning() == "none");
}

}  // namespace tidegate::config::kgateway
