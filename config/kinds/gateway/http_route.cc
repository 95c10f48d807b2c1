#include "config/kinds/gateway/http_route.h"

#include "config/kinds/gateway/filter_rules.h"
#include "config/kinds/gateway/http_route_parts.h"

namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(PathMatchType) {
  static const std::vector<std::string_view> names{"Exact", "PathPrefix", "RegularExpression"};
  return names;
}
const std::vector<std::string_view>& enum_names(ValueMatchType) {
  static const std::vector<std::string_view> names{"Exact", "RegularExpression"};
  return names;
}

namespace {

constexpr std::size_t kMatchesMax = 128;  // of all rules of a route

/// Whether a filter replaces the matched prefix, so that there must be exactly one PathPrefix
/// match.
bool replaces_prefix(const std::optional<HttpPathModifier>& path) {
  return path && path->type == HttpPathModifier::Type::kReplacePrefixMatch &&
         path->replace_prefix_match;
}
bool redirects_prefix(const std::vector<HttpRouteFilter>& filters) {
  return std::any_of(filters.begin(), filters.end(), [](const HttpRouteFilter& f) {
    return f.request_redirect && replaces_prefix(f.request_redirect->path);
  });
}
bool rewrites_prefix(const std::vector<HttpRouteFilter>& filters) {
  return std::any_of(filters.begin(), filters.end(), [](const HttpRouteFilter& f) {
    return f.url_rewrite && replaces_prefix(f.url_rewrite->path);
  });
}
bool matches_one_prefix(const HttpRouteRule& rule) {
  return rule.matches.size() == 1 && rule.matches[0].path.type == PathMatchType::kPathPrefix;
}
bool names_are_unique(const std::vector<HttpValueMatch>& matches) {
  for (auto a = matches.begin(); a != matches.end(); ++a) {
    for (auto b = matches.begin(); b != a; ++b) {
      if (a->name == b->name) return false;
    }
  }
  return true;
}

/// The rules of a list of filters, of a rule or of a backend.
template <class T>
void add_http_filters(fields::Fields<T>& f) {
  using Type = HttpFilterType;
  f.template field<&T::filters>("filters", fields::Bounds().items(0, 16));
  f.rule_at("filters",
            "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
            "but not both",
            [](const T& t) {
              const auto has = [&](Type type) {
                return std::any_of(
                    t.filters.begin(), t.filters.end(),
                    [&](const HttpRouteFilter& filter) { return filter.type == type; });
              };
              return !has(Type::kRequestRedirect) || !has(Type::kUrlRewrite);
            });
  f.rule_at("filters", "CORS filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kCors>(t.filters); });
  f.rule_at("filters", "RequestHeaderModifier filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kRequestHeaderModifier>(t.filters); });
  f.rule_at("filters", "ResponseHeaderModifier filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kResponseHeaderModifier>(t.filters); });
  f.rule_at("filters", "RequestRedirect filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kRequestRedirect>(t.filters); });
  f.rule_at("filters", "URLRewrite filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kUrlRewrite>(t.filters); });
}

template <char... Text>
bool lacks(const HttpPathMatch& match) {
  constexpr char text[] = {Text..., '\0'};
  return match.type == PathMatchType::kRegularExpression ||
         match.value.find(text) == std::string::npos;
}
template <char... Text>
bool ends_otherwise(const HttpPathMatch& match) {
  constexpr char text[] = {Text..., '\0'};
  return match.type == PathMatchType::kRegularExpression || !match.value.ends_with(text);
}

}  // namespace

namespace fields {

template <>
const Description& description<HttpPathMatch>() {
  using P = HttpPathMatch;
  static const Description description = [] {
    const std::string plain = " when type one of ['Exact', 'PathPrefix']";
    Fields<P> f;
    f.field<&P::type>("type");
    f.field<&P::value>("value", Bounds().length(0, 1024));
    f.rule("value must be an absolute path and start with '/'" + plain, [](const P& p) {
      return p.type == PathMatchType::kRegularExpression || p.value.starts_with('/');
    });
    f.rule("must not contain '//'" + plain, lacks<'/', '/'>);
    f.rule("must not contain '/./'" + plain, lacks<'/', '.', '/'>);
    f.rule("must not contain '/../'" + plain, lacks<'/', '.', '.', '/'>);
    f.rule("must not contain '%2f'" + plain, lacks<'%', '2', 'f'>);
    f.rule("must not contain '%2F'" + plain, lacks<'%', '2', 'F'>);
    f.rule("must not contain '#'" + plain, lacks<'#'>);
    f.rule("must not end with '/..'" + plain, ends_otherwise<'/', '.', '.'>);
    f.rule("must not end with '/.'" + plain, ends_otherwise<'/', '.'>);
    f.rule(
        "must only contain valid characters (matching "
        "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', "
        "'PathPrefix']",
        [](const P& p) {
          return p.type == PathMatchType::kRegularExpression || kPathCharacters.matches(p.value);
        });
    return f;
  }();
  return description;
}

template <>
const Description& description<HttpValueMatch>() {
  using M = HttpValueMatch;
  static const Description description =
      Fields<M>()
          .field<&M::type>("type")
          .required<&M::name>("name", Bounds().length(1, 256).pattern(kHeaderName))
          .required<&M::value>("value", Bounds().length(1, 4096));
  return description;
}

template <>
const Description& description<HttpRouteMatch>() {
  using M = HttpRouteMatch;
  static const Description description =
      Fields<M>()
          .field<&M::path>("path")
          .field<&M::headers>("headers", Bounds().items(0, 16))
          .field<&M::query_params>("queryParams", Bounds().items(0, 16))
          .field<&M::method>("method", Bounds().one_of({"GET", "HEAD", "POST", "PUT", "DELETE",
                                                        "CONNECT", "OPTIONS", "TRACE", "PATCH"}))
          .rule_at("headers", "names must be unique",
                   [](const M& m) { return names_are_unique(m.headers); })
          .rule_at("headers", "value should match '^[!-~]+([\\t ]?[!-~]+)*$'",
                   [](const M& m) {
                     return std::all_of(
                         m.headers.begin(), m.headers.end(),
                         [](const HttpValueMatch& h) { return kHeaderValue.matches(h.value); });
                   })
          .rule_at("queryParams", "names must be unique",
                   [](const M& m) { return names_are_unique(m.query_params); })
          .rule_at("queryParams", "value may not be more than 1024 bytes", [](const M& m) {
            return std::all_of(m.query_params.begin(), m.query_params.end(),
                               [](const HttpValueMatch& q) { return q.value.size() <= 1024; });
          });
  return description;
}

template <>
const Description& description<HttpBackendRef>() {
  static const Description description = [] {
    Fields<HttpBackendRef> f;
    add_backend_ref(f);
    f.field<&HttpBackendRef::weight>("weight", Bounds().range(0, 1'000'000));
    add_http_filters(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<HttpRouteTimeouts>() {
  using T = HttpRouteTimeouts;
  static const Description description =
      Fields<T>()
          .field<&T::request>("request")
          .field<&T::backend_request>("backendRequest")
          .rule("backendRequest timeout cannot be longer than request timeout", [](const T& t) {
            return !t.request || !t.backend_request || t.request->count() == 0 ||
                   *t.backend_request <= *t.request;
          });
  return description;
}

static bool are_distinct(const std::vector<int>& codes) {
  for (auto a = codes.begin(); a != codes.end(); ++a) {
    if (std::find(codes.begin(), a, *a) != a) return false;
  }
  return true;
}

template <>
const Description& description<HttpRouteRetry>() {
  using R = HttpRouteRetry;
  static const Description description =
      Fields<R>()
          .field<&R::codes>("codes", Bounds().range(400, 599))
          .field<&R::attempts>("attempts", Bounds().at_least(1))
          .field<&R::backoff>("backoff")
          .rule_at("codes", "must be unique", [](const R& r) { return are_distinct(r.codes); });
  return description;
}

template <>
const Description& description<HttpRouteRule>() {
  using R = HttpRouteRule;
  static const Description description = [] {
    Fields<R> f;
    f.field<&R::name>("name", section_bounds());
    f.field<&R::matches>("matches", Bounds().items(0, 64));
    add_http_filters(f);
    f.field<&R::backend_refs>("backendRefs", Bounds().items(0, 16));
    f.field<&R::timeouts>("timeouts");
    f.field<&R::retry>("retry");
    f.field<&R::session_persistence>("sessionPersistence");
    f.finish([](R& rule) {
      if (rule.matches.empty()) rule.matches.emplace_back();
    });
    f.rule("RequestRedirect filter must not be used together with backendRefs", [](const R& r) {
      return r.backend_refs.empty() ||
             std::none_of(r.filters.begin(), r.filters.end(), [](const HttpRouteFilter& filter) {
               return filter.request_redirect.has_value();
             });
    });
    f.rule(
        "When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix "
        "match must be specified",
        [](const R& r) { return !redirects_prefix(r.filters) || matches_one_prefix(r); });
    f.rule(
        "When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match "
        "must be specified",
        [](const R& r) { return !rewrites_prefix(r.filters) || matches_one_prefix(r); });
    f.rule(
        "Within backendRefs, when using RequestRedirect or URLRewrite filter with "
        "path.replacePrefixMatch, exactly one PathPrefix match must be specified",
        [](const R& r) {
          return matches_one_prefix(r) || std::none_of(r.backend_refs.begin(), r.backend_refs.end(),
                                                       [](const HttpBackendRef& b) {
                                                         return redirects_prefix(b.filters) ||
                                                                rewrites_prefix(b.filters);
                                                       });
        });
    return f;
  }();
  return description;
}

template <>
const Description& description<HttpRoute>() {
  using R = HttpRoute;
  static const Description description = [] {
    Fields<R> f;
    add_parent_refs(f);
    f.field<&R::hostnames>("hostnames", hostname_bounds().items(0, 16));
    f.field<&R::rules>("rules", Bounds().items(1, 16));
    f.rule_at("rules",
              "While 16 rules and 64 matches per rule are allowed, the total number of matches "
              "across all rules in a route must be less than 128",
              [](const R& route) {
                std::size_t matches = 0;
                for (const HttpRouteRule& rule : route.rules) matches += rule.matches.size();
                return matches <= kMatchesMax;
              });
    f.rule_at("rules", "Rule name must be unique within the route",
              [](const R& route) { return rule_names_are_unique(route.rules); });
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
