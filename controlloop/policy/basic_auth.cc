#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "base/jose/base64.h"
#include "controlloop/policy/secrets.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {
namespace {

constexpr std::string_view kSha = "{SHA}";
constexpr std::size_t kSha1Bytes = 20;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

/// Reads one line of htpasswd; what is wrong with it goes to `wrong` by user, never with the hash.
void read_line(std::string_view line, std::size_t number, std::map<std::string, Secret>& users,
               std::vector<std::string>& wrong) {
  line = trimmed(line);
  if (line.empty() || line.starts_with('#')) return;
  const std::size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) {
    wrong.push_back(fmt::format("line {}", number));
    return;
  }
  const std::string user(line.substr(0, colon));
  const std::string_view hash = line.substr(colon + 1);
  std::optional<std::string> bytes;
  if (hash.starts_with(kSha)) bytes = jose::decode_base64(hash.substr(kSha.size()));
  if (!bytes || bytes->size() != kSha1Bytes) {
    wrong.push_back(user);
    return;
  }
  const auto [known, is_new] = users.try_emplace(user, *bytes);
  if (!is_new && known->second.reveal() != *bytes) wrong.push_back(user);
}

}  // namespace

/// Source: kgateway TrafficPolicy.spec.basicAuth: htpasswd with SHA-1 alone.
void make_basic_auth(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::BasicAuth& from = *policy.basic_auth;
  if (from.disable) return;
  std::map<std::string, Secret> users;
  std::vector<std::string> wrong;
  std::string path = "spec.basicAuth.users";
  if (from.secret_ref) {
    path = "spec.basicAuth.secretRef";
    const FoundSecret found = find_secret(context, "TrafficPolicy", context.namespace_(),
                                          from.secret_ref->namespace_, from.secret_ref->name);
    if (!found.secret) return context.error(path, "basic auth: " + found.problem);
    const auto data = found.secret->data.find(from.secret_ref->key);
    if (data == found.secret->data.end() || data->second.empty())
      return context.error(
          path + ".key",
          fmt::format("basic auth: Secret {}/{} has no key {}", found.secret->meta.namespace_,
                      found.secret->meta.name, from.secret_ref->key));
    std::string_view text = data->second.reveal();
    for (std::size_t number = 1; !text.empty(); ++number) {
      read_line(text.substr(0, text.find('\n')), number, users, wrong);
      const std::size_t end = text.find('\n');
      text = end == text.npos ? std::string_view() : text.substr(end + 1);
    }
  } else {
    for (std::size_t i = 0; i < from.users.size(); ++i)
      read_line(from.users[i].reveal(), i + 1, users, wrong);
  }
  if (!wrong.empty())
    return context.error(
        path, fmt::format("basic auth: {} {} no user with a {{SHA}} hash, or given twice with "
                          "different ones",
                          fmt::join(wrong, ", "), wrong.size() == 1 ? "is" : "are"));
  if (users.empty()) return context.error(path, "basic auth: there is no user");
  proxy::BasicAuth to;
  for (const auto& [name, hash] : users) to.users.push_back({name, hash});
  context.add(kAtBasicAuth, std::move(to));
}

}  // namespace tidegate::controlloop::policy
