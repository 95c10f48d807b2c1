#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "proxy/filters/kept.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::proxy::upstream {
class Clusters;
}

namespace tidegate::proxy::filters {

/// "https://host:1/path?x" as what a request needs; nothing for what is no http(s) URL.
std::optional<HttpUri> uri_of(std::string_view url, std::string_view cluster);

/// Where an OpenID provider is asked for what.
struct ProviderMetadata {
  std::string authorization_endpoint, token_endpoint, end_session_endpoint, jwks_uri;
};

/// Asks `issuer`/.well-known/openid-configuration; null where there is no answer, or one of another
/// issuer. `problem` says why. Source: OpenID Connect Discovery 1.0 section 4.
Task<std::shared_ptr<const ProviderMetadata>> discover(upstream::Clusters& clusters,
                                                       std::string cluster, std::string issuer,
                                                       std::string& problem);

/// The metadata of one provider, kept for ten minutes; a discovery that failed is made anew after a
/// second. Workers share it behind a lock: it is needed when somebody logs in or out, not by every
/// request.
class Discovery {
 public:
  Discovery(std::string cluster, std::string issuer)
      : cluster_(std::move(cluster)), issuer_(std::move(issuer)) {}
  static std::shared_ptr<Discovery> kept(const std::string& cluster, const std::string& issuer,
                                         Kept& kept);
  /// Null: fail closed.
  Task<std::shared_ptr<const ProviderMetadata>> get(upstream::Clusters& clusters);

 private:
  using Clock = std::chrono::steady_clock;
  const std::string cluster_;
  const std::string issuer_;
  std::mutex mutex_;  // over what follows
  std::shared_ptr<const ProviderMetadata> found_;
  Clock::time_point expires_{};
  Clock::time_point not_before_{};
};

}  // namespace tidegate::proxy::filters
