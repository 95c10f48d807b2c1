#include "config/kinds/kgateway/jwt.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(JwtProviders::Mode) {
  static const std::vector<std::string_view> names{"Strict", "AllowMissing"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

static Bounds text() { return Bounds().length(1, 2048); }

template <>
const Description& description<ClaimToHeader>() {
  using C = ClaimToHeader;
  static const Description description =
      Fields<C>().required<&C::name>("name", text()).required<&C::header>("header", text());
  return description;
}

template <>
const Description& description<Jwks::Local>() {
  using L = Jwks::Local;
  static const Description description = [] {
    Fields<L> f;
    f.field<&L::inline_>("inline", Bounds().length(1, 16384).doc("a key set, a key or PEM"))
        .field<&L::config_map_ref>("configMapRef", Bounds().doc("its key \"jwks\""));
    exactly_one<&L::inline_, &L::config_map_ref>(f, "inline configMapRef");
    return f;
  }();
  return description;
}

template <>
const Description& description<Jwks::AsyncFetch>() {
  using A = Jwks::AsyncFetch;
  static const Description description =
      Fields<A>()
          .field<&A::fast_listener>("fastListener",
                                    Bounds().no_effect("no listener waits for keys: requests do"))
          .field<&A::failed_refetch_duration>("failedRefetchDuration",
                                              positive_duration().doc("absent: 1s"));
  return description;
}

template <>
const Description& description<Jwks::Backoff>() {
  using B = Jwks::Backoff;
  static const Description description =
      Fields<B>()
          .required<&B::base_interval>("baseInterval", positive_duration())
          .field<&B::max_interval>("maxInterval",
                                   positive_duration().doc("absent: ten times the base"))
          .rule("maxInterval must be greater than or equal to baseInterval",
                [](const B& b) { return !b.max_interval || *b.max_interval >= b.base_interval; });
  return description;
}

template <>
const Description& description<Jwks::Retry>() {
  using R = Jwks::Retry;
  static const Description description =
      Fields<R>()
          .field<&R::num_retries>("numRetries", Bounds().at_least(1))
          .field<&R::back_off>("backOff", Bounds().doc("absent: from 1s"));
  return description;
}

template <>
const Description& description<Jwks::Remote>() {
  using R = Jwks::Remote;
  static const Description description =
      Fields<R>()
          .required<&R::url>("url", text())
          .required<&R::backend_ref>("backendRef")
          .field<&R::cache_duration>("cacheDuration", positive_duration().doc("absent: 5m"))
          .field<&R::async_fetch>("asyncFetch")
          .field<&R::retry_policy>("retryPolicy");
  return description;
}

template <>
const Description& description<Jwks>() {
  static const Description description = [] {
    Fields<Jwks> f;
    f.field<&Jwks::local>("local").field<&Jwks::remote>("remote");
    exactly_one<&Jwks::local, &Jwks::remote>(f, "local remote");
    return f;
  }();
  return description;
}

template <>
const Description& description<JwtProvider::HeaderSource>() {
  using H = JwtProvider::HeaderSource;
  static const Description description =
      Fields<H>().required<&H::header>("header", text()).field<&H::prefix>("prefix", text());
  return description;
}

template <>
const Description& description<JwtProvider::TokenSource>() {
  using T = JwtProvider::TokenSource;
  static const Description description = [] {
    Fields<T> f;
    f.field<&T::header>("header").field<&T::query_parameter>("queryParameter");
    exactly_one<&T::header, &T::query_parameter>(f, "header queryParameter");
    return f;
  }();
  return description;
}

template <>
const Description& description<JwtProvider>() {
  using P = JwtProvider;
  static const Description description =
      Fields<P>()
          .required<&P::name>("name", name_bounds())
          .field<&P::issuer>("issuer", Bounds().length(0, 2048))
          .field<&P::audiences>("audiences", Bounds().items(1, 32))
          .field<&P::token_source>("tokenSource",
                                   Bounds().doc("absent: the Bearer token, then access_token"))
          .field<&P::claims_to_headers>("claimsToHeaders", Bounds().items(1, 32))
          .required<&P::jwks>("jwks")
          .field<&P::forward_token>("forwardToken");
  return description;
}

template <>
const Description& description<JwtProviders>() {
  using P = JwtProviders;
  static const Description description =
      Fields<P>()
          .field<&P::validation_mode>("validationMode")
          .field<&P::providers>("providers", Bounds().items(0, 32))
          .rule_at("providers", "names must be unique",
                   [](const P& p) { return keys_differ<&JwtProvider::name>(p.providers); });
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
