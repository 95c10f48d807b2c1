#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <unordered_map>

#include "proxy/filters/chain.h"
#include "proxy/http/characters.h"
#include "proxy/http/cookies.h"
#include "proxy/http/query.h"
#include "proxy/snapshot/auth_filters.h"

/// Keys that clients were given. Source: kgateway TrafficPolicy.spec.apiKeyAuth; Envoy's
/// api_key_auth filter.
namespace tidegate::proxy::filters {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

/// A digest is random enough to be its own hash.
struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t out = 0;
    std::memcpy(&out, digest.data(), sizeof out);
    return out;
  }
};

/// Keys are found by their digests: how long a look takes says nothing about how much of a key was
/// guessed right.
Digest digest(std::string_view key) {
  Digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), out.data());
  return out;
}

class ApiKeyFilter final : public Filter {
 public:
  explicit ApiKeyFilter(const ApiKeyAuth& config)
      : sources_(config.sources),
        forward_credential_(config.forward_credential),
        client_id_header_(config.client_id_header) {
    for (const ApiKeyAuth::Credential& one : config.credentials)
      clients_.emplace(digest(one.key.reveal()), one.client);
  }

  Verdict request(Call& call) const override {
    std::string buffer;
    const std::string_view key = find(call, buffer);
    if (key.empty()) return deny(call, "missing_api_key");
    const auto client = clients_.find(digest(key));
    if (client == clients_.end()) return deny(call, "unknown_api_key");
    call.stats.api_key_auth.allowed.add();
    if (!forward_credential_) take_away(call);
    if (!client_id_header_.empty()) call.request.fields.set(client_id_header_, client->second);
    return Verdict::kContinue;
  }

 private:
  /// The first key that the request has; empty: none. `buffer` holds one that had to be decoded.
  std::string_view find(const Call& call, std::string& buffer) const {
    for (const ApiKeyAuth::KeySource& source : sources_) {
      if (!source.header.empty()) {
        std::string_view value = call.request.fields.get(source.header);
        if (value.size() > 7 && http::iequals(value.substr(0, 7), "bearer "))
          value.remove_prefix(7);
        if (!value.empty()) return value;
      }
      if (!source.query.empty() &&
          http::query_parameter(call.request.query(), source.query, buffer) && !buffer.empty())
        return buffer;
      if (!source.cookie.empty()) {
        const std::string_view value = http::cookie(call.request.fields, source.cookie);
        if (!value.empty()) return value;
      }
    }
    return {};
  }

  /// From every place where a key may stand, so that none reaches the backend.
  void take_away(Call& call) const {
    for (const ApiKeyAuth::KeySource& source : sources_) {
      if (!source.header.empty()) call.request.fields.remove(source.header);
      if (!source.query.empty())
        call.request.path = http::without_parameter(call.request.path, source.query, call.arena);
      if (!source.cookie.empty())
        http::remove_cookies(call.request.fields, call.arena, [&source](const http::Cookie& one) {
          return one.name == source.cookie;
        });
    }
  }

  static Verdict deny(Call& call, std::string_view details) {
    call.stats.api_key_auth.unauthorized.add();
    call.reply = Reply{401, {}, "Client authentication failed.", "-", details};
    return Verdict::kReply;
  }

  std::vector<ApiKeyAuth::KeySource> sources_;
  bool forward_credential_;
  std::string client_id_header_;
  std::unordered_map<Digest, std::string, DigestHash> clients_;
};

}  // namespace

FilterPtr compile(const ApiKeyAuth& from, const CompileContext&) {
  return std::make_shared<ApiKeyFilter>(from);
}

}  // namespace tidegate::proxy::filters
