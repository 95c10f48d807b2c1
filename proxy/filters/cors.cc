#include <fmt/format.h>

#include <algorithm>

#include "proxy/filters/chain.h"

/// Cross-origin resource sharing. Source: Fetch standard, "HTTP CORS protocol"; GEP-1767.
namespace tidegate::proxy::filters {
namespace {

/// Exact, "*", or a wildcard that stands for some labels of the host: "https://*.example.com".
bool matches(std::string_view pattern, std::string_view origin) {
  if (pattern == "*") return true;
  auto star = pattern.find('*');
  if (star == pattern.npos) return http::iequals(pattern, origin);
  std::string_view before = pattern.substr(0, star);
  std::string_view after = pattern.substr(star + 1);
  return origin.size() > before.size() + after.size() &&
         http::iequals(origin.substr(0, before.size()), before) &&
         http::iequals(origin.substr(origin.size() - after.size()), after);
}

bool has_wildcard(const std::vector<std::string>& list) {
  for (const std::string& one : list) {
    if (one == "*") return true;
  }
  return false;
}

std::string_view joined(const std::vector<std::string>& list, Arena& arena) {
  std::string text = fmt::format("{}", fmt::join(list, ", "));
  return arena.copy(text);
}

bool allows(const Cors& cors, std::string_view origin) {
  return std::any_of(cors.allow_origins.begin(), cors.allow_origins.end(),
                     [origin](const std::string& pattern) { return matches(pattern, origin); });
}

/// Writes Access-Control-Allow-Origin and -Credentials; false where the origin is not allowed.
bool allow_origin(const Cors& cors, std::string_view origin, http::ResponseHead& head) {
  for (const std::string& pattern : cors.allow_origins) {
    if (!matches(pattern, origin)) continue;
    bool any = pattern == "*" && !cors.allow_credentials;
    head.fields.set("access-control-allow-origin", any ? std::string_view("*") : origin);
    if (!any) head.fields.add("vary", "Origin");
    if (cors.allow_credentials) head.fields.set("access-control-allow-credentials", "true");
    return true;
  }
  return false;
}

void expose(const Cors& cors, http::ResponseHead& head, Arena& arena) {
  if (cors.expose_headers.empty()) return;
  if (!has_wildcard(cors.expose_headers)) {
    head.fields.set("access-control-expose-headers", joined(cors.expose_headers, arena));
  } else if (!cors.allow_credentials) {
    head.fields.set("access-control-expose-headers", "*");
  }
}

/// OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const http::RequestHead& request) {
  return request.method == "OPTIONS" && request.fields.has("origin") &&
         request.fields.has("access-control-request-method");
}

/// The fields of a preflight's answer; none where the origin is not allowed.
void answer_preflight(const Cors& cors, const http::RequestHead& request, http::ResponseHead& head,
                      Arena& arena) {
  if (!allow_origin(cors, request.fields.get("origin"), head)) return;
  // "*" is a name like any other in a credentialed answer, so there what was asked for is given.
  std::string_view methods = request.fields.get("access-control-request-method");
  if (!has_wildcard(cors.allow_methods)) {
    methods = joined(cors.allow_methods, arena);
  } else if (!cors.allow_credentials) {
    methods = "*";
  }
  if (!methods.empty()) head.fields.set("access-control-allow-methods", methods);
  std::string_view names = request.fields.get("access-control-request-headers");
  if (!has_wildcard(cors.allow_headers)) {
    names = joined(cors.allow_headers, arena);
  } else if (!cors.allow_credentials) {
    names = "*";
  }
  if (!names.empty()) head.fields.set("access-control-allow-headers", names);
  expose(cors, head,
         arena);  // of no use to a preflight, but Envoy and the conformance suite have it there
  head.fields.set("access-control-max-age", arena.copy(std::to_string(cors.max_age.count())));
}

/// What an actual response gets: the backend's own CORS fields are replaced.
void add_cors_fields(const Cors& cors, const http::RequestHead& request, http::ResponseHead& head,
                     Arena& arena) {
  std::string_view origin = request.fields.get("origin");
  if (origin.data() == nullptr) return;
  for (std::string_view name : {"access-control-allow-origin", "access-control-allow-credentials",
                                "access-control-expose-headers"}) {
    head.fields.remove(name);
  }
  if (allow_origin(cors, origin, head)) expose(cors, head, arena);
}

class CorsFilter final : public Filter {
 public:
  explicit CorsFilter(Cors config) : config_(std::move(config)) {}
  Verdict request(Call& call) const override {
    if (const std::string_view origin = call.request.fields.get("origin"); !origin.empty()) {
      FilterStats::Cors& counted = call.stats.cors;
      (allows(config_, origin) ? counted.origin_valid : counted.origin_invalid).add();
    }
    if (!is_preflight(call.request)) return Verdict::kContinue;
    http::ResponseHead head;
    answer_preflight(config_, call.request, head, call.arena);
    call.reply = Reply{204, std::move(head.fields), {}};
    return Verdict::kReply;
  }
  Verdict response(Call& call, http::ResponseHead& head) const override {
    if (!is_preflight(call.request)) add_cors_fields(config_, call.request, head, call.arena);
    return Verdict::kContinue;
  }

 private:
  Cors config_;
};

}  // namespace

FilterPtr compile(const Cors& from, const CompileContext&) {
  return std::make_shared<CorsFilter>(from);
}

}  // namespace tidegate::proxy::filters
