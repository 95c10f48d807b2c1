#include "proxy/filters/discovery.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/log.h"
#include "base/url.h"
#include "proxy/rpc/call.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::filters {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::minutes kKeep{10};
constexpr std::chrono::seconds kFailedRefetch{1};
constexpr std::size_t kDocumentMax = 64UL * 1024;

std::string_view bare(std::string_view issuer) {
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  return issuer;
}

}  // namespace

std::optional<HttpUri> uri_of(std::string_view url, std::string_view cluster) {
  std::optional<Url> parts = parse_url(url);
  if (!parts) return std::nullopt;
  return HttpUri{std::string(cluster), std::move(parts->scheme), std::move(parts->authority),
                 std::move(parts->path)};
}

Task<std::shared_ptr<const ProviderMetadata>> discover(upstream::Clusters& clusters,
                                                       std::string cluster, std::string issuer,
                                                       std::string& problem) {
  const std::string url = fmt::format("{}/.well-known/openid-configuration", bare(issuer));
  const std::optional<HttpUri> uri = uri_of(url, cluster);
  if (!uri) {
    problem = fmt::format("{} is no URL", url);
    co_return nullptr;
  }
  http::RequestHead head;
  head.method = "GET";
  head.scheme = uri->scheme;
  head.authority = uri->authority;
  head.path = uri->path;
  head.fields.append("accept", "application/json");
  Arena arena;
  rpc::CallOptions options;
  options.timeout = kTimeout;
  options.answer_max = kDocumentMax;
  const rpc::Answer answer = co_await rpc::call(clusters, cluster, head, {}, options, arena);
  if (!answer.whole || answer.status != 200) {
    problem = answer.whole ? fmt::format("status {}", answer.status)
                           : std::string("no whole answer came");
    co_return nullptr;
  }
  boost::json::parse_options depth;
  depth.max_depth = 16;
  boost::system::error_code failed;
  const boost::json::value document = boost::json::parse(answer.body, failed, {}, depth);
  if (failed || !document.is_object()) {
    problem = "it is no JSON object";
    co_return nullptr;
  }
  auto text = [&document](std::string_view name) {
    const boost::json::value* value = document.get_object().if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  // A document of another issuer would send clients somewhere else (section 4.3).
  if (bare(text("issuer")) != bare(issuer)) {
    problem = fmt::format("it is of issuer {}", text("issuer"));
    co_return nullptr;
  }
  auto out = std::make_shared<ProviderMetadata>();
  out->authorization_endpoint = text("authorization_endpoint");
  out->token_endpoint = text("token_endpoint");
  out->end_session_endpoint = text("end_session_endpoint");
  out->jwks_uri = text("jwks_uri");
  co_return out;
}

std::shared_ptr<Discovery> Discovery::kept(const std::string& cluster, const std::string& issuer,
                                           Kept& kept) {
  return kept.get<Discovery>(cluster + ' ' + issuer,
                             [&] { return std::make_shared<Discovery>(cluster, issuer); });
}

Task<std::shared_ptr<const ProviderMetadata>> Discovery::get(upstream::Clusters& clusters) {
  const Clock::time_point now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (found_ && now < expires_) co_return found_;
    if (now < not_before_) co_return nullptr;
  }
  std::string problem;
  std::shared_ptr<const ProviderMetadata> found =
      co_await discover(clusters, cluster_, issuer_, problem);
  if (!found)
    log::warning(log::Component::kOauth2,
                 "provider {} (cluster {}) does not tell its endpoints: {}", issuer_, cluster_,
                 problem);
  const std::lock_guard lock(mutex_);
  if (found) {
    found_ = found;
    expires_ = Clock::now() + kKeep;
  } else {
    not_before_ = Clock::now() + kFailedRefetch;
    if (found_) {  // endpoints hardly ever change: what was true is better than nothing
      found = found_;
      expires_ = not_before_;
    }
  }
  co_return found;
}

}  // namespace tidegate::proxy::filters
