#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace tidegate::config::fields {

/// A pattern that a string must match: its text for messages and the schema, and a hand-written
/// matcher, because these few patterns are checked for every field of thousands of objects.
struct Pattern {
  std::string_view text;
  bool (*matches)(std::string_view) = nullptr;
};

// Source of all: the CRDs of Gateway API v1.6, except where another is named.
extern const Pattern kDnsLabel;        // namespace
extern const Pattern kDnsSubdomain;    // host name, section name, object name
extern const Pattern kWildcardHost;    // "*." allowed in front
extern const Pattern kGroup;           // empty or a DNS subdomain
extern const Pattern kKindName;        // Gateway
extern const Pattern kDomainPath;      // example.com/controller
extern const Pattern kProtocol;        // HTTP or example.com/own
extern const Pattern kAddressType;     // IPAddress, Hostname, NamedAddress or example.com/own
extern const Pattern kHeaderName;      // a token of RFC 9110
extern const Pattern kHeaderValue;     // visible characters, single spaces or tabs between
extern const Pattern kPathCharacters;  // RFC 3986 pchar and "/"
extern const Pattern kDuration;        // GEP-2257: 1h30m, 500ms
extern const Pattern kCorsOrigin;      // *, https://*.example.com:8443
extern const Pattern kUri;             // scheme:rest
extern const Pattern kWellKnownCa;     // System or example.com/name
extern const Pattern kLabelKey;        // example.com/name
extern const Pattern kLabelValue;      //
extern const Pattern kGrpcService;     // pkg.Service
extern const Pattern kGrpcMethod;      //
extern const Pattern kTimestamp;       // RFC 3339
extern const Pattern kDataKey;         // a key of a ConfigMap or Secret (Kubernetes)

/// "1h30m" -> milliseconds; nothing where it does not match kDuration. Source: GEP-2257.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace tidegate::config::fields
