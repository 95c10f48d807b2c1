#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/kinds/kgateway/traffic_policy.h"
#include "config/object_set.h"
#include "controlloop/policy/merge.h"
#include "controlloop/status/report.h"
#include "proxy/snapshot/filter_settings.h"
#include "proxy/snapshot/route.h"

namespace tidegate::controlloop::policy {

using config::kgateway::TrafficPolicy;

/// Where a filter stands: Envoy's stages, in their order. Source: docs/reference/filter-order.md.
enum class Stage : std::uint8_t { kFault, kCors, kAuthN, kAuthZ, kRateLimit, kAccepted, kRoute };
enum class Side : std::uint8_t { kBefore, kDuring, kAfter };
struct Position {
  Stage stage = Stage::kRoute;
  Side side = Side::kDuring;
  int weight = 0;  // within a side: the higher one stands first
  int order = 0;   // then the lower one
  friend bool operator<(const Position& a, const Position& b);
  bool operator==(const Position&) const = default;
};

using PlacedFilters = std::vector<std::pair<Position, proxy::FilterSettings>>;

/// What a policy's references lead to.
class References {
 public:
  virtual ~References() = default;
  struct Backend {
    std::string cluster;  // in Snapshot::clusters; empty: it does not resolve
    std::string problem;  // why
  };
  /// A Service or Backend that an object of `kind` (of kgateway's group) in `namespace_` names.
  /// `grpc`: it is spoken to in HTTP/2 whatever it says of itself.
  virtual Backend backend(std::string_view kind, const std::string& namespace_,
                          const config::BackendObjectRef& ref, bool grpc) = 0;
  /// Whether an object of `kind` in `namespace_` may refer to one of a core kind ("Secret")
  /// elsewhere: a ReferenceGrant, or the same namespace.
  virtual bool permitted(std::string_view kind, const std::string& namespace_,
                         std::string_view to_kind, const std::string& to_namespace,
                         const std::string& to_name) = 0;
};

/// One field of one policy, while it is turned into filters. It is done once, however many routes
/// the policy holds for.
class FieldContext {
 public:
  FieldContext(const config::ObjectSet& objects_in, References& references_in,
               status::Report& report, const config::Meta& policy,
               Level::Place place_in = Level::Place::kRoute)
      : objects(objects_in),
        references(references_in),
        place(place_in),
        report_(report),
        policy_(policy) {}

  const config::ObjectSet& objects;
  References& references;
  /// Where the policy is attached: kListener also where it is a ListenerSet. Only for fields that
  /// ask for it (Field::by_place).
  const Level::Place place;

  const config::Meta& meta() const { return policy_; }
  const std::string& namespace_() const { return policy_.namespace_; }

  /// Puts a filter into the chain of the routes that the policy holds for.
  /// Its kind is one of proxy::AllFilterSettings.
  template <class Settings>
  void add(const Position& position, Settings filter) {
    filters_.emplace_back(position, proxy::FilterSettings(std::move(filter)));
  }
  /// What the field says cannot be done: the policy is invalid, and the routes that it holds for
  /// answer 500. `path` is e.g. "spec.cors.allowOrigins[0]".
  void error(std::string_view path, std::string message) {
    report_.error("TrafficPolicy", policy_, path, message);
    if (error_.empty()) error_ = std::move(message);
  }
  /// The same, where the fault stands in an object that the policy refers to.
  void error_in(std::string_view kind, const config::Meta& meta, std::string_view path,
                std::string message) {
    report_.error(kind, meta, path, message);
    if (error_.empty()) error_ = std::move(message);
  }
  /// What has no effect here, or not all of it.
  void warning(std::string_view path, std::string message) {
    report_.warning("TrafficPolicy", policy_, path, std::move(message));
  }

  const PlacedFilters& filters() const { return filters_; }
  const std::string& failed() const { return error_; }

 private:
  status::Report& report_;
  const config::Meta& policy_;
  PlacedFilters filters_;
  std::string error_;
};

/// A field of TrafficPolicy: a unit of merging.
struct Field {
  const char* name;  // "rateLimit.local"; its path is spec.NAME
  bool (*given)(const TrafficPolicy&);
  /// Checks the field, and adds its filters: none where it disables what stands higher up. Null:
  /// the field is not supported, and a policy that gives it is invalid.
  void (*make)(const TrafficPolicy&, FieldContext&) = nullptr;
  /// Settings of a rule that are no filters. What the rule says itself goes before a policy.
  void (*apply)(const TrafficPolicy&, proxy::Rule&) = nullptr;
  /// Policies of one object, the first of which would have the field, made into one; nothing where
  /// they contradict each other: then the first has it. Null: fields are not united.
  std::optional<TrafficPolicy> (*unite)(const std::vector<const TrafficPolicy*>&) = nullptr;
  /// Its filters depend on where the policy is attached: FieldContext::place.
  bool by_place = false;
};

/// All fields. Source: TrafficPolicySpec.
const std::vector<Field>& traffic_fields();

/// "GATEWAY-SYSTEM/name": unique among policies, for buckets, metrics and zones.
std::string display_name(const config::Meta& meta);

}  // namespace tidegate::controlloop::policy
