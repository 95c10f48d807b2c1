#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>

#include "base/jose/base64.h"
#include "base/log.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/discovery.h"
#include "proxy/filters/oauth2_session.h"
#include "proxy/filters/request_values.h"
#include "proxy/filters/sealed.h"
#include "proxy/format/format.h"
#include "proxy/http/characters.h"
#include "proxy/http/cookies.h"
#include "proxy/http/query.h"
#include "proxy/rpc/call.h"
#include "proxy/snapshot/auth_filters.h"
#include "proxy/upstream/cluster.h"

/// Log-in at a provider by the authorization code flow. Source: RFC 6749, RFC 7636; kgateway
/// GatewayExtension.spec.oauth2; Envoy's oauth2 filter.
namespace tidegate::proxy::filters {
namespace {

constexpr std::chrono::seconds kTokenTimeout{15};
constexpr std::size_t kTokenAnswerMax = 256UL * 1024;
constexpr std::string_view kFailed = "OAuth flow failed.";

/// Set-Cookie values for the answer to a request that went on with new tokens.
struct Refreshed {
  std::vector<std::string> cookies;
};

Seconds now() {
  return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch());
}

/// Adds parameters to a URL that may have some.
void add_parameter(std::string& url, std::string_view name, std::string_view value) {
  url += url.find('?') == url.npos ? '?' : '&';
  url += name;
  url += '=';
  url += percent_encode(value);
}

void add_form(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form += name;
  form += '=';
  form += percent_encode(value);
}

class OAuth2Filter final : public Filter {
 public:
  OAuth2Filter(OAuth2 config, Kept& kept) : config_(std::move(config)) {
    if (config_.hmac_secret.empty())  // one that all instances come to
      config_.hmac_secret = Secret(
          hmac_sha256(config_.client_secret.reveal(), "tidegate oauth2 " + config_.cookies.hmac));
    if (config_.scopes.empty()) config_.scopes = {"user"};  // Envoy's default
    openid_ =
        std::find(config_.scopes.begin(), config_.scopes.end(), "openid") != config_.scopes.end();
    if (!config_.issuer.empty())
      discovery_ = Discovery::kept(config_.token_endpoint.cluster, config_.issuer, kept);
    format::Problem problem;  // translation has looked for it
    redirect_uri_ = format::Format::compile(config_.redirect_uri, problem);
    for (const OAuth2::HeaderCondition& one : config_.deny_redirect) {
      re2::RE2::Options options;
      options.set_log_errors(false);
      expressions_.push_back(one.regex ? std::make_unique<re2::RE2>(one.value, options) : nullptr);
    }
  }

  Verdict request(Call& call) const override {
    if (config_.forward_access_token) {  // whatever the client says there is not from us
      call.request.fields.remove("authorization");
      http::remove_cookies(call.request.fields, call.arena,
                           [](const http::Cookie& one) { return one.name == "BearerToken"; });
    }
    if (ours(call.request.path_only())) return Verdict::kWait;
    const Session session =
        read_session(config_, call.request.fields, call.request.authority, now());
    if (!session.valid) return Verdict::kWait;
    call.stats.oauth2.oauth_success.add();
    go_on(call, session.tokens);
    return Verdict::kContinue;
  }

  Task<Verdict> request_waiting(Call& call) const override {
    Endpoints to;
    to.authorization = config_.authorization_endpoint;
    to.end_session = config_.end_session_endpoint;
    to.token = config_.token_endpoint;
    const std::string problem = co_await complete(call, to);
    const std::string_view path = call.request.path_only();
    if (path == config_.logout_path) co_return log_out(call, to);
    if (!problem.empty()) co_return deny(call, problem, {});
    if (path == config_.redirect_path) co_return co_await come_back(call, to);
    const Session session =
        read_session(config_, call.request.fields, call.request.authority, now());
    if (!session.tokens.refresh.empty()) {
      const bool refreshed = co_await refresh(call, to, session.tokens.refresh);
      if (refreshed) co_return Verdict::kContinue;
    }
    if (denies_redirect(call.request))
      co_return deny(call, "Unauthorized, and redirecting to OAuth server is not allowed", {});
    co_return log_in(call, to);
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    for (const std::string& one : call.state<Refreshed>(*this).cookies)
      head.fields.append("set-cookie", one);
    return Verdict::kContinue;
  }

 private:
  struct Endpoints {
    std::string authorization, end_session;  // URLs
    HttpUri token;
  };

  bool ours(std::string_view path) const {
    return path == config_.logout_path || path == config_.redirect_path;
  }

