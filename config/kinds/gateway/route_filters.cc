#include "config/kinds/gateway/route_filters.h"

#include "config/kinds/gateway/descriptions.h"

namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(SessionPersistence::Type) {
  static const std::vector<std::string_view> names{"Cookie", "Header"};
  return names;
}
static const std::vector<std::string_view>& enum_names(SessionPersistence::Lifetime) {
  static const std::vector<std::string_view> names{"Permanent", "Session"};
  return names;
}

namespace fields {

template <>
const Description& description<HeaderValue>() {
  static const Description description =
      Fields<HeaderValue>()
          .required<&HeaderValue::name>("name", Bounds().length(1, 256).pattern(kHeaderName))
          .required<&HeaderValue::value>("value", Bounds().length(1, 4096).pattern(kHeaderValue));
  return description;
}

static bool names_are_unique(const std::vector<HeaderValue>& headers) {
  for (auto a = headers.begin(); a != headers.end(); ++a) {
    for (auto b = headers.begin(); b != a; ++b) {
      if (a->name == b->name) return false;
    }
  }
  return true;
}

template <>
const Description& description<HeaderModifier>() {
  static const Description description =
      Fields<HeaderModifier>()
          .field<&HeaderModifier::set>("set", Bounds().items(0, 16))
          .field<&HeaderModifier::add>("add", Bounds().items(0, 16))
          .field<&HeaderModifier::remove>("remove", Bounds().items(0, 16).unique())
          .rule_at("set", "names must be unique",
                   [](const HeaderModifier& m) { return names_are_unique(m.set); })
          .rule_at("add", "names must be unique",
                   [](const HeaderModifier& m) { return names_are_unique(m.add); });
  return description;
}

template <>
const Description& description<Fraction>() {
  static const Description description =
      Fields<Fraction>()
          .required<&Fraction::numerator>("numerator", Bounds().at_least(0))
          .field<&Fraction::denominator>("denominator", Bounds().at_least(1))
          .rule("numerator must be less than or equal to denominator",
                [](const Fraction& f) { return f.numerator <= f.denominator; });
  return description;
}

template <>
const Description& description<RequestMirror>() {
  static const Description description =
      Fields<RequestMirror>()
          .required<&RequestMirror::backend_ref>("backendRef")
          .field<&RequestMirror::percent>("percent", Bounds().range(0, 100))
          .field<&RequestMirror::fraction>("fraction")
          .rule("Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
                [](const RequestMirror& m) { return !m.percent || !m.fraction; });
  return description;
}

template <>
const Description& description<SessionPersistence::CookieConfig>() {
  using C = SessionPersistence::CookieConfig;
  static const Description description = Fields<C>().field<&C::lifetime_type>("lifetimeType");
  return description;
}

template <>
const Description& description<SessionPersistence>() {
  using S = SessionPersistence;
  static const Description description =
      Fields<S>()
          .field<&S::session_name>("sessionName", Bounds().length(0, 128))
          .field<&S::type>("type")
          .field<&S::absolute_timeout>("absoluteTimeout")
          .field<&S::cookie_config>("cookieConfig")
          .rule("AbsoluteTimeout must be specified when cookie lifetimeType is Permanent",
                [](const S& s) {
                  return !s.cookie_config ||
                         s.cookie_config->lifetime_type != S::Lifetime::kPermanent ||
                         s.absolute_timeout;
                })
          .rule("cookieConfig can only be set with type Cookie",
                [](const S& s) { return !s.cookie_config || s.type == S::Type::kCookie; });
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
