#include "config/kinds/kgateway/traffic_limits.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(RateLimit::Entry::Type) {
  static const std::vector<std::string_view> names{"Generic", "Header", "RemoteAddress", "Path"};
  return names;
}
static const std::vector<std::string_view>& enum_names(CompressionLibrary) {
  static const std::vector<std::string_view> names{"Gzip", "Brotli", "Zstd"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<RateLimit::TokenBucket>() {
  using B = RateLimit::TokenBucket;
  static const Description description =
      Fields<B>()
          .required<&B::max_tokens>("maxTokens", Bounds().at_least(1))
          .field<&B::tokens_per_fill>("tokensPerFill", Bounds().at_least(1))
          .required<&B::fill_interval>("fillInterval", Bounds().at_least(50));
  return description;
}

template <>
const Description& description<RateLimit::Local>() {
  using L = RateLimit::Local;
  static const Description description =
      Fields<L>()
          .field<&L::token_bucket>("tokenBucket", Bounds().doc("absent: no local limit here"))
          .field<&L::percent_enabled>("percentEnabled", percent())
          .field<&L::percent_enforced>("percentEnforced", percent());
  return description;
}

template <>
const Description& description<RateLimit::Entry::Generic>() {
  using G = RateLimit::Entry::Generic;
  static const Description description =
      Fields<G>()
          .required<&G::key>("key", Bounds().length(1, SIZE_MAX))
          .required<&G::value>("value", Bounds().length(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<RateLimit::Entry>() {
  using E = RateLimit::Entry;
  static const Description description =
      Fields<E>()
          .required<&E::type>("type")
          .field<&E::generic>("generic")
          .field<&E::header>("header", Bounds().length(1, SIZE_MAX))
          .rule("exactly one entry type must be specified", [](const E& e) {
            return e.generic.has_value() == (e.type == E::Type::kGeneric) &&
                   e.header.has_value() == (e.type == E::Type::kHeader);
          });
  return description;
}

template <>
const Description& description<RateLimit::Descriptor>() {
  using D = RateLimit::Descriptor;
  static const Description description =
      Fields<D>().required<&D::entries>("entries", Bounds().items(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<RateLimit::Global>() {
  using G = RateLimit::Global;
  static const Description description =
      Fields<G>()
          .required<&G::descriptors>("descriptors", Bounds().items(1, SIZE_MAX))
          .required<&G::extension_ref>("extensionRef");
  return description;
}

template <>
const Description& description<RateLimit>() {
  using R = RateLimit;
  static const Description description =
      Fields<R>().field<&R::local>("local").field<&R::global>("global");
  return description;
}

template <>
const Description& description<Buffer>() {
  using B = Buffer;
  static const Description description = [] {
    Fields<B> f;
    f.field<&B::max_request_size>("maxRequestSize",
                                  Bounds().range(1, 4'294'967'295).doc("bytes; more gets 413"))
        .field<&B::disable>("disable");
    exactly_one<&B::max_request_size, &B::disable>(f, "maxRequestSize disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<Compression::Coding>() {
  using C = Compression::Coding;
  static const Description description =
      Fields<C>()
          .field<&C::libraries>("libraries", Bounds().items(1, 3).doc("absent: Gzip"))
          .field<&C::disable>("disable")
          .rule_at("libraries", "libraries must not contain duplicates", [](const C& c) {
            for (auto a = c.libraries.begin(); a != c.libraries.end(); ++a) {
              if (std::find(c.libraries.begin(), a, *a) != a) return false;
            }
            return true;
          });
  return description;
}

template <>
const Description& description<Compression>() {
  using C = Compression;
  static const Description description = [] {
    Fields<C> f;
    f.field<&C::response_compression>("responseCompression")
        .field<&C::request_decompression>("requestDecompression");
    at_least_one<&C::response_compression, &C::request_decompression>(
        f, "responseCompression requestDecompression");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
