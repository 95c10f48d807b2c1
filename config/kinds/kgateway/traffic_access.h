#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "config/kinds/kgateway/external_services.h"
#include "config/kinds/kgateway/shared.h"

/// Who may do what: the fields of a TrafficPolicy that let requests in or keep them out.
namespace tidegate::config::kgateway {

/// Exactly one of `extension_ref` and `disable`. Source: ExtAuthPolicy.
struct ExtAuthPolicy {
  std::optional<NamespacedRef> extension_ref;
  std::optional<BodyForAuth> with_request_body;
  std::map<std::string, std::string> context_extensions;
  std::optional<PolicyDisable> disable;
  bool operator==(const ExtAuthPolicy&) const = default;
};

/// Exactly one of `extension_ref` and `disable`. Source: ExtProcPolicy.
struct ExtProcPolicy {
  std::optional<NamespacedRef> extension_ref;
  std::optional<ProcessingMode> processing_mode;
  std::optional<PolicyDisable> disable;
  bool operator==(const ExtProcPolicy&) const = default;
};

/// Exactly one is set. Source: JWTAuth.
struct JwtAuth {
  std::optional<NamespacedRef> extension_ref;
  std::optional<PolicyDisable> disable;
  bool operator==(const JwtAuth&) const = default;
};

/// Source: OAuth2Policy.
struct OAuth2Policy {
  NamespacedRef extension_ref;
  bool operator==(const OAuth2Policy&) const = default;
};

/// Percentages of requests, 0..100; at most one of them is set. Source: CSRFPolicy.
struct CsrfPolicy {
  std::optional<int> percentage_enabled;
  std::optional<int> percentage_shadowed;
  std::vector<StringMatcher> additional_origins;
  bool operator==(const CsrfPolicy&) const = default;
};

/// Source: shared Authorization.
struct Authorization {
  enum class Action { kAllow, kDeny };
  struct Policy {
    std::vector<std::string> match_expressions;  // CEL; one that is true is enough
    bool operator==(const Policy&) const = default;
  };
  Policy policy;
  Action action = Action::kAllow;
  bool operator==(const Authorization&) const = default;
};

/// Exactly one of `users`, `secret_ref` and `disable`. Source: BasicAuthPolicy.
struct BasicAuth {
  struct HtpasswdRef {
    std::string name;
    std::optional<std::string> namespace_;  // absent: that of the policy
    std::string key = ".htpasswd";
    bool operator==(const HtpasswdRef&) const = default;
  };
  std::vector<Secret> users;  // "name:{SHA}base64" each
  std::optional<HtpasswdRef> secret_ref;
  std::optional<PolicyDisable> disable;
  bool operator==(const BasicAuth&) const = default;
};

/// Exactly one of `secret_ref`, `secret_selector` and `disable`. Source: APIKeyAuth.
struct ApiKeyAuth {
  struct Source {  // looked for in this order
    std::optional<std::string> header;
    std::optional<std::string> query;
    std::optional<std::string> cookie;
    bool operator==(const Source&) const = default;
  };
  struct Selector {
    std::map<std::string, std::string> match_labels;
    bool operator==(const Selector&) const = default;
  };
  std::vector<Source> key_sources;  // empty: the header api-key
  bool forward_credential = false;
  std::optional<std::string> client_id_header;
  std::optional<SecretRef> secret_ref;
  std::optional<Selector> secret_selector;
  std::optional<PolicyDisable> disable;
  bool operator==(const ApiKeyAuth&) const = default;
};

enum class AclAction { kAllow, kDeny };

/// The longest prefix that holds the client's address decides. Source: shared ACLPolicy.
struct AclPolicy {
  struct Rule {
    std::optional<std::string> name;
    std::vector<std::string> cidrs;  // addresses or ranges
    AclAction action = AclAction::kAllow;
    bool operator==(const Rule&) const = default;
  };
  struct Header {
    std::string name;
    std::string value;
    bool operator==(const Header&) const = default;
  };
  struct DenyResponse {
    std::optional<int> status_code;  // absent: 403
    std::vector<Header> headers;
    std::optional<std::string> blocked_by_header_name;
    bool operator==(const DenyResponse&) const = default;
  };
  AclAction default_action = AclAction::kAllow;
  std::vector<Rule> rules;
  std::optional<DenyResponse> deny_response;
  bool operator==(const AclPolicy&) const = default;
};

}  // namespace tidegate::config::kgateway
