#include "config/kinds/kgateway/direct_response.h"

#include "config/kinds/kgateway/descriptions.h"

namespace tidegate::config::fields {
using namespace kgateway;

template <>
const Description& description<DirectResponse>() {
  using D = DirectResponse;
  static const Description description = [] {
    Fields<D> f;
    f.required<&D::status>("status", Bounds().range(200, 599))
        .field<&D::body>("body", Bounds().length(1, 4096))
        .field<&D::body_format>("bodyFormat");
    at_most_one<&D::body, &D::body_format>(f, "body bodyFormat");
    return f;
  }();
  return description;
}

}  // namespace tidegate::config::fields
