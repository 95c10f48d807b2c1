#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Source: JWTClaimToHeader.
struct ClaimToHeader {
  std::string name;  // of the claim
  std::string header;
  bool operator==(const ClaimToHeader&) const = default;
};

/// Where keys come from; exactly one of the two. Source: JWKS.
struct Jwks {
  struct Local {                              // exactly one
    std::optional<Secret> inline_;            // a key set, a key or PEM; a symmetric key is secret
    std::optional<LocalName> config_map_ref;  // its key "jwks"
    bool operator==(const Local&) const = default;
  };
  struct AsyncFetch {
    bool fast_listener = false;                     // else the listener waits for the first keys
    std::optional<Millis> failed_refetch_duration;  // absent: 1 s
    bool operator==(const AsyncFetch&) const = default;
  };
  struct Backoff {
    Millis base_interval{1000};
    std::optional<Millis> max_interval;  // absent: ten times the base
    bool operator==(const Backoff&) const = default;
  };
  struct Retry {
    int num_retries = 1;
    std::optional<Backoff> back_off;
    bool operator==(const Retry&) const = default;
  };
  struct Remote {
    std::string url;
    BackendObjectRef backend_ref;
    Millis cache_duration{300'000};
    std::optional<AsyncFetch> async_fetch;
    std::optional<Retry> retry_policy;
    bool operator==(const Remote&) const = default;
  };
  std::optional<Local> local;
  std::optional<Remote> remote;
  bool operator==(const Jwks&) const = default;
};

/// Source: NamedJWTProvider, JWTProvider.
struct JwtProvider {
  struct HeaderSource {
    std::string header;
    std::optional<std::string> prefix;
    bool operator==(const HeaderSource&) const = default;
  };
  struct TokenSource {  // exactly one
    std::optional<HeaderSource> header;
    std::optional<std::string> query_parameter;
    bool operator==(const TokenSource&) const = default;
  };
  std::string name;
  std::string issuer;                       // empty: any
  std::vector<std::string> audiences;       // empty: any
  std::optional<TokenSource> token_source;  // absent: Authorization: Bearer, then ?access_token
  std::vector<ClaimToHeader> claims_to_headers;
  Jwks jwks;
  bool forward_token = false;
  bool operator==(const JwtProvider&) const = default;
};

/// One provider that accepts the token is enough. Source: JWT.
struct JwtProviders {
  enum class Mode { kStrict, kAllowMissing };
  Mode validation_mode = Mode::kStrict;
  std::vector<JwtProvider> providers;
  bool operator==(const JwtProviders&) const = default;
};

}  // namespace tidegate::config::kgateway
