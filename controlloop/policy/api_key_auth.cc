#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "controlloop/policy/secrets.h"
#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {
namespace {

/// Secrets with these labels that the policy may refer to, wherever they are; sorted by name.
std::vector<const config::SecretObject*> labelled(
    FieldContext& context, const std::map<std::string, std::string>& labels) {
  std::vector<const config::SecretObject*> out;
  for (const auto& [key, secret] : context.objects.all<config::SecretObject>()) {
    const auto& own = secret->meta.labels;
    const bool fits = std::all_of(labels.begin(), labels.end(), [&own](const auto& label) {
      const auto found = own.find(label.first);
      return found != own.end() && found->second == label.second;
    });
    if (fits && context.references.permitted("TrafficPolicy", context.namespace_(), "Secret",
                                             secret->meta.namespace_, secret->meta.name))
      out.push_back(secret.get());
  }
  return out;
}

}  // namespace

/// Source: kgateway TrafficPolicy.spec.apiKeyAuth.
void make_api_key_auth(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::ApiKeyAuth& from = *policy.api_key_auth;
  if (from.disable) return;
  std::string path = "spec.apiKeyAuth.secretRef";
  std::vector<const config::SecretObject*> secrets;
  if (from.secret_ref) {
    const FoundSecret found = find_secret(context, "TrafficPolicy", context.namespace_(),
                                          from.secret_ref->namespace_, from.secret_ref->name);
    if (!found.secret) return context.error(path, "API keys: " + found.problem);
    secrets.push_back(found.secret);
  } else if (from.secret_selector) {
    path = "spec.apiKeyAuth.secretSelector";
    secrets = labelled(context, from.secret_selector->match_labels);
    if (secrets.empty()) return context.error(path, "API keys: no Secret has these labels");
  }
  proxy::ApiKeyAuth to;
  std::map<std::string_view, std::pair<std::string, const config::SecretObject*>> known;
  for (const config::SecretObject* secret : secrets) {
    for (const auto& [client, key] : secret->data) {
      if (key.empty()) continue;
      const auto [same, is_new] = known.try_emplace(key.reveal(), client, secret);
      if (is_new) {
        to.credentials.push_back({client, key});
      } else if (same->second.first != client) {
        // Which of the two a request is from could not be told.
        context.error(
            path, fmt::format("API keys: {} in Secret {}/{} and {} in Secret {}/{} have the same "
                              "key",
                              same->second.first, same->second.second->meta.namespace_,
                              same->second.second->meta.name, client, secret->meta.namespace_,
                              secret->meta.name));
      }
    }
  }
  if (to.credentials.empty()) return context.error(path, "API keys: the Secrets hold none");
  for (const config::kgateway::ApiKeyAuth::Source& source : from.key_sources) {
    if (source.header || source.query || source.cookie)
      to.sources.push_back({lower(source.header.value_or("")), source.query.value_or(""),
                            source.cookie.value_or("")});
  }
  if (to.sources.empty()) to.sources.push_back({"api-key", "", ""});
  to.forward_credential = from.forward_credential;
  to.client_id_header = lower(from.client_id_header.value_or(""));
  context.add(kAtApiKeyAuth, std::move(to));
}

}  // namespace tidegate::controlloop::policy
