#pragma once

#include <optional>
#include <string>

#include "config/fields/meta.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// An answer without a backend; an HTTPRoute names it in an ExtensionRef filter. At most one of
/// `body` and `body_format`. Source: DirectResponseSpec.
struct DirectResponse {
  Meta meta;
  int status = 200;  // 200..599
  std::optional<std::string> body;
  std::optional<BodyFormat> body_format;
  bool operator==(const DirectResponse&) const = default;
};

}  // namespace tidegate::config::kgateway
