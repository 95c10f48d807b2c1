#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"

namespace tidegate::config {

struct HeaderValue {
  std::string name;
  std::string value;
  bool operator==(const HeaderValue&) const = default;
};

/// Source: HTTPHeaderFilter.
struct HeaderModifier {
  std::vector<HeaderValue> set;
  std::vector<HeaderValue> add;
  std::vector<std::string> remove;
  bool operator==(const HeaderModifier&) const = default;
};

struct Fraction {
  int numerator = 0;
  int denominator = 100;
  bool operator==(const Fraction&) const = default;
};

/// Source: HTTPRequestMirrorFilter. Neither percent nor fraction: every request.
struct RequestMirror {
  BackendObjectRef backend_ref;
  std::optional<int> percent;  // 0..100
  std::optional<Fraction> fraction;
  bool operator==(const RequestMirror&) const = default;
};

/// Source: SessionPersistence (GEP-1619).
struct SessionPersistence {
  enum class Type { kCookie, kHeader };
  enum class Lifetime { kPermanent, kSession };
  struct CookieConfig {
    Lifetime lifetime_type = Lifetime::kSession;
    bool operator==(const CookieConfig&) const = default;
  };
  std::string session_name;
  Type type = Type::kCookie;
  std::optional<std::chrono::milliseconds> absolute_timeout;
  std::optional<CookieConfig> cookie_config;
  bool operator==(const SessionPersistence&) const = default;
};

}  // namespace tidegate::config
