#include "proxy/exchange/own_reply.h"

#include "proxy/filters/path_modifier.h"
#include "proxy/format/body.h"

namespace tidegate::proxy::exchange {

using std::chrono::system_clock;

filters::Reply own_reply(const Plan& plan, filters::Call& call,
                         std::chrono::steady_clock::time_point started) {
  filters::Reply reply;
  reply.details = "direct_response";
  if (const auto* redirect = std::get_if<Redirect>(&plan.rule->action)) {
    reply.status = redirect->status;
    reply.fields.append("location",
                        filters::location(*redirect, *call.match, call.request, call.arena));
    return reply;
  }
  const auto& direct = std::get<DirectResponse>(plan.rule->action);
  reply.status = direct.status;
  reply.body = direct.body;
  if (!plan.body) return reply;
  format::Values values;
  values.request = &call.request;
  values.downstream = &call.facts;
  values.status = direct.status;
  values.route = &plan.rule->origin;
  values.route_name = plan.rule->name;
  values.dynamic_metadata = call.all_metadata();
  values.random = &call.loop.random;
  values.duration = std::chrono::steady_clock::now() - started;
  values.started =
      system_clock::now() - std::chrono::duration_cast<system_clock::duration>(values.duration);
  std::string body;
  plan.body->render(values, body);
  reply.body = call.arena.copy(body);
  if (!body.empty()) reply.fields.append("content-type", plan.body->content_type());
  return reply;
}

}  // namespace tidegate::proxy::exchange
