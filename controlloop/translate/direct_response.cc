#include "controlloop/translate/direct_response.h"

#include <fmt/format.h>

#include "config/kinds/kgateway/direct_response.h"
#include "controlloop/translate/body_format.h"
#include "proxy/format/body.h"

namespace tidegate::controlloop::translate {

namespace kgw = config::kgateway;

bool names_direct_response(const config::LocalObjectRef& ref) {
  return ref.group == kgw::kGroup && ref.kind == "DirectResponse";
}

NamedResponse find_direct_response(const config::ObjectSet& objects, const std::string& namespace_,
                                   const std::string& name) {
  NamedResponse out;
  const auto* found = objects.find<kgw::DirectResponse>(namespace_, name);
  if (found == nullptr) {
    out.missing = true;
    out.problem = fmt::format("DirectResponse {}/{} does not exist", namespace_, name);
  } else {
    // RFC 9110 sections 15.3.5 and 15.4.5: these have no content.
    const bool without_body = found->status == 204 || found->status == 304;
    out.response =
        proxy::DirectResponse{found->status, without_body ? "" : found->body.value_or(""), {}};
    if (!found->body_format || without_body) return out;
    out.response->format = body_format(*found->body_format);
    std::string wrong;
    proxy::format::Body::compile(*out.response->format, wrong);
    if (wrong.empty()) return out;
    out.response.reset();
    out.problem = fmt::format("DirectResponse {}/{}: bodyFormat: {}", namespace_, name, wrong);
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
