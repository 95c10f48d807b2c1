#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/kinds/kgateway/http_settings.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::controlloop::translate {

/// The cluster of a collector. `http`: its port takes OTLP over HTTP, and not over gRPC.
struct FoundCollector {
  std::string cluster;  // empty: it does not resolve
  bool http = false;
};
/// `path` is that of the service, below the settings' own.
using FindCollector = std::function<FoundCollector(
    const config::kgateway::TelemetryService& service, std::string_view path)>;

/// Adds the access logs that collectors get, without those whose collector does not resolve.
/// `node`: who sends them. Source: kgateway, AccessLog.grpcService, AccessLog.openTelemetry.
void add_remote_logs(const config::kgateway::HttpSettings& from, const std::string& node,
                     const std::string& zone, const FindCollector& find, proxy::HttpOptions& to);

/// Adds tracing, where its collector resolves. Source: kgateway, Tracing.
void add_tracing(const config::kgateway::HttpSettings& from, const std::string& node,
                 const FindCollector& find, proxy::HttpOptions& to);

}  // namespace tidegate::controlloop::translate