  /// Fills in what the provider has to be asked for. Not empty: what is still missing.
  Task<std::string> complete(Call& call, Endpoints& to) const {
    const bool missing = to.authorization.empty() || to.token.authority.empty() ||
                         (to.end_session.empty() && openid_);
    if (discovery_ && missing) {
      const std::shared_ptr<const ProviderMetadata> found = co_await discovery_->get(call.clusters);
      if (found) {
        // They go into Location, so they must be URLs from end to end.
        auto sound = [](const std::string& url) {
          return http::all_of(url, http::kTarget) && uri_of(url, "");
        };
        if (to.authorization.empty() && sound(found->authorization_endpoint))
          to.authorization = found->authorization_endpoint;
        if (to.end_session.empty() && openid_ && sound(found->end_session_endpoint))
          to.end_session = found->end_session_endpoint;
        if (to.token.authority.empty()) {
          const std::optional<HttpUri> url = uri_of(found->token_endpoint, to.token.cluster);
          if (url) to.token = *url;
        }
      }
    }
    if (to.authorization.empty() || to.token.authority.empty())
      co_return "the provider does not tell its endpoints";
    co_return std::string();
  }

  /// How the browser came to us, or to a proxy in front that is trusted.
  static std::string site_of(const Call& call) {
    std::string_view scheme = call.request.fields.get("x-forwarded-proto");
    if (scheme != "http" && scheme != "https") scheme = call.request.scheme;
    return fmt::format("{}://{}", scheme, call.request.authority);
  }

  std::string redirect_uri(Call& call) const {
    std::string out;
    if (config_.redirect_uri.starts_with('/')) out = site_of(call);
    redirect_uri_.render(request_values(call), format::Missing::kNothing, out);
    return out;
  }

