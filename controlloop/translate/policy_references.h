#pragma once

#include "controlloop/policy/traffic_field.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/reference_grant.h"

namespace tidegate::controlloop::translate {

/// Resolves what policies refer to, as routes' references are.
class PolicyReferences final : public policy::References {
 public:
  /// Both outlive it.
  PolicyReferences(const config::ObjectSet& objects, Backends& backends)
      : objects_(objects), backends_(backends) {}

  Backend backend(std::string_view kind, const std::string& namespace_,
                  const config::BackendObjectRef& ref, bool grpc) override {
    ResolvedBackend found = backends_.resolve(
        kind, namespace_, ref, grpc ? Backends::Speaks::kHttp2 : Backends::Speaks::kAsItSays,
        policy::kPolicyGroup);
    return {std::move(found.cluster), std::move(found.message)};
  }

  bool permitted(std::string_view kind, const std::string& namespace_, std::string_view to_kind,
                 const std::string& to_namespace, const std::string& to_name) override {
    return translate::permitted(
        objects_, {policy::kPolicyGroup, kind, namespace_, "", to_kind, to_namespace, to_name});
  }

 private:
  const config::ObjectSet& objects_;
  Backends& backends_;
};

}  // namespace tidegate::controlloop::translate
