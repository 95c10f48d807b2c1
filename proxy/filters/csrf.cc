#include <algorithm>

#include "proxy/filters/chain.h"
#include "proxy/filters/text_matcher.h"
#include "proxy/snapshot/auth_filters.h"

/// Cross-site request forgery: the page that sends a request that changes something must be of the
/// host that it goes to. Source: Envoy's csrf filter.
namespace tidegate::proxy::filters {
namespace {

bool changes_something(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "DELETE" || method == "PATCH";
}

/// Host and port of a URL; what is no URL as it stands.
std::string_view host_and_port(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return url;
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const std::size_t user = url.rfind('@');
  return user == url.npos ? url : url.substr(user + 1);
}

/// Where the request comes from: Origin, else Referer. Empty: it does not say.
std::string_view source(const http::RequestHead& request) {
  const std::string_view origin = request.fields.get("origin");
  // "null" is what a browser says of a page without an origin, so it is one that is not ours.
  if (!origin.empty()) return host_and_port(origin);
  return host_and_port(request.fields.get("referer"));
}

class CsrfFilter final : public Filter {
 public:
  explicit CsrfFilter(const Csrf& config)
      : enabled_percent_(config.enabled_percent), shadow_percent_(config.shadow_percent) {
    for (const TextMatch& one : config.allowed_origins) allowed_.emplace_back(one);
  }

  Verdict request(Call& call) const override {
    if (!changes_something(call.request.method)) return Verdict::kContinue;
    const bool enforced = chosen(call, enabled_percent_);
    if (!enforced && !chosen(call, shadow_percent_)) return Verdict::kContinue;
    const std::string_view from = source(call.request);
    if (from.empty()) {
      call.stats.csrf.missing_source_origin.add();
    } else if (allowed(call, from)) {
      call.stats.csrf.request_valid.add();
      return Verdict::kContinue;
    } else {
      call.stats.csrf.request_invalid.add();
    }
    if (!enforced) return Verdict::kContinue;
    call.reply = Reply{403, {}, "Invalid origin", "-", "csrf_origin_mismatch"};
    return Verdict::kReply;
  }

 private:
  static bool chosen(Call& call, std::uint32_t percent) {
    return percent >= 100 || (percent > 0 && call.loop.random.below(100) < percent);
  }
  bool allowed(const Call& call, std::string_view from) const {
    return http::iequals(from, call.request.authority) ||
           std::any_of(allowed_.begin(), allowed_.end(),
                       [from](const TextMatcher& one) { return one.matches(from); });
  }

  std::uint32_t enabled_percent_;
  std::uint32_t shadow_percent_;
  std::vector<TextMatcher> allowed_;
};

}  // namespace

FilterPtr compile(const Csrf& from, const CompileContext&) {
  return std::make_shared<CsrfFilter>(from);
}

}  // namespace tidegate::proxy::filters
