#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <map>

#include "base/jose/base64.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/realm.h"
#include "proxy/snapshot/auth_filters.h"

/// User name and password. Source: RFC 7617; Envoy's basic_auth filter.
namespace tidegate::proxy::filters {
namespace {

class BasicAuthFilter final : public Filter {
 public:
  explicit BasicAuthFilter(const BasicAuth& config) {
    for (const BasicAuth::User& user : config.users) users_.emplace(user.name, user.sha1);
  }

  Verdict request(Call& call) const override {
    std::string_view value = call.request.fields.get("authorization");
    if (value.data() == nullptr)
      return deny(call, "User authentication failed. Missing username and password.",
                  "no_credential_for_basic_auth");
    if (!http::iequals(value.substr(0, 6), "basic "))
      return deny(call, "User authentication failed. Expected 'Basic' authentication scheme.",
                  "invalid_scheme_for_basic_auth");
    value.remove_prefix(6);
    while (value.starts_with(' ')) value.remove_prefix(1);
    const std::optional<std::string> decoded = jose::decode_base64(value);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos)
      return deny(call, "User authentication failed. Invalid basic credential format.",
                  "invalid_format_for_basic_auth");
    const std::string_view pair = *decoded;
    if (!known(pair.substr(0, colon), pair.substr(colon + 1)))
      return deny(call, "User authentication failed. Invalid username/password combination.",
                  "invalid_credential_for_basic_auth");
    call.stats.basic_auth.allowed.add();
    return Verdict::kContinue;
  }

 private:
  /// Takes the same work whether the user exists or not.
  bool known(std::string_view user, std::string_view password) const {
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest.data());
    const auto found = users_.find(user);
    static constexpr std::array<unsigned char, SHA_DIGEST_LENGTH> kNobody{};
    const bool exists = found != users_.end() && found->second.reveal().size() == digest.size();
    const void* wanted = exists ? static_cast<const void*>(found->second.reveal().data())
                                : static_cast<const void*>(kNobody.data());
    return CRYPTO_memcmp(digest.data(), wanted, digest.size()) == 0 && exists;
  }

  static Verdict deny(Call& call, std::string_view body, std::string_view details) {
    call.stats.basic_auth.denied.add();
    call.reply = Reply{401, {}, body, "-", details};
    call.reply.fields.append("www-authenticate", challenge("Basic", call.request, call.arena));
    return Verdict::kReply;
  }

  std::map<std::string, Secret, std::less<>> users_;
};

}  // namespace

FilterPtr compile(const BasicAuth& from, const CompileContext&) {
  return std::make_shared<BasicAuthFilter>(from);
}

}  // namespace tidegate::proxy::filters
