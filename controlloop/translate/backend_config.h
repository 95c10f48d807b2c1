#pragma once

#include <bitset>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/kinds/kgateway/backend_config_policy.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/named_files.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

using Report = status::Report;

/// What a BackendConfigPolicy may be for: a Service or a Backend.
struct BackendTarget {
  std::string group;  // empty: core
  std::string kind;
  config::NamespacedName name;
  auto operator<=>(const BackendTarget&) const = default;
};

/// The BackendConfigPolicies of one translation. Where several are for one target, the oldest that
/// gives a field has it. One whose TLS cannot be made closes the way to its backends: they are
/// never spoken to in the clear instead. Source: kgateway BackendConfigPolicy; GEP-713 on
/// conflicts.
class BackendConfigs {
 public:
  static constexpr std::size_t kFields = 12;  // that are merged one by one
  /// `zone`: where this process is; empty: it is not known. `files`: what policies name. All
  /// outlive it.
  BackendConfigs(const config::ObjectSet& objects, proxy::Snapshot& snapshot, std::string zone,
                 const NamedFiles& files, status::Report& report);

  /// Gives a cluster what the policies for its target say.
  void apply(const BackendTarget& target, proxy::Cluster& cluster);
  /// What stands for the policy whose TLS a target has; null: none.
  const void* tls_of(const BackendTarget& target) const;
  void statuses(const std::string& controller_name, status::Statuses& out) const;

 private:
  using Object = config::kgateway::BackendConfigPolicy;
  using Fields = std::bitset<kFields>;
  struct Policy {
    std::shared_ptr<const Object> object;
    std::string invalid;  // why it is not accepted
    bool tls_failed = false;
    proxy::UpstreamTls tls;
    struct Reach {
      bool found = true;
      bool any = false;             // some field of it counts
      bool all = true;              // all do
      bool tls_overridden = false;  // a BackendTLSPolicy goes before it
    };
    std::map<BackendTarget, Reach> targets;
  };

  static Fields fields_of(const Object& policy);
  void find_targets(Policy& policy);
  void attach();
  void read_tls(Policy& policy);
  void read_tls_files(Policy& policy);
  void fail_tls(Policy& policy, const std::string& field, const std::string& message);
  void problem(const Policy& policy, const std::string& path, const std::string& message);

  const config::ObjectSet& objects_;
  proxy::Snapshot& snapshot_;
  std::string zone_;
  const NamedFiles& files_;
  status::Report& report_;
  std::vector<std::unique_ptr<Policy>> policies_;  // oldest first
  std::map<BackendTarget, std::vector<std::pair<Policy*, Fields>>>
      by_target_;  // what counts of each
};

}  // namespace tidegate::controlloop::translate
