#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "base/jose/base64.h"
#include "base/jose/jwt.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/realm.h"
#include "proxy/filters/remote_keys.h"
#include "proxy/filters/verified_tokens.h"
#include "proxy/http/characters.h"
#include "proxy/http/cookies.h"
#include "proxy/http/query.h"
#include "proxy/snapshot/auth_filters.h"

/// Signed tokens. Source: kgateway GatewayExtension.spec.jwt; Envoy's jwt_authn filter; RFC 6750.
namespace tidegate::proxy::filters {
namespace {

using jose::JwtStatus;

constexpr std::string_view kMetadata = "envoy.filters.http.jwt_authn";

/// Where a token stood.
struct Found {
  enum class Place { kHeader, kParameter, kCookie };
  std::string_view token;
  Place place = Place::kHeader;
  std::string_view name;
};

/// The token in a header's value: behind the prefix, as far as its characters go.
std::string_view behind(std::string_view value, std::string_view prefix) {
  if (prefix.empty()) return value;
  if (value.size() < prefix.size() || !http::iequals(value.substr(0, prefix.size()), prefix))
    return {};
  constexpr std::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const std::size_t from = value.find_first_of(kCharacters, prefix.size());
  if (from == value.npos) return {};
  return value.substr(from, value.find_first_not_of(kCharacters, from) - from);
}

/// A claim, looked for by its whole name first: names of claims may be URLs.
const boost::json::value* claim(const boost::json::object& claims, std::string_view name) {
  if (const boost::json::value* whole = claims.if_contains(name)) return whole;
  const boost::json::object* in = &claims;
  while (true) {
    const std::size_t dot = name.find('.');
    const boost::json::value* found = in->if_contains(name.substr(0, dot));
    if (!found || dot == name.npos) return found;
    in = found->if_object();
    if (!in) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

/// As Envoy writes a claim into a header; empty: there is nothing to write.
std::string header_text(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::string:
      return std::string(value.get_string());
    case boost::json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case boost::json::kind::int64:
      return std::to_string(value.get_int64());
    case boost::json::kind::uint64:
      return std::to_string(value.get_uint64());
    case boost::json::kind::double_: {
      const double number = value.get_double();
      const bool whole = number >= 0 && number < 1.8e19 &&
                         number == static_cast<double>(static_cast<std::uint64_t>(number));
      return whole ? std::to_string(static_cast<std::uint64_t>(number)) : std::to_string(number);
    }
    case boost::json::kind::object:
    case boost::json::kind::array:
      return jose::encode_base64(boost::json::serialize(value));
    case boost::json::kind::null:
      break;
  }
  return {};
}

/// Of two reasons the one that says more: a token that is wrong, before one of another issuer,
/// before none.
JwtStatus weightier(JwtStatus a, JwtStatus b) {
  auto weight = [](JwtStatus status) {
    if (status == JwtStatus::kMissing) return 0;
    return status == JwtStatus::kUnknownIssuer ? 1 : 2;
  };
  return weight(b) >= weight(a) ? b : a;
}

class JwtFilter final : public Filter {
 public:
  JwtFilter(const JwtAuth& config, Kept& kept)
      : all_(config.all), allow_missing_(config.allow_missing) {
    for (const JwtAuth::Provider& from : config.providers) {
      Provider& one = providers_.emplace_back();
      one.config = from;
      if (from.remote) {
        one.remote = RemoteKeySet::kept(*from.remote, kept);
      } else {
        one.local = jose::read_keys(from.keys.reveal()).set;
      }
      one.config.keys = Secret();
      if (from.from_headers.empty() && from.from_params.empty() && from.from_cookies.empty()) {
        one.config.from_headers = {{"authorization", "Bearer "}};
        one.config.from_params = {"access_token"};
      }
    }
  }

  Verdict request(Call& call) const override {
    // Whoever reads such a header behind us takes it for a claim.
    for (const Provider& one : providers_) {
      for (const JwtAuth::Claim& claim : one.config.claims)
        call.request.fields.remove(claim.header);
    }
    return judge(call, Tries()).verdict;
  }

  Task<Verdict> request_waiting(Call& call) const override {
    Tries tried = 0;
    while (true) {
      const Judgement judgement = judge(call, tried);
      if (judgement.verdict != Verdict::kWait) co_return judgement.verdict;
      co_await providers_[judgement.waits_for].remote->get(call);
      tried |= Tries(1) << judgement.waits_for;
    }
  }

 private:
  struct Provider {
    JwtAuth::Provider config;
    jose::KeySet local;
    std::shared_ptr<RemoteKeySet> remote;  // null: local
  };
  using Tries = std::uint64_t;  // providers whose keys were waited for, a bit each
  struct Judgement {
    Verdict verdict = Verdict::kContinue;
    std::size_t waits_for = 0;  // the provider, with kWait
  };
  /// What one provider says of a request.
  struct Opinion {
    JwtStatus status = JwtStatus::kMissing;
    bool waits = false;                    // for its keys
    std::vector<Found> found;              // its tokens
    std::shared_ptr<const jose::Jwt> jwt;  // the last of them, with kOk
  };

  /// A provider says yes, or no with the reason; the request is changed where all is well.
  Judgement judge(Call& call, Tries tried) const {
    JwtStatus reason = JwtStatus::kMissing;
    std::vector<std::pair<const Provider*, Opinion>> satisfied;
    for (std::size_t i = 0; i < providers_.size(); ++i) {
      Opinion opinion = ask(call, providers_[i], (tried >> i & 1U) != 0);
      if (opinion.waits) return {Verdict::kWait, i};
      if (opinion.status == JwtStatus::kOk) {
        satisfied.emplace_back(&providers_[i], std::move(opinion));
        if (!all_) break;
      } else {
        reason = weightier(reason, opinion.status);
        if (all_) break;
      }
    }
    if (all_ ? satisfied.size() == providers_.size() : !satisfied.empty()) {
      for (const auto& [provider, opinion] : satisfied) accept(call, *provider, opinion);
    } else if (!allow_missing_ || reason != JwtStatus::kMissing) {
      return {deny(call, reason), 0};
    }
    call.stats.jwt_authn.allowed.add();
    return {};
  }

  static Opinion ask(Call& call, const Provider& provider, bool tried) {
    Opinion out;
    out.found = find(call, provider.config);
    // Of several tokens all have to be right: the backend may read another one than we did.
    for (const Found& one : out.found) {
      out.status = check(call, provider, one.token, tried, out);
      if (out.waits || out.status != JwtStatus::kOk) break;
    }
    return out;
  }

  static JwtStatus check(Call& call, const Provider& provider, std::string_view token, bool tried,
                         Opinion& out) {
    // A set of remote keys that has been fetched is looked at first: a token that it has verified
    // before is not even taken apart.
    const jose::KeySet* keys = provider.remote ? provider.remote->now(call) : &provider.local;
    const bool kept = token.size() <= VerifiedTokens::kTokenBytesMax;
    VerifiedTokens::Digest digest{};
    if (kept && keys) {
      digest = VerifiedTokens::digest(token);
      out.jwt = VerifiedTokens::here().find(digest, keys->generation);
      if (out.jwt) {
        call.stats.jwt_authn.jwt_cache_hit.add();
        return check_claims(*out.jwt, provider.config);
      }
      call.stats.jwt_authn.jwt_cache_miss.add();
    }
    auto jwt = std::make_shared<jose::Jwt>();
    if (const JwtStatus bad = jose::parse(token, *jwt); bad != JwtStatus::kOk) return bad;
    if (const JwtStatus bad = check_claims(*jwt, provider.config); bad != JwtStatus::kOk)
      return bad;
    if (!keys) {
      out.waits = !tried;
      return JwtStatus::kKeysFetchFailed;
    }
    if (const JwtStatus bad = jose::check_signature(*jwt, *keys); bad != JwtStatus::kOk) return bad;
    jwt->forget_text();
    if (kept) VerifiedTokens::here().keep(digest, keys->generation, jwt);
    out.jwt = std::move(jwt);
    return JwtStatus::kOk;
  }

  static JwtStatus check_claims(const jose::Jwt& jwt, const JwtAuth::Provider& config) {
    if (!config.issuer.empty() && jwt.issuer != config.issuer) return JwtStatus::kUnknownIssuer;
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    if (const JwtStatus bad = jose::check_time(jwt, now); bad != JwtStatus::kOk) return bad;
    return jose::audience_allowed(jwt, config.audiences) ? JwtStatus::kOk
                                                         : JwtStatus::kAudienceNotAllowed;
  }

  static std::vector<Found> find(Call& call, const JwtAuth::Provider& provider) {
    std::vector<Found> out;
    for (const JwtAuth::HeaderSource& source : provider.from_headers) {
      for (const http::Field& field : call.request.fields) {
        if (!http::iequals(field.name, source.name)) continue;
        if (const std::string_view token = behind(field.value, source.prefix); !token.empty())
          out.push_back({token, Found::Place::kHeader, source.name});
      }
    }
    std::string value;
    for (const std::string& name : provider.from_params) {
      for (std::string_view rest = call.request.query(); !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        if (http::query_parameter(part, name, value))
          out.push_back({call.arena.copy(value), Found::Place::kParameter, name});
      }
    }
    for (const std::string& name : provider.from_cookies) {
      for (const http::Cookie& one : http::cookies(call.request.fields)) {
        if (one.name == name && !one.value.empty())
          out.push_back({one.value, Found::Place::kCookie, name});
      }
    }
    return out;
  }

  static void accept(Call& call, const Provider& provider, const Opinion& opinion) {
    for (const JwtAuth::Claim& wanted : provider.config.claims) {
      const boost::json::value* found = claim(opinion.jwt->claims, wanted.name);
      const std::string text = found ? header_text(*found) : std::string();
      if (!text.empty() && http::all_of(text, http::kValue))
        call.request.fields.append(wanted.header, call.arena.copy(text));
    }
    if (!provider.config.forward) {
      for (const Found& one : opinion.found) {
        if (one.place == Found::Place::kHeader) call.request.fields.remove(one.name);
        if (one.place == Found::Place::kParameter)
          call.request.path = http::without_parameter(call.request.path, one.name, call.arena);
      }
    }
    if (!provider.config.metadata_key.empty())
      call.metadata(kMetadata)[provider.config.metadata_key] = opinion.jwt->claims;
  }

  static Verdict deny(Call& call, JwtStatus status) {
    call.stats.jwt_authn.denied.add();
    const std::string_view text = jose::text(status);
    std::string details = fmt::format("jwt_authn_access_denied{{{}}}", text);
    for (char& c : details) c = c == ' ' ? '_' : c;
    call.reply = Reply{status == JwtStatus::kAudienceNotAllowed ? 403 : 401,
                       {},
                       text,
                       "-",
                       call.arena.copy(details)};
    const std::string_view realm = challenge("Bearer", call.request, call.arena);
    call.reply.fields.append("www-authenticate",
                             status == JwtStatus::kMissing
                                 ? realm
                                 : call.arena.join(realm, ", error=\"invalid_token\""));
    return Verdict::kReply;
  }

  std::vector<Provider> providers_;
  bool all_;
  bool allow_missing_;
};

}  // namespace

FilterPtr compile(const JwtAuth& from, const CompileContext& context) {
  return std::make_shared<JwtFilter>(from, context.kept);
}

}  // namespace tidegate::proxy::filters
