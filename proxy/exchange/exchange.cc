#include "proxy/exchange/exchange.h"

#include "proxy/exchange/details.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/exchange/one_exchange.h"
#include "proxy/exchange/own_reply.h"
#include "proxy/exchange/route_stats.h"
#include "proxy/filters/bodies.h"
#include "proxy/http/normal_path.h"

namespace tidegate::proxy::exchange {

void Exchange::request_ended() {
  request_ended_ = true;
  record_.request_ended();
}

void Exchange::finished(int status) {
  status_ = status;
  context_.stats.downstream_rq_completed.add();
  if (status >= 100 && status < 600)
    context_.stats.downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  if (ListenerStats* listener = context_.listener; listener && status >= 100 && status < 600) {
    listener->http_downstream_rq_completed.add();
    listener->http_downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  }
  if (!request_ended_ && !request_.body.none() && !(plan_ && replayable_ && first_.end))
    context_.stats.downstream_rq_response_before_rq_complete.add();
}

/// The answer ends before it is whole: over HTTP/1.1 the connection goes with it.
void Exchange::break_off(bool client_gone) {
  HttpStats& stats = context_.stats;
  (client_gone ? stats.downstream_rq_rx_reset : stats.downstream_rq_tx_reset).add();
  if (request_.version != http::Version::kHttp2) {
    stats.downstream_cx_destroy_active_rq.add();
    (client_gone ? stats.downstream_cx_destroy_remote_active_rq
                 : stats.downstream_cx_destroy_local_active_rq)
        .add();
  }
  stream_.abort();
}

Task<void> Exchange::answer_locally(int status, std::string_view text, const char* flag) {
  if (!call_.refusal) call_.reply = filters::Reply{status, {}, text, flag};
  co_await answer(call_.decided());
}

Task<void> Exchange::answer(filters::Reply reply) {
  http::ResponseHead head;
  co_await send_own(head, replaced_by(reply, head));
}

/// An answer in the place of another; its text.
std::string_view Exchange::replaced_by(const filters::Reply& reply, http::ResponseHead& head) {
  head.clear();
  head.status = reply.status;
  head.fields = reply.fields;
  flag_ = reply.flag;
  record_.details = reply.details.empty() ? details_of(flag_, head.status) : reply.details;
  return reply.body;
}

/// The rule's filters act on it as they would on the backend's answer.
Task<void> Exchange::send_own(http::ResponseHead& head, std::string_view text) {
  std::string changed, shaped;
  std::optional<filters::KeptBody> own;
  status_ = head.status;
  if (site_ && site_->shapes()) text = site_->shape(values(), head, text, shaped);
  if (chain_ && !filtered_) {
    own.emplace(std::string(text));
    head.body = {http::BodyLength::Kind::kExact, text.size()};
    call_.set_response_body(*own);
    if (!co_await filters::run_response(*chain_, call_, head)) {
      text = replaced_by(call_.decided(), head);
    } else if (&call_.response_body() != &*own) {
      std::optional<std::string> all = co_await filters::whole(call_.response_body());
      if (!all && !call_.refusal) call_.reply = filters::Reply{500, {}, default_text(500), "-"};
      const bool replaced = !all || call_.refusal;
      if (all) changed = std::move(*all);
      text = replaced ? replaced_by(call_.decided(), head) : std::string_view(changed);
    }
    co_await call_.settle();
  }
  if (site_) site_->finish(head, request_);
  finished(head.status);
  sent_ += text.size();
  record_.reached(format::Point::kDownstreamSendBegin);
  if (co_await reply(stream_, head, text, call_.arena)) break_off(true);
  record_.reached(format::Point::kDownstreamSendEnd);
  record_.keep(head, call_.arena);
}

Task<bool> Exchange::request_filters(const filters::Chain* chain) {
  for (std::size_t i = 0; i < chain->size(); ++i) {
    const filters::Filter& filter = *(*chain)[i];
    filters::Verdict verdict = filter.request(call_);
    if (verdict == filters::Verdict::kWait) verdict = co_await filter.request_waiting(call_);
    if (verdict != filters::Verdict::kContinue) {
      co_await answer(call_.decided());
      co_return false;
    }
    if (!call_.reroute || chain != chain_) continue;
    route_again(i + 1);
    chain = chain_;
  }
  co_return true;
}

void Exchange::route_again(std::size_t acted) {
  call_.reroute = false;
  const Routed routed = find_rule(context_, request_);
  if (routed.plan == plan_) {  // by another match, perhaps
    if (routed.plan) take(routed, chain_);
    return;
  }
  joined_ = joined(*chain_, acted, routed.plan ? routed.plan->filters : nullptr);
  plan_ = nullptr;
  unrouted_ = routed.status;
  if (routed.plan) take(routed, &joined_);
  chain_ = &joined_;
}

void Exchange::take(const Routed& routed, const filters::Chain* chain) {
  route_ = routed.found;
  plan_ = routed.plan;
  chain_ = chain;
  call_.rule = plan_->rule;
  if (chain_ || plan_->action != Plan::Action::kForward) call_.match = &route_.match();
}

/// What follows, routes and policies first, sees the path that the backend gets.
bool Exchange::normalise() {
  if (!request_.path.starts_with('/')) return true;
  const std::optional<std::string_view> path = http::normal_path(request_.path, call_.arena);
  if (path) {
    request_.path = *path;
    return true;
  }
  context_.stats.downstream_rq_failed_path_normalization.add();
  call_.reply = filters::Reply{400, {}, default_text(400), "-"};
  call_.reply.details = "path_normalization_failed";
  return false;
}

bool Exchange::routed() {
  if (context_.options.source) site_.emplace(context_.options);
  if (!normalise()) return false;
  if (site_) {
    std::optional<filters::Reply> own;
    if (redirects_.begun()) {
      site_->go_on(redirects_.client(), call_);
    } else {
      own = site_->begin(call_);
    }
    if (own) {
      call_.reply = std::move(*own);
      return false;
    }
  }
  const Routed routed = find_rule(context_, request_);
  if (context_.options.tracer) begin_trace(routed.plan);
  if (!routed.plan) {
    call_.reply = filters::Reply{routed.status, {}, default_text(routed.status), routed.flag};
    return false;
  }
  take(routed, routed.plan->filters);
  return true;
}

Task<void> Exchange::run() {
  context_.stats.downstream_rq_total.add();
  context_.stats.downstream_rq_active.add();
  if (!routed()) {
    co_await answer(call_.reply);
  } else {
    context_.stats.rq_total.add();
    bool go_on = true;
    if (chain_) {
      forwarding_fields();
      go_on = co_await request_filters(chain_);
    }
    if (!go_on) {
      // a filter has answered
    } else if (!plan_) {
      co_await answer_locally(unrouted_, default_text(unrouted_), unrouted_ == 404 ? "NR" : "-");
    } else if (plan_->action == Plan::Action::kForward) {
      co_await forward();
    } else {
      context_.stats.rq_direct_response.add();
      co_await answer(own_reply(*plan_, call_, started_));
    }
  }
  if (!call_.settled()) co_await call_.settle();
  context_.stats.downstream_rq_active.sub();
  const auto took = std::chrono::steady_clock::now() - started_;
  context_.stats.downstream_rq_time.record(std::chrono::duration<double, std::milli>(took).count());
  if (plan_ && plan_->counted && backend_)
    count_route(context_, route_, status_, flag_, record_.tries(), took);
  if (!record_.wanted()) co_return;
  if (context_.options.tracer && !trace_) begin_trace(nullptr);
  format::Values known = values();
  record_.complete(context_.loop, took, known);
  if (trace_) trace_->finish(known);
  record_.log(context_.loop, known);
}

/// Sampling goes by the request's id.
void Exchange::begin_trace(const Plan* plan) {
  forwarding_fields();
  trace_ = site_->begin_trace(call_, plan ? plan->rule : nullptr);
}

format::Values Exchange::values() const {
  format::Values values;
  values.request = &request_;
  values.downstream = &context_.facts;
  values.status = status_;
  values.flags = format::ResponseFlags::parse(flag_);
  values.bytes_received = received_;
  values.bytes_sent = sent_;
  values.upstream_host = upstream_host_;
  if (backend_) values.upstream_cluster = backend_->source->cluster;
  if (plan_) values.route = &plan_->rule->origin;
  values.dynamic_metadata = call_.all_metadata();
  values.details = record_.details;
  values.duration = std::chrono::steady_clock::now() - started_;
  values.random = &context_.loop.random;
  if (site_) site_->describe(values);
  return values;
}

/// Before the first filter, or before the request goes out.
void Exchange::forwarding_fields() {
  if (forwarding_added_) return;
  forwarding_added_ = true;
  add_forwarding_fields(request_, context_.facts, site_ ? &site_->options() : nullptr,
                        site_ ? &site_->client() : nullptr, context_.loop.random, call_.arena);
}

/// The endpoint that the client's session is with, where it is still there.
void Exchange::find_session() {
  now_ = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  session_ = read_session(*plan_->rule->session, request_, now_);
  if (session_.endpoint != 0)
    backend_ = find_endpoint(context_.clusters, *plan_, session_.endpoint, wanted_);
}

Task<void> run(Context context, http::ServerStream& stream) {
  Redirects redirects;
  do {
    Exchange exchange(context, stream, redirects);
    std::exception_ptr failed;
    try {
      co_await exchange.run();
    } catch (...) {
      failed = std::current_exception();
    }
    if (failed) {  // memory, above all: nothing of it may go on without it
      co_await exchange.end();
      std::rethrow_exception(failed);
    }
  } while (redirects.again());
}

}  // namespace tidegate::proxy::exchange