  bool denies_redirect(const http::RequestHead& request) const {
    for (std::size_t i = 0; i < config_.deny_redirect.size(); ++i) {
      const std::string_view value = request.fields.get(config_.deny_redirect[i].name);
      if (value.data() == nullptr) continue;
      const bool holds = expressions_[i]
                             ? expressions_[i]->ok() &&
                                   re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()),
                                                       *expressions_[i])
                             : value == config_.deny_redirect[i].value;
      if (holds) return true;
    }
    return false;
  }

  /// Logged in: the backend sees the tokens themselves, and nothing of how we keep them.
  void go_on(Call& call, const Tokens& tokens) const {
    http::Fields& fields = call.request.fields;
    http::remove_cookies(fields, call.arena, [this](const http::Cookie& one) {
      return is_session_cookie(config_, one.name) || is_flow_cookie(config_, one.name);
    });
    if (!tokens.access.empty())
      http::add_cookie(fields, call.arena, config_.cookies.access_token, tokens.access);
    if (!tokens.id.empty())
      http::add_cookie(fields, call.arena, config_.cookies.id_token, tokens.id);
    if (!config_.forward_access_token || tokens.access.empty()) return;
    http::add_cookie(fields, call.arena, "BearerToken", tokens.access);
    fields.append("authorization", call.arena.join("Bearer ", tokens.access));
  }

  static Verdict redirect(Call& call, std::string_view url, const std::vector<std::string>& cookies,
                          std::string_view details) {
    call.reply = Reply{302, {}, {}, "-", details};
    call.reply.fields.append("location", call.arena.copy(url));
    for (const std::string& one : cookies)
      call.reply.fields.append("set-cookie", call.arena.copy(one));
    return Verdict::kReply;
  }

  Verdict deny(Call& call, std::string_view details, std::string_view flow) const {
    call.stats.oauth2.oauth_failure.add();
    log::debug(log::Component::kOauth2, "401 for {}{}: {}", call.request.authority,
               call.request.path_only(), details);
    call.reply = Reply{401, {}, kFailed, "-", call.arena.copy(details)};
    if (!flow.empty()) {
      for (const std::string& one : delete_flow(config_, flow))
        call.reply.fields.append("set-cookie", call.arena.copy(one));
    }
    return Verdict::kReply;
  }

  Verdict log_in(Call& call, const Endpoints& to) const {
    call.stats.oauth2.oauth_unauthorized_rq.add();
    const std::string here = site_of(call).append(call.request.path);
    const Flow flow = new_flow(config_, here);
    std::string url = to.authorization;
    add_parameter(url, "client_id", config_.client_id);
    add_parameter(url, "code_challenge", jose::encode_base64url(sha256(flow.verifier)));
    add_parameter(url, "code_challenge_method", "S256");
    add_parameter(url, "redirect_uri", redirect_uri(call));
    add_parameter(url, "response_type", "code");
    add_parameter(url, "scope", fmt::format("{}", fmt::join(config_.scopes, " ")));
    add_parameter(url, "state", flow.state);
    return redirect(call, url, flow_cookies(config_, flow), "oauth.missing_credentials");
  }

  Verdict log_out(Call& call, const Endpoints& to) const {
    const std::string home = site_of(call) + '/';
    std::string url = home;
    if (!to.end_session.empty()) {
      const Session session =
          read_session(config_, call.request.fields, call.request.authority, now());
      url = to.end_session;
      add_parameter(url, "id_token_hint", session.tokens.id);
      add_parameter(url, "client_id", config_.client_id);
      add_parameter(url, "post_logout_redirect_uri", home);
    }
    return redirect(call, url, delete_all(config_, call.request.fields), "oauth.sign_out");
  }

  /// The browser comes from the provider with a code.
  Task<Verdict> come_back(Call& call, const Endpoints& to) const {
    std::string state;
    std::string code;
    const std::string_view query = call.request.query();
    const bool has_state = http::query_parameter(query, "state", state);
    const Returned back = has_state ? read_flow(config_, call.request.fields, state) : Returned();
    std::string error;
    if (http::query_parameter(query, "error", error))
      co_return deny(call, "OAuth server returned an error", back.flow);
    if (!has_state || !http::query_parameter(query, "code", code) || code.empty())
      co_return deny(call, "Code or state query param does not exist", back.flow);
    const Session session =
        read_session(config_, call.request.fields, call.request.authority, now());
    if (back.flow.empty() || (!session.valid && !back.problem.empty()))
      co_return deny(call, back.problem, back.flow);
    const std::optional<HttpUri> there = uri_of(back.url, "");
    if (!there || ours(std::string_view(there->path).substr(0, there->path.find('?'))))
      co_return deny(call, "State url leads back to the redirect path", back.flow);
    // Another page of the same site has logged in meanwhile.
    if (session.valid)
      co_return redirect(call, back.url, delete_flow(config_, back.flow), "oauth.race_redirect");

    std::string form;
    add_form(form, "grant_type", "authorization_code");
    add_form(form, "code", code);
    add_form(form, "client_id", config_.client_id);
    add_form(form, "client_secret", config_.client_secret.reveal());
    add_form(form, "redirect_uri", redirect_uri(call));
    add_form(form, "code_verifier", back.verifier);
    const TokenAnswer answer = co_await ask_for_tokens(call, to, std::move(form));
    if (!answer.problem.empty()) co_return deny(call, answer.problem, back.flow);
    call.stats.oauth2.oauth_success.add();
    const Tokens tokens = allowed(answer.tokens, Tokens());
    std::vector<std::string> cookies =
        session_cookies(config_, tokens, call.request.authority, now());
    for (std::string& one : delete_flow(config_, back.flow)) cookies.push_back(std::move(one));
    co_return redirect(call, back.url, cookies, "oauth.logged_in");
  }

  /// New tokens for the old refresh token; the request goes on with them.
  Task<bool> refresh(Call& call, const Endpoints& to, std::string token) const {
    std::string form;
    add_form(form, "grant_type", "refresh_token");
    add_form(form, "refresh_token", token);
    add_form(form, "client_id", config_.client_id);
    add_form(form, "client_secret", config_.client_secret.reveal());
    const TokenAnswer answer = co_await ask_for_tokens(call, to, std::move(form));
    if (!answer.problem.empty()) {
      call.stats.oauth2.oauth_refreshtoken_failure.add();
      log::debug(log::Component::kOauth2, "refresh failed: {}", answer.problem);
      co_return false;
    }
    call.stats.oauth2.oauth_refreshtoken_success.add();
    call.stats.oauth2.oauth_success.add();
    Tokens old;
    old.refresh = std::move(token);
    const Tokens tokens = allowed(answer.tokens, std::move(old));
    call.state<Refreshed>(*this).cookies =
        session_cookies(config_, tokens, call.request.authority, now());
    go_on(call, tokens);
    co_return true;
  }

  /// Without the tokens whose cookies are switched off; a provider that gives no new refresh token
  /// means the old one.
  Tokens allowed(Tokens tokens, Tokens old) const {
    if (tokens.refresh.empty()) tokens.refresh = std::move(old.refresh);
    if (!config_.access_token_cookie) tokens.access.clear();
    if (!config_.id_token_cookie) tokens.id.clear();
    if (!config_.refresh_token_cookie) tokens.refresh.clear();
    return tokens;
  }

  Task<TokenAnswer> ask_for_tokens(Call& call, const Endpoints& to, std::string form) const {
    http::RequestHead head;
    head.method = "POST";
    head.scheme = to.token.scheme;
    head.authority = to.token.authority;
    head.path = to.token.path;
    head.body = {http::BodyLength::Kind::kExact, form.size()};
    head.fields.append("content-type", "application/x-www-form-urlencoded");
    head.fields.append("accept", "application/json");
    rpc::CallOptions options;
    options.timeout = kTokenTimeout;
    options.answer_max = kTokenAnswerMax;
    const rpc::Answer answer =
        co_await rpc::call(call.clusters, to.token.cluster, head, form, options, call.arena);
    if (!answer.whole || answer.status != 200) {
      TokenAnswer out;
      out.problem = answer.whole ? fmt::format("the token endpoint answered {}", answer.status)
                                 : std::string("the token endpoint did not answer");
      log::warning(log::Component::kOauth2, "{}://{} (cluster {}): {}", to.token.scheme,
                   to.token.authority, to.token.cluster, out.problem);
      co_return out;
    }
    co_return read_token_answer(answer.body, now());
  }

  OAuth2 config_;
  bool openid_ = false;
  format::Format redirect_uri_;
  std::shared_ptr<Discovery> discovery_;                // null: everything is configured
  std::vector<std::unique_ptr<re2::RE2>> expressions_;  // of deny_redirect; null: exact
};

}  // namespace

FilterPtr compile(const OAuth2& from, const CompileContext& context) {
  return std::make_shared<OAuth2Filter>(from, context.kept);
}

}  // namespace tidegate::proxy::filters
