#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/format/format.h"
#include "proxy/format/json_format.h"
#include "proxy/snapshot/body_format.h"

namespace tidegate::proxy::format {

/// The body of an answer of our own, made by a format. Immutable.
/// Source: kgateway BodyFormat; Envoy's SubstitutionFormatString.
class Body {
 public:
  /// `problem` is empty where all is right; without it the body is empty.
  static Body compile(const BodyFormat& from, std::string& problem);

  /// A missing value is "-" in a text, null in JSON.
  void render(const Values& values, std::string& out) const;
  std::string_view content_type() const { return content_type_; }
  Needs needs() const { return json_ ? json_->needs() : text_.needs(); }

 private:
  Format text_;
  std::optional<JsonFormat> json_;
  std::string content_type_;
};

}  // namespace tidegate::proxy::format
