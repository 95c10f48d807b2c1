#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"

/// What several of kgateway's kinds share. Source of the room: the CRDs of kgateway 2.4, API group
/// gateway.kgateway.dev/v1alpha1, CEL rules included.
namespace tidegate::config::kgateway {

inline constexpr const char* kGroup = "gateway.kgateway.dev";

using Millis = std::chrono::milliseconds;

/// Present: what a policy at a higher place configures is switched off here. Source: PolicyDisable.
struct PolicyDisable {
  bool operator==(const PolicyDisable&) const = default;
};

/// What a policy attaches to by name, in its own namespace; a PolicyTargetRef of Gateway API.
using TargetRef = PolicyTargetRef;

/// What a policy attaches to by labels, in its own namespace.
/// Source: LocalPolicyTargetSelectorWithSectionName.
struct TargetSelector {
  std::string group;
  std::string kind;
  std::map<std::string, std::string> match_labels;  // all must be there; empty: everything
  std::optional<std::string> section_name;          // only where the policy's kind has it
  bool operator==(const TargetSelector&) const = default;
};

/// The same where a policy holds for whole objects only: `section_name` stays absent.
/// Source: LocalPolicyTargetReference, LocalPolicyTargetSelector.
struct WholeTargetRef : TargetRef {
  bool operator==(const WholeTargetRef&) const = default;
};
struct WholeTargetSelector : TargetSelector {
  bool operator==(const WholeTargetSelector&) const = default;
};

/// Source: NamespacedObjectReference.
struct NamespacedRef {
  std::string name;
  std::optional<std::string> namespace_;  // absent: that of the referrer
  bool operator==(const NamespacedRef&) const = default;
};

/// An object in the namespace of the referrer. Source: core/v1 LocalObjectReference.
struct LocalName {
  std::string name;
  bool operator==(const LocalName&) const = default;
};

/// Exactly one of the first five is set. Source: StringMatcher.
struct StringMatcher {
  std::optional<std::string> exact;
  std::optional<std::string> prefix;
  std::optional<std::string> suffix;
  std::optional<std::string> contains;
  std::optional<std::string> safe_regex;  // RE2
  bool ignore_case = false;               // not of safe_regex
  bool operator==(const StringMatcher&) const = default;
};

/// A header, given or taken from a Secret. With a Secret: `name` is the header and `key` the data
/// key; either stands for the other; with neither, each entry of the Secret is a header.
/// Source: shared HTTPHeader, SecretRefWithKey.
struct HeaderEntry {
  struct SecretKey {
    std::string name;
    std::optional<std::string> key;
    std::optional<std::string> namespace_;
    bool operator==(const SecretKey&) const = default;
  };
  std::optional<std::string> name;
  std::optional<std::string> value;
  std::optional<SecretKey> secret_ref;
  bool operator==(const HeaderEntry&) const = default;
};

/// Source: shared HTTPHeaderFilter.
struct HeaderChanges {
  std::vector<HeaderEntry> set;
  std::vector<HeaderEntry> add;
  std::vector<std::string> remove;
  bool operator==(const HeaderChanges&) const = default;
};

/// Source: shared HeaderModifiers.
struct HeaderModifiers {
  std::optional<HeaderChanges> request;
  std::optional<HeaderChanges> response;
  bool operator==(const HeaderModifiers&) const = default;
};

/// A body made from a format string with Envoy's command operators. Exactly one of `text` and
/// `json` is set. Source: shared BodyFormat.
struct BodyFormat {
  std::optional<std::string> content_type;  // absent: text/plain, with `json` application/json
  std::optional<std::string> text;
  std::optional<boost::json::value> json;  // an object
  bool operator==(const BodyFormat&) const = default;
};

/// An attribute of a span: a name and at most one source. Source: CustomAttribute.
struct SpanAttribute {
  struct Literal {
    std::string value;
    bool operator==(const Literal&) const = default;
  };
  struct Named {  // an environment variable, a request header
    std::string name;
    std::optional<std::string> default_value;
    bool operator==(const Named&) const = default;
  };
  struct Segment {
    std::string key;
    bool operator==(const Segment&) const = default;
  };
  struct Key {
    std::string key;
    std::vector<Segment> path;
    bool operator==(const Key&) const = default;
  };
  struct Metadata {
    enum class Kind { kRequest, kRoute, kCluster, kHost };
    Kind kind = Kind::kRequest;
    Key metadata_key;
    std::optional<std::string> default_value;
    bool operator==(const Metadata&) const = default;
  };
  std::string name;
  std::optional<Literal> literal;
  std::optional<Named> environment;
  std::optional<Named> request_header;
  std::optional<Metadata> metadata;
  bool operator==(const SpanAttribute&) const = default;
};

/// A number of bytes. Written as a number or as a Kubernetes quantity: 64Ki, 1M.
struct Quantity {
  std::uint64_t bytes = 0;
  bool operator==(const Quantity&) const = default;
};

}  // namespace tidegate::config::kgateway
