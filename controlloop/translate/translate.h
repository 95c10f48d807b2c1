#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/object_set.h"
#include "config/problem.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/aws_backend.h"
#include "controlloop/translate/named_files.h"
#include "proxy/snapshot/applied.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

struct GatewayState;

struct Options {
  std::string controller_name = "kgateway.dev/kgateway";
  std::optional<config::NamespacedName> gateway;  // only this one
  std::vector<std::string> bind_addresses{"0.0.0.0", "::"};
  std::string address_pool;  // CIDR; empty: none
  std::uint16_t port_offset = 0;
  std::string global_policy_namespace;  // policies there may select objects of all; empty: none
  std::string zone;                     // where this process is; empty: it is not known
  AwsEndpoints aws;
  NamedFiles files;  // that objects name, as they were read
  std::vector<std::uint16_t> reserved_ports{8082, 9091, 19000};
  /// Says what is wrong with formats and expressions in them, which the proxy compiles. Empty:
  /// nobody looks.
  std::function<std::vector<std::string>(const proxy::HttpOptions&)> check_http;
};

/// What the configuration means: what to serve, what to say about each object, and what is wrong.
struct Translation {
  proxy::SnapshotPtr snapshot;
  std::vector<config::Problem> problems;
  std::vector<std::shared_ptr<const GatewayState>>
      gateways;                                // what statuses_of() makes their status from
  status::Statuses statuses;                   // of all other kinds
  std::vector<boost::json::object> generated;  // Services, for the Kubernetes API
};

/// Objects to snapshot, statuses and problems. Pure: no clock, no files, no network; the same
/// objects give the same. Source: Gateway API v1.6.
Translation translate(const config::ObjectSet& objects, const Options& options);

/// All statuses. Whether a listener is programmed follows from what came of it; `applied` null: not
/// known yet.
status::Statuses statuses_of(const Translation& translation, const proxy::Applied* applied);

}  // namespace tidegate::controlloop::translate
