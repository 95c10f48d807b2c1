#include "proxy/exchange/internal_redirect.h"

#include <algorithm>

#include "base/url.h"
#include "proxy/exchange/routing.h"
#include "proxy/http/characters.h"

namespace tidegate::proxy::exchange {
namespace {

constexpr std::uint64_t kBodyMax = 1024UL * 1024;  // bytes; Envoy's default of what it keeps

/// The answer's fields go into the request, or, where it has none of the name, the request's go.
void copy_field(const std::string& name, const http::ResponseHead& answer,
                http::RequestHead& request) {
  if (http::frames_message(name) || name == "host") return;
  request.fields.remove(name);
  for (const http::Field& field : answer.fields) {
    if (http::iequals(field.name, name)) request.fields.append(name, field.value);
  }
}

void own(http::RequestHead& request, Arena& arena) {
  for (std::string_view* text :
       {&request.method, &request.scheme, &request.authority, &request.path, &request.upgrade})
    *text = arena.copy(*text);
  request.fields.own(arena);
}

}  // namespace

bool Redirects::follow(const Context& context, const Rule& rule, http::RequestHead& request,
                       const http::ResponseHead& answer, const http::Chunk* body,
                       ClusterStats& counted) {
  const InternalRedirect& policy = *rule.internal_redirect;
  const std::vector<int>& statuses = policy.statuses;
  if (std::find(statuses.begin(), statuses.end(), answer.status) == statuses.end()) return false;
  const std::string_view location = answer.fields.get("location");
  const std::optional<Url> url = parse_url(location);
  Counter* why = nullptr;
  http::RequestHead next = request;
  if (!body || location.data() == nullptr || !request.upgrade.empty()) {
    counted.upstream_internal_redirect_failed_total.add();
    return false;
  }
  if (!url || !http::valid_authority(url->authority) || !http::valid_path(url->path)) {
    why = &context.stats.passthrough_internal_redirect_bad_location;
  } else if (url->scheme != request.scheme && !policy.cross_scheme) {
    why = &context.stats.passthrough_internal_redirect_unsafe_scheme;
  } else if (state_ && state_->followed >= policy.redirects_max) {
    why = &context.stats.passthrough_internal_redirect_too_many_redirects;
  } else {
    for (const std::string& name : policy.copied_fields) copy_field(name, answer, next);
    next.scheme = url->scheme;
    next.authority = url->authority;
    next.path = url->path;
    if (!look_for_rule(context, next).plan)
      why = &context.stats.passthrough_internal_redirect_no_route;
  }
  if (why) {
    why->add();
    counted.upstream_internal_redirect_failed_total.add();
    return false;
  }
  if (!state_) state_ = std::make_unique<State>();
  const std::string_view original =
      state_->arena.join(request.scheme, "://", request.authority, request.path);
  next.fields.set("x-envoy-original-url", original);
  std::string bytes(body->bytes.data(), body->bytes.size());
  // RFC 9110 section 15.4.4: the answer is to be got from there.
  if (answer.status == 303 && request.method != "GET" && request.method != "HEAD") {
    next.method = "GET";
    next.body = {};
    bytes.clear();
  }
  own(next, state_->arena);
  request = next;
  state_->bodies.push_back(std::make_unique<filters::KeptBody>(std::move(bytes)));
  ++state_->followed;
  again_ = true;
  counted.upstream_internal_redirect_succeeded_total.add();
  return true;
}

Task<void> keep_body(filters::Call& call) {
  const http::BodyLength& length = call.request.body;
  if (length.kind != http::BodyLength::Kind::kExact || length.bytes > kBodyMax) co_return;
  co_await call.gather_request(length.bytes);  // what is wrong with it will be seen again
}

}  // namespace tidegate::proxy::exchange
