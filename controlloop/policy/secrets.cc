#include "controlloop/policy/secrets.h"

#include <fmt/format.h>

namespace tidegate::controlloop::policy {

FoundSecret find_secret(FieldContext& context, std::string_view kind, const std::string& namespace_,
                        const std::optional<std::string>& in, const std::string& name) {
  const std::string& where = in ? *in : namespace_;
  FoundSecret out;
  if (!context.references.permitted(kind, namespace_, "Secret", where, name)) {
    out.problem = fmt::format("no ReferenceGrant in {} lets a {} of {} refer to Secret {}", where,
                              kind, namespace_, name);
    return out;
  }
  out.secret = context.objects.find<config::SecretObject>(where, name);
  if (!out.secret) out.problem = fmt::format("Secret {}/{} does not exist", where, name);
  return out;
}

FoundExtension find_extension(FieldContext& context, const config::kgateway::NamespacedRef& ref) {
  const std::string& where = ref.namespace_ ? *ref.namespace_ : context.namespace_();
  FoundExtension out;
  out.extension = context.objects.find<config::kgateway::GatewayExtension>(where, ref.name);
  if (out.extension) return out;
  const auto& rejected = context.objects.rejected<config::kgateway::GatewayExtension>();
  out.problem =
      fmt::format("GatewayExtension {}/{} {}", where, ref.name,
                  rejected.contains({where, ref.name}) ? "is not valid" : "does not exist");
  return out;
}

}  // namespace tidegate::controlloop::policy
