#include "controlloop/translate/ca_certificates.h"

#include <fmt/format.h>

#include "config/kinds/core/config_map.h"
#include "config/kinds/core/secret_object.h"
#include "controlloop/translate/certificate.h"
#include "controlloop/translate/reference_grant.h"

namespace tidegate::controlloop::translate {
namespace {

/// `ca.crt` of the object; empty where object or entry is missing.
std::string_view authorities(const config::ObjectSet& objects, const std::string& kind,
                             const std::string& space, const std::string& name) {
  if (kind == "ConfigMap") {
    const auto* found = objects.find<config::ConfigMap>(space, name);
    if (found == nullptr) return {};
    auto entry = found->data.find("ca.crt");
    return entry == found->data.end() ? std::string_view() : std::string_view(entry->second);
  }
  const auto* found = objects.find<config::SecretObject>(space, name);
  if (found == nullptr) return {};
  auto entry = found->data.find("ca.crt");
  return entry == found->data.end() ? std::string_view() : entry->second.reveal();
}

}  // namespace

CaCertificates ca_certificates(const config::ObjectSet& objects, std::string_view from_kind,
                               const std::string& from_namespace,
                               const std::vector<config::ObjectRef>& refs) {
  CaCertificates out;
  auto fail = [&out](const char* reason, std::string message) {
    if (!out.reason.empty()) return;
    out.reason = reason;
    out.message = std::move(message);
  };
  for (const config::ObjectRef& ref : refs) {
    if (!ref.group.empty() || (ref.kind != "ConfigMap" && ref.kind != "Secret")) {
      fail("InvalidCACertificateKind",
           fmt::format("authorities are in a ConfigMap or a Secret, not in a {}{}{}", ref.group,
                       ref.group.empty() ? "" : "/", ref.kind));
      continue;
    }
    const std::string space = ref.namespace_.value_or(from_namespace);
    if (!permitted(objects, {config::kGatewayGroup, from_kind, from_namespace, "", ref.kind, space,
                             ref.name})) {
      fail("RefNotPermitted",
           fmt::format("no ReferenceGrant lets it use {} {}/{}", ref.kind, space, ref.name));
      continue;
    }
    const std::string_view pem = authorities(objects, ref.kind, space, ref.name);
    const std::string certificates = certificates_in(pem);
    if (!is_certificate(certificates)) {
      fail("InvalidCACertificateRef",
           fmt::format("{} {}/{} {}", ref.kind, space, ref.name,
                       pem.empty() ? "does not exist, or has no ca.crt"
                                   : "has no PEM certificate in ca.crt"));
      continue;
    }
    out.pem += certificates;
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
