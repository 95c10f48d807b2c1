#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/fields.h"
#include "proxy/snapshot/auth_filters.h"

/// What the browser keeps of a log-in, as cookies. Pure: the time is a parameter.
namespace tidegate::proxy::filters {

using Seconds = std::chrono::seconds;

/// The tokens of one user.
struct Tokens {
  std::string access, id, refresh;
  Seconds expires{};  // since 1970
};

/// What came out of the request's cookies. Tokens are there only where we sealed them.
struct Session {
  Tokens tokens;
  bool valid = false;  // signed by us for this host, and not over
};
Session read_session(const OAuth2& config, const http::Fields& fields, std::string_view host,
                     Seconds now);

/// The Set-Cookie values of a log-in. Tokens whose cookie is switched off must be empty already.
std::vector<std::string> session_cookies(const OAuth2& config, const Tokens& tokens,
                                         std::string_view host, Seconds now);

/// A log-in that is under way: what is sent to the provider and what the browser keeps until it
/// comes back.
struct Flow {
  std::string id;        // names its cookies, so that several can be under way
  std::string state;     // query parameter: where to go afterwards, and the CSRF token
  std::string verifier;  // PKCE
};
Flow new_flow(const OAuth2& config, std::string_view url);
std::vector<std::string> flow_cookies(const OAuth2& config, const Flow& flow);

/// A log-in that came back: `problem` says what is wrong with it.
struct Returned {
  std::string flow;  // its id, once its state is known to be ours
  std::string url;   // where to go
  std::string verifier;
  std::string problem;
};
Returned read_flow(const OAuth2& config, const http::Fields& fields, std::string_view state);

/// Set-Cookie values that delete: the flow's, or everything of ours that the request has.
std::vector<std::string> delete_flow(const OAuth2& config, std::string_view flow);
std::vector<std::string> delete_all(const OAuth2& config, const http::Fields& fields);
/// Whether a cookie is ours.
bool is_flow_cookie(const OAuth2& config, std::string_view name);
bool is_session_cookie(const OAuth2& config, std::string_view name);

/// The answer of a token endpoint. Source: RFC 6749 section 5.1.
struct TokenAnswer {
  Tokens tokens;
  std::string problem;
};
TokenAnswer read_token_answer(std::string_view body, Seconds now);

}  // namespace tidegate::proxy::filters
