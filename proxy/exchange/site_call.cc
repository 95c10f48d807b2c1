#include "proxy/exchange/site_call.h"

namespace tidegate::proxy::exchange {

std::optional<filters::Reply> SiteCall::begin(filters::Call& call) {
  const Prepared prepared = prepare(options_, call.request, call.arena);
  client_ = find_client(call.request.fields, call.facts, *options_.source, options_.trusted);
  // X-Forwarded-For is written over, later.
  const bool peer = client_.ip.data() == call.facts.remote_ip.data();
  client_.ip = peer ? std::string_view() : call.arena.copy(client_.ip);
  call.forwarded_client = client_.ip;
  filters::Reply reply;
  switch (prepared) {
    case Prepared::kGoOn:
      return std::nullopt;
    case Prepared::kHealthCheck:
      health_check_ = true;
      reply.status = call.loop.healthy ? 200 : 503;
      reply.details = call.loop.healthy ? "health_check_ok" : "health_check_failed";
      if (!call.loop.healthy) reply.fields.append("x-envoy-immediate-health-check-fail", "true");
      break;
    case Prepared::kOldVersion:
      reply.status = 426;
      reply.flag = "DPE";
      reply.details = "low_version";
      break;
    case Prepared::kUnknownUpgrade:
      reply.status = 403;
      reply.details = "upgrade_failed";
      break;
  }
  return reply;
}

std::string_view SiteCall::shape(const format::Values& values, http::ResponseHead& head,
                                 std::string_view text, std::string& into) const {
  into = text;
  options_.replies.apply(values, head, into);
  return into;
}

Trace* SiteCall::begin_trace(filters::Call& call, const Rule* rule) {
  if (!options_.tracer) return nullptr;
  trace_.emplace(*options_.tracer, call.loop, call.arena);
  const RouteTracing* route = rule && rule->tracing ? &*rule->tracing : nullptr;
  trace_->begin(call.request, route, client_.internal, health_check_, call.stats);
  return &*trace_;
}

void SiteCall::describe(format::Values& values) const {
  if (trace_) trace_->describe(values);
  values.client_ip = client_.ip;
  values.health_check = health_check_;
  values.listener_name = options_.listener;
}

}  // namespace tidegate::proxy::exchange
