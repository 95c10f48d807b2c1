#pragma once

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "config/kinds/kgateway/listener_policy.h"
#include "controlloop/policy/policy_status.h"
#include "controlloop/policy/target.h"
#include "controlloop/policy/traffic_field.h"
#include "controlloop/translate/collectors.h"
#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// ListenerPolicies and HTTPListenerPolicies: which of them hold for a listener, merged member by
/// member. Those attached to the listener itself count before those of its Gateway, the older
/// before the newer, ListenerPolicies before HTTPListenerPolicies. What stands for a port replaces
/// the policy's default there, client certificates excepted. What is wrong in a policy is left out;
/// where client certificates are wanted and cannot be verified, the listener is not accepted.
/// Source: kgateway, ListenerPolicySpec, HTTPListenerPolicySpec.
class ListenerPolicies {
 public:
  /// All outlive it.
  ListenerPolicies(const config::ObjectSet& objects, const Options& options,
                   policy::References& references, Report& report);

  /// Puts what holds for them into the listeners.
  void apply(std::vector<std::shared_ptr<GatewayState>>& gateways);
  void statuses(const std::string& controller_name, status::Statuses& out) const;

 private:
  using Settings = config::kgateway::ListenerSettings;
  struct Found {
    bool http_kind = false;  // HTTPListenerPolicy
    policy::PolicyIndex policy = 0;
    Settings settings;
    std::optional<config::kgateway::ClientCertificates> client_certificates;
    const config::Meta* meta = nullptr;
    bool of_listener = false;  // attached to the listener itself, by sectionName
    bool valid = true;         // false: an API server would have refused it
  };
  std::vector<Found> found_at(const ListenerState& listener, const config::Gateway& gateway) const;
  void add(bool http_kind, const policy::Target& target, int port, std::vector<Found>& out) const;
  const config::kgateway::ListenerPolicy& policy(const policy::PolicyObject& object) const;
  /// Tells what is wrong with settings, and what of them has no effect.
  void judge(bool http_kind, policy::PolicyIndex index, const std::string& path,
             const config::kgateway::HttpSettings& settings);
  void validate_clients(ListenerState& listener, const Found& from);
  /// Of a policy: HTTPListenerPolicy or not, and which.
  using Id = std::pair<bool, policy::PolicyIndex>;
  /// Who gave the listener settings of HTTP.
  std::vector<Id> put(ListenerState& listener, const config::Gateway& gateway);
  /// A listener without TLS, which shares its port with others: what a connection is for is not
  /// known before its first request, so that one's settings of HTTP hold for all.
  struct Plain {
    ListenerState* listener;
    const config::Gateway* gateway;
    std::vector<Id> from;
  };
  void join(std::vector<Plain>& listeners);
  void lose(const Plain& plain, const std::string& message);
  /// The collectors that a policy names are found from where the policy is.
  FindCollector find_from(const Found& policy);

  const config::ObjectSet& objects_;
  const Options& options_;
  policy::References& references_;
  Report& report_;
  policy::Attachments attachments_;
  policy::Attachments http_attachments_;
  policy::PolicyStatuses statuses_;
  policy::PolicyStatuses http_statuses_;
  std::set<std::tuple<bool, policy::PolicyIndex, std::string>> told_;  // of which collectors
};

}  // namespace tidegate::controlloop::translate
