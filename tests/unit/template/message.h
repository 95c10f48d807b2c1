#pragma once

#include <boost/json.hpp>
#include <map>
#include <string>

#include "proxy/template/template.h"

namespace tidegate::proxy::templates {

/// A message without an exchange.
struct Message : Values {
  std::map<std::string, std::string, std::less<>> headers;
  std::map<std::string, std::string, std::less<>> request_headers;
  std::string text;
  boost::json::value parsed;
  boost::json::object facts;
  std::uint64_t next_random = 0;

  static std::string_view in(const std::map<std::string, std::string, std::less<>>& all,
                             std::string_view name) {
    auto found = all.find(name);
    return found == all.end() ? std::string_view() : std::string_view(found->second);
  }
  std::string_view header(std::string_view name) override { return in(headers, name); }
  std::string_view request_header(std::string_view name) override {
    return in(request_headers, name);
  }
  std::string_view body() override { return text; }
  const boost::json::value* json() override { return parsed.is_null() ? nullptr : &parsed; }
  const boost::json::object* connection() override { return &facts; }
  std::uint64_t random() override { return next_random++; }

  Message& with(std::string_view json) {
    parsed = boost::json::parse(json);
    return *this;
  }
};

/// What the template prints, or "error: ..." of compiling or rendering.
inline std::string shown(std::string_view text, Message& message, const Limits& limits = {}) {
  auto compiled = Template::compile(text);
  if (!compiled.has_value()) return "error: " + compiled.error().text();
  std::string out;
  std::string error;
  if (!compiled->render(message, out, &error, limits)) return "error: " + error;
  return out;
}

inline std::string shown(std::string_view text) {
  Message message;
  return shown(text, message);
}

}  // namespace tidegate::proxy::templates
