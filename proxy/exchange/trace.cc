#include "proxy/exchange/trace.h"

#include <fmt/format.h>

#include "proxy/http/version_name.h"
#include "proxy/upstream/error.h"

namespace tidegate::proxy::exchange {
namespace {

using format::Point;
using rpc::ProtoWriter;
using std::chrono::system_clock;
using telemetry::add_span_attribute;
using telemetry::Span;
using telemetry::SpanId;

constexpr std::string_view kDecorator = "x-envoy-decorator-operation";

void add_number(ProtoWriter& out, std::string_view key, std::uint64_t value) {
  add_span_attribute(out, key, fmt::format_int(value).c_str());
}

void add_or_dash(ProtoWriter& out, std::string_view key, std::string_view value) {
  add_span_attribute(out, key, value.empty() ? std::string_view("-") : value);
}

void add_flags(ProtoWriter& out, format::ResponseFlags flags) {
  std::string text;
  flags.print(false, text);
  add_or_dash(out, "response_flags", text);
}

void add_cluster(ProtoWriter& out, std::string_view cluster) {
  if (cluster.empty()) return;
  add_span_attribute(out, "upstream_cluster", cluster);
  add_span_attribute(out, "upstream_cluster.name", cluster);
}

/// Envoy's words for it.
std::string_view reason_of(error_code failed) {
  if (failed.category() != upstream::error_category()) return "connection termination";
  switch (static_cast<upstream::Error>(failed.value())) {
    case upstream::Error::kNoEndpoint:
      return "no healthy upstream";
    case upstream::Error::kOverflow:
      return "overflow";
    case upstream::Error::kConnectFailed:
      return "remote connection failure";
    case upstream::Error::kConnectTimeout:
      return "connection timeout";
    case upstream::Error::kTimeout:
      return "upstream request timeout";
    case upstream::Error::kBadResponse:
      return "protocol error";
    case upstream::Error::kNoSuchName:
      return "dns resolution failure";
    default:
      return "connection termination";
  }
}

}  // namespace

void Trace::begin(http::RequestHead& request, const RouteTracing* route, bool internal,
                  bool health_check, HttpStats& stats) {
  const Tracing& config = tracer_.config();
  route_ = route;
  path_ = request.path;
  reason_ = telemetry::TraceReason::kHealthCheck;
  if (!health_check)
    reason_ = telemetry::decide(request, config, telemetry::rates_of(config, route), internal,
                                loop_.random, arena_);
  telemetry::count(reason_, stats);
  const telemetry::Incoming from = telemetry::incoming(request.fields);
  if (from.state == telemetry::Incoming::State::kMalformed) return;
  recorded_ = config.always_on || telemetry::traced(reason_);
  if (from.state == telemetry::Incoming::State::kValid) {
    trace_ = from.parent.trace;
    parent_ = from.parent.span;
    recorded_ = recorded_ && (config.always_on || from.parent.sampled);
    if (recorded_) state_ = request.fields.get("tracestate");
  } else {
    trace_ = telemetry::TraceId::draw(loop_.random);
  }
  server_ = SpanId::draw(loop_.random);
  telemetry::print_hex(trace_.view(), hex_);
  telemetry::print_hex(server_.view(), hex_ + 32);
}

std::string_view Trace::traceparent(SpanId of) const {
  char out[telemetry::TraceParent::kBytes];
  telemetry::TraceParent{trace_, of, recorded_}.print(out);
  return arena_.copy({out, sizeof out});
}

void Trace::attempt_begins(http::RequestHead& request) {
  if (!valid()) return;
  const bool own = tracer_.config().upstream_spans;
  if (own) {
    attempt_ = SpanId::draw(loop_.random);
    attempt_began_ = system_clock::now();
    attempt_status_ = 0;
  } else if (attempts_ > 0) {
    return;  // it says it already
  }
  ++attempts_;
  request.fields.set("traceparent", traceparent(own ? attempt_ : server_));
}

void Trace::attempt_ends(const std::optional<error_code>& failed, const format::Values& values) {
  if (!recorded_ || !tracer_.config().upstream_spans) return;
  tracer_.sink().add(loop_.index, [&](ProtoWriter& out) { print_attempt(out, failed, values); });
}

Span Trace::span(SpanId id) const {
  Span out;
  out.trace = trace_;
  out.id = id;
  out.trace_state = state_;
  return out;
}

void Trace::print_attempt(ProtoWriter& out, const std::optional<error_code>& failed,
                          const format::Values& values) const {
  const std::string_view cluster = values.upstream_cluster;
  const std::string_view host = values.upstream_host;
  const bool retried = failed == make_error_code(upstream::Error::kRetriedStatus);
  const bool left = failed == make_error_code(upstream::Error::kClientGone);
  const bool reset = failed && !retried && !left;
  const std::string name = fmt::format("router {} egress", cluster);
  Span head = span(attempt_);
  head.parent = server_;
  head.name = name;
  head.kind = Span::Kind::kClient;
  head.start = attempt_began_;
  head.end = system_clock::now();
  head.error = attempt_status_ >= 500;
  telemetry::print(head, out);
  add_span_attribute(out, "component", "proxy");
  add_cluster(out, cluster);
  if (!host.empty()) {
    add_span_attribute(out, "upstream_address", host);
    add_span_attribute(out, "peer.address", host);
  }
  add_number(out, "http.status_code", static_cast<std::uint64_t>(attempt_status_));
  add_flags(out, reset ? format::ResponseFlags::parse(upstream::flag_of(*failed)) : values.flags);
  if (attempts_ > 1) add_number(out, "retry.count", attempts_ - 1);
  if (reset || attempt_status_ >= 500) add_span_attribute(out, "error", "true");
  if (reset) add_span_attribute(out, "error.reason", reason_of(*failed));
  if (retried || left) add_span_attribute(out, "canceled", "true");
  telemetry::add_custom_attributes(tracer_.config(), route_, values, out);
}

void Trace::answer(http::ResponseHead& head, const http::RequestHead& request) {
  const std::string_view name = head.fields.get(kDecorator);
  if (!name.empty()) {
    operation_ = arena_.copy(name);
    head.fields.remove(kDecorator);
  }
  const bool forced = reason_ == telemetry::TraceReason::kClientForced ||
                      reason_ == telemetry::TraceReason::kServiceForced;
  if (!forced) return;
  const std::string_view id = request.fields.get("x-request-id");
  if (!id.empty()) head.fields.set("x-request-id", id);
}

void Trace::describe(format::Values& values) const {
  values.traced = telemetry::traced(reason_);
  if (!valid()) return;
  values.trace_id = {hex_, 32};
  values.span_id = {hex_ + 32, 16};
}

void Trace::finish(const format::Values& values) const {
  if (!recorded_) return;
  tracer_.sink().add(loop_.index, [&](ProtoWriter& out) { print_exchange(out, values); });
}

void Trace::print_exchange(ProtoWriter& out, const format::Values& values) const {
  const Tracing& config = tracer_.config();
  const http::RequestHead& request = *values.request;
  auto field = [&request](std::string_view name) { return request.fields.get(name); };
  Span head = span(server_);
  head.parent = parent_;
  head.parent_remote = parent_.valid();
  head.name = operation_.empty() ? std::string_view("ingress") : operation_;
  head.start = values.started;
  head.end = values.started + std::chrono::duration_cast<system_clock::duration>(values.duration);
  head.error = values.status >= 500;
  telemetry::print(head, out);
  add_span_attribute(out, "node_id", config.node);
  add_span_attribute(out, "zone", "");
  if (const auto id = field("x-request-id"); !id.empty())
    add_span_attribute(out, "guid:x-request-id", id);
  if (const auto id = field("x-client-trace-id"); !id.empty())
    add_span_attribute(out, "guid:x-client-trace-id", id);
  add_span_attribute(out, "http.url",
                     fmt::format("{}://{}{}", request.scheme, request.authority,
                                 path_.substr(0, config.path_max)));
  add_or_dash(out, "http.method", request.method);
  add_or_dash(out, "downstream_cluster", field("x-envoy-downstream-service-cluster"));
  add_or_dash(out, "user_agent", field("user-agent"));
  add_or_dash(out, "http.protocol", http::version_name(request.version));
  const std::string_view peer =
      values.client_ip.empty() ? std::string_view(values.downstream->remote_ip) : values.client_ip;
  add_or_dash(out, "peer.address", peer);
  add_number(out, "request_size", values.bytes_received);
  add_number(out, "response_size", values.bytes_sent);
  add_span_attribute(out, "component", "proxy");
  add_cluster(out, values.upstream_cluster);
  add_number(out, "http.status_code", static_cast<std::uint64_t>(values.status));
  add_flags(out, values.flags);
  bool error = values.status == 0 || values.status >= 500;
  if (telemetry::is_grpc(request)) {
    print_grpc(out, values);
    error = error || format::grpc_status(values) > 0;
  }
  if (error) add_span_attribute(out, "error", "true");
  telemetry::add_custom_attributes(config, route_, values, out);
  if (config.verbose) print_events(out, values);
}

void Trace::print_grpc(ProtoWriter& out, const format::Values& values) const {
  const http::RequestHead& request = *values.request;
  add_span_attribute(out, "grpc.path", request.path);
  add_span_attribute(out, "grpc.authority", request.authority);
  add_span_attribute(out, "grpc.content_type", request.fields.get("content-type"));
  if (const auto timeout = request.fields.get("grpc-timeout"); !timeout.empty())
    add_span_attribute(out, "grpc.timeout", timeout);
  if (const int status = format::grpc_status(values); status >= 0)
    add_number(out, "grpc.status_code", static_cast<std::uint64_t>(status));
  std::string_view message;
  if (values.response_trailers) message = values.response_trailers->get("grpc-message");
  if (message.empty() && values.response) message = values.response->fields.get("grpc-message");
  if (!message.empty()) add_span_attribute(out, "grpc.message", message);
}

void Trace::print_events(ProtoWriter& out, const format::Values& values) const {
  if (!values.points) return;
  const auto begin = (*values.points)[static_cast<std::size_t>(Point::kDownstreamReceiveBegin)];
  for (const auto& [name, point] :
       {std::pair("request headers", Point::kDownstreamReceiveBegin),
        std::pair("upstream pool ready", Point::kUpstreamConnectionEnd),
        std::pair("first upstream tx byte", Point::kUpstreamSendBegin),
        std::pair("first upstream rx byte", Point::kUpstreamReceiveBegin),
        std::pair("last upstream rx byte", Point::kUpstreamReceiveEnd),
        std::pair("last downstream tx byte", Point::kDownstreamSendEnd)}) {
    const auto then = (*values.points)[static_cast<std::size_t>(point)];
    if (then.time_since_epoch().count() == 0) continue;
    telemetry::add_span_event(
        out, name,
        values.started + std::chrono::duration_cast<system_clock::duration>(then - begin));
  }
}

}  // namespace tidegate::proxy::exchange
