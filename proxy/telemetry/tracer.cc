#include "proxy/telemetry/tracer.h"

#include <algorithm>
#include <cstdlib>

#include "proxy/telemetry/otlp.h"

namespace tidegate::proxy::telemetry {
namespace {

constexpr std::string_view kRouteSource = "dev.kgateway.route_source";

/// Appends the value; false: there is none.
bool metadata(const SpanAttribute& attribute, const format::Values& values, std::string& out) {
  format::Operation operation;
  if (attribute.from == SpanAttribute::From::kRequestMetadata) {
    operation.what = format::Operator::kMetadata;
    operation.keys.push_back(attribute.value);
    operation.keys.insert(operation.keys.end(), attribute.path.begin(), attribute.path.end());
  } else if (attribute.from == SpanAttribute::From::kRouteMetadata &&
             attribute.value == kRouteSource && attribute.path.size() <= 1) {
    operation.what = format::Operator::kRouteSource;
    if (!attribute.path.empty()) operation.text = attribute.path.front();
  } else {
    return false;  // clusters and hosts have none
  }
  return format::print_value(operation, values, false, out);
}

bool value_of(const SpanAttribute& attribute, const format::Values& values, std::string& out) {
  using From = SpanAttribute::From;
  switch (attribute.from) {
    case From::kLiteral:
      out = attribute.value;
      return true;
    case From::kEnvironment: {
      const char* value =
          format::may_show(attribute.value) ? std::getenv(attribute.value.c_str()) : nullptr;
      if (!value) return false;
      out = value;
      return true;
    }
    case From::kRequestHeader: {
      bool several = false;
      const std::string_view value = values.request
                                         ? format::request_field(values, attribute.value, several)
                                         : std::string_view();
      out = value;
      return value.data() != nullptr;
    }
    default:
      return metadata(attribute, values, out);
  }
}

void add(const SpanAttribute& attribute, const format::Values& values, rpc::ProtoWriter& out) {
  std::string value;
  if (!value_of(attribute, values, value)) {
    if (!attribute.default_value) return;
    value = *attribute.default_value;
  }
  add_span_attribute(out, attribute.name, value);
}

}  // namespace

bool is_grpc(const http::RequestHead& request) {
  const std::string_view type = request.fields.get("content-type");
  constexpr std::string_view kGrpc = "application/grpc";
  return type.starts_with(kGrpc) &&
         (type.size() == kGrpc.size() || type[kGrpc.size()] == '+' || type[kGrpc.size()] == ';');
}

format::Needs Tracer::needs(const http::RequestHead& request) const {
  format::Needs out;
  out.points = config_.verbose;
  out.response = out.response_trailers = is_grpc(request);
  return out;
}

void add_custom_attributes(const Tracing& tracing, const RouteTracing* route,
                           const format::Values& values, rpc::ProtoWriter& out) {
  for (const SpanAttribute& one : tracing.attributes) {
    const bool replaced =
        route && std::any_of(route->attributes.begin(), route->attributes.end(),
                             [&one](const SpanAttribute& own) { return own.name == one.name; });
    if (!replaced) add(one, values, out);
  }
  if (!route) return;
  for (const SpanAttribute& one : route->attributes) add(one, values, out);
}

}  // namespace tidegate::proxy::telemetry
