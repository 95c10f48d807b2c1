#include <fmt/format.h>

#include "controlloop/policy/gateway_extension.h"
#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/external_processing.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::ExtProcProvider;
using config::kgateway::FilterStage;
using config::kgateway::GatewayExtension;
using From = config::kgateway::ProcessingMode;

constexpr std::string_view kPath = "spec.extProc.extensionRef";
constexpr std::chrono::milliseconds kMessageTimeout{200};  // Envoy's

/// DEFAULT is what `otherwise` says.
bool sent(From::Send from, bool otherwise) {
  return from == From::Send::kDefault ? otherwise : from == From::Send::kSend;
}

proxy::ProcessingMode::Body body(From::Body from) {
  using To = proxy::ProcessingMode::Body;
  switch (from) {
    case From::Body::kStreamed:
      return To::kStreamed;
    case From::Body::kBuffered:
      return To::kBuffered;
    case From::Body::kBufferedPartial:
      return To::kBufferedPartial;
    case From::Body::kFullDuplexStreamed:
      return To::kFullDuplexStreamed;
    case From::Body::kNone:
      break;
  }
  return To::kNone;
}

proxy::ProcessingMode mode(const From& from, const proxy::ProcessingMode& otherwise) {
  proxy::ProcessingMode to;
  to.request_headers = sent(from.request_header_mode, otherwise.request_headers);
  to.response_headers = sent(from.response_header_mode, otherwise.response_headers);
  to.request_body = body(from.request_body_mode);
  to.response_body = body(from.response_body_mode);
  to.request_trailers = sent(from.request_trailer_mode, otherwise.request_trailers);
  to.response_trailers = sent(from.response_trailer_mode, otherwise.response_trailers);
  return to;
}

/// Within a stage kgateway's filters stand in the order of their names, where this one's begins
/// with "ext_proc": after ours but jwt and the rate limit service.
Position position(const std::optional<FilterStage>& from) {
  if (!from) return kAtExtProc;
  constexpr int kOrder = 3;
  Position to{Stage::kAuthZ, Side::kDuring, from->weight, kOrder};
  switch (from->stage) {
    case FilterStage::Stage::kFault:
      to.stage = Stage::kFault;
      break;
    case FilterStage::Stage::kAuthN:
      to.stage = Stage::kAuthN;
      break;
    case FilterStage::Stage::kAuthZ:
      break;
    case FilterStage::Stage::kRateLimit:
      to.stage = Stage::kRateLimit;
      break;
    case FilterStage::Stage::kRoute:
      to.stage = Stage::kRoute;
      break;
  }
  if (from->predicate == FilterStage::Predicate::kBefore) to.side = Side::kBefore;
  if (from->predicate == FilterStage::Predicate::kAfter) to.side = Side::kAfter;
  return to;
}

void settings(const ExtProcProvider& from, const GatewayExtension& extension,
              proxy::ExternalProcessing& to, FieldContext& context) {
  const auto of_extension = [&extension](std::string_view text) {
    return fmt::format("GatewayExtension {}/{}: {}", extension.meta.namespace_, extension.meta.name,
                       text);
  };
  to.service = grpc_service(from.grpc_service, extension, kMessageTimeout, kPath, context);
  to.service.timeout = from.message_timeout.value_or(kMessageTimeout);
  to.message_timeout_max = from.max_message_timeout.value_or(std::chrono::milliseconds(0));
  to.fail_open = from.fail_open;
  to.allow_mode_override = from.allow_processing_mode_override;
  if (to.allow_mode_override) {
    for (const From& one : from.allowed_processing_mode_overrides)
      to.allowed_modes.push_back(mode(one, to.mode));
  }
  if (from.metadata_options && from.metadata_options->forwarding) {
    to.forwarded_metadata = from.metadata_options->forwarding->untyped;
    if (!from.metadata_options->forwarding->typed.empty()) {
      context.warning(kPath, of_extension("metadataOptions.forwarding.typed has no effect: no "
                                          "filter leaves typed metadata"));
    }
  }
  for (const std::string& text : from.request_attributes) {
    if (const std::string wrong = cel_problem(text, "of a request"); !wrong.empty())
      context.error(kPath, of_extension(fmt::format("requestAttributes '{}': {}", text, wrong)));
  }
  to.stat_prefix = metric_part(from.stat_prefix);
  to.request_attributes = from.request_attributes;
  using Action = ExtProcProvider::RouteCacheAction;
  using RouteCache = proxy::ExternalProcessing::RouteCache;
  if (from.route_cache_action == Action::kClear) to.route_cache = RouteCache::kClear;
  if (from.route_cache_action == Action::kRetain) to.route_cache = RouteCache::kRetain;
}

}  // namespace

void make_ext_proc(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::ExtProcPolicy& from = *policy.ext_proc;
  if (from.disable || !from.extension_ref) return;
  const FoundExtension found = find_extension(context, *from.extension_ref);
  if (!found.extension) {
    context.error(kPath, found.problem);
    return;
  }
  const GatewayExtension& extension = *found.extension;
  if (!extension.ext_proc) {
    context.error(kPath, fmt::format("GatewayExtension {} has no extProc", extension.meta.name));
    return;
  }
  const ExtProcProvider& provider = *extension.ext_proc;
  proxy::ExternalProcessing to;
  const auto& chosen = from.processing_mode ? from.processing_mode : provider.processing_mode;
  if (chosen) to.mode = mode(*chosen, to.mode);
  settings(provider, extension, to, context);
  context.add(position(provider.filter_stage), std::move(to));
}

}  // namespace tidegate::controlloop::policy
