#pragma once

#include <memory>
#include <string>

#include "proxy/format/format.h"
#include "proxy/format/values.h"
#include "proxy/snapshot/telemetry.h"
#include "proxy/telemetry/sink.h"

namespace tidegate::proxy::telemetry {

/// What is made of a site's tracing settings. Immutable, shared by all workers.
class Tracer {
 public:
  /// `config` outlives it.
  Tracer(const Tracing& config, Sinks& sinks)
      : config_(config), sink_(sinks.get(Signal::kSpans, config.collector)) {}

  const Tracing& config() const { return config_; }
  const Sink& sink() const { return *sink_; }
  /// What has to be kept of an exchange.
  format::Needs needs(const http::RequestHead& request) const;

 private:
  const Tracing& config_;
  std::shared_ptr<const Sink> sink_;
};

bool is_grpc(const http::RequestHead& request);

/// Writes the attributes that settings name; a route's go before the listener's of the same name.
void add_custom_attributes(const Tracing& tracing, const RouteTracing* route,
                           const format::Values& values, rpc::ProtoWriter& out);

}  // namespace tidegate::proxy::telemetry
