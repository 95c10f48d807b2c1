#include "controlloop/translate/collectors.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "controlloop/policy/text.h"
#include "controlloop/policy/tracing.h"
#include "controlloop/translate/access_log.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;
namespace kgateway = config::kgateway;
using kgateway::AccessLog;

namespace {

proxy::Collector collector_of(const kgateway::TelemetryService& from, const FoundCollector& found) {
  proxy::Collector out;
  if (found.http) out.protocol = proxy::Collector::Protocol::kOtlpHttp;
  out.cluster = found.cluster;
  out.authority = from.authority.value_or("");
  if (from.timeout && from.timeout->count() > 0) out.timeout = *from.timeout;
  if (from.max_receive_message_length)
    out.answer_max = static_cast<std::uint64_t>(*from.max_receive_message_length);
  for (const auto& [key, value] : from.initial_metadata)
    out.metadata.push_back({policy::lower(key), Secret(value.value_or(""))});
  if (!from.retry_policy) return out;
  out.retries = static_cast<std::uint32_t>(from.retry_policy->num_retries);
  if (const auto& backoff = from.retry_policy->retry_back_off) {
    out.backoff = backoff->base_interval;
    out.backoff_max = backoff->max_interval.value_or(backoff->base_interval * 10);
  }
  return out;
}

json::value value_of(const kgateway::AnyValue& from);

json::object object_of(const std::vector<kgateway::KeyAnyValue>& from) {
  json::object out;
  for (const kgateway::KeyAnyValue& one : from) out[one.key] = value_of(one.value);
  return out;
}

json::value value_of(const kgateway::AnyValue& from) {
  if (from.kv_list_value) return object_of(*from.kv_list_value);
  if (!from.array_value) return json::value(from.string_value.value_or(""));
  json::array out;
  for (const kgateway::AnyValue& one : *from.array_value) out.push_back(value_of(one));
  return out;
}

/// Names and texts; what is no text is JSON.
void add_resource(const AccessLog::Attributes& from, proxy::Collector& to) {
  for (const kgateway::KeyAnyValue& one : from.values) {
    to.resource.push_back({one.key, one.value.string_value ? *one.value.string_value
                                                           : json::serialize(value_of(one.value))});
  }
}

std::vector<std::string> lower_all(const std::vector<std::string>& from) {
  std::vector<std::string> out;
  for (const std::string& one : from) out.push_back(policy::lower(one));
  return out;
}

proxy::RemoteLog envoy_log(const AccessLog::GrpcSink& from, const FoundCollector& found) {
  proxy::RemoteLog out;
  out.collector = collector_of(from, found);
  out.collector.protocol = proxy::Collector::Protocol::kEnvoyLogs;
  out.collector.log_name = from.log_name;
  out.collector.environment_resource = false;
  if (!from.retry_policy) out.collector.retries = 0;
  out.request_headers = lower_all(from.additional_request_headers_to_log);
  out.response_headers = lower_all(from.additional_response_headers_to_log);
  out.response_trailers = lower_all(from.additional_response_trailers_to_log);
  return out;
}

proxy::RemoteLog otlp_log(const AccessLog::OpenTelemetry& from, const FoundCollector& found,
                          const std::string& node, const std::string& zone) {
  proxy::RemoteLog out;
  out.collector = collector_of(from.grpc_service, found);
  out.collector.log_name = from.grpc_service.log_name;
  if (from.resource_attributes) add_resource(*from.resource_attributes, out.collector);
  if (!from.disable_builtin_labels) {
    for (const auto& [name, value] :
         {std::pair<std::string, std::string>("log_name", from.grpc_service.log_name),
          {"zone_name", zone},
          {"cluster_name", node},
          {"node_name", node}})
      out.collector.resource.push_back({name, value});
  }
  out.body = from.body.value_or("");
  if (from.attributes) out.attributes = json::serialize(object_of(from.attributes->values));
  return out;
}

}  // namespace

void add_remote_logs(const kgateway::HttpSettings& from, const std::string& node,
                     const std::string& zone, const FindCollector& find, proxy::HttpOptions& to) {
  for (std::size_t i = 0; i < from.access_log.size(); ++i) {
    const AccessLog& one = from.access_log[i];
    proxy::AccessLog log;
    if (one.grpc_service) {
      const FoundCollector found =
          find(*one.grpc_service, fmt::format("accessLog[{}].grpcService", i));
      if (found.cluster.empty()) continue;
      log.remote = envoy_log(*one.grpc_service, found);
      log.remote->collector.node = node;
    } else if (one.open_telemetry) {
      const FoundCollector found = find(one.open_telemetry->grpc_service,
                                        fmt::format("accessLog[{}].openTelemetry.grpcService", i));
      if (found.cluster.empty()) continue;
      log.remote = otlp_log(*one.open_telemetry, found, node, zone);
    } else {
      continue;
    }
    if (one.filter) log.filter = log_filter(*one.filter);
    to.access_logs.push_back(std::move(log));
  }
}

void add_tracing(const kgateway::HttpSettings& from, const std::string& node,
                 const FindCollector& find, proxy::HttpOptions& to) {
  if (!from.tracing || !from.tracing->provider.open_telemetry) return;
  const kgateway::Tracing& tracing = *from.tracing;
  const kgateway::Tracing::OpenTelemetry& provider = *tracing.provider.open_telemetry;
  const FoundCollector found =
      find(provider.grpc_service, "tracing.provider.openTelemetry.grpcService");
  if (found.cluster.empty()) return;
  proxy::Tracing& out = to.tracing.emplace();
  out.collector = collector_of(provider.grpc_service, found);
  out.collector.resource.push_back({"service.name", provider.service_name.value_or(node)});
  for (const kgateway::Tracing::Detector& one : provider.resource_detectors) {
    if (one.environment_resource_detector)
      out.collector.environment_resource = one.environment_resource_detector->enable;
  }
  out.always_on = provider.sampler && provider.sampler->always_on_config;
  out.client_percent = static_cast<std::uint32_t>(tracing.client_sampling);
  out.random_percent = static_cast<std::uint32_t>(tracing.random_sampling);
  out.overall_percent = static_cast<std::uint32_t>(tracing.overall_sampling);
  out.verbose = tracing.verbose;
  out.path_max = static_cast<std::uint32_t>(tracing.max_path_tag_length);
  out.attributes = policy::span_attributes(tracing.attributes);
  out.upstream_spans = tracing.spawn_upstream_span;
  out.node = node;
  if (from.uuid_request_id_config) {
    out.pack_reason = from.uuid_request_id_config->pack_trace_reason;
    out.sample_by_request_id = from.uuid_request_id_config->use_request_id_for_trace_sampling;
  }
  // An id says what is to be traced: nobody outside says so unless that is wanted.
  to.preserve_request_id = from.preserve_external_request_id.value_or(false);
}

}  // namespace tidegate::controlloop::translate
