#include "proxy/exchange/exchange.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <optional>

#include "proxy/exchange/details.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/hash_key.h"
#include "proxy/exchange/internal_redirect.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/exchange/mirror.h"
#include "proxy/exchange/own_reply.h"
#include "proxy/exchange/record.h"
#include "proxy/exchange/retry.h"
#include "proxy/exchange/route_stats.h"
#include "proxy/exchange/routing.h"
#include "proxy/exchange/session.h"
#include "proxy/exchange/site_call.h"
#include "proxy/filters/bodies.h"
#include "proxy/runtime/event.h"

namespace tidegate::proxy::exchange {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

class Exchange final : private http::ServerStream::Watcher {
 public:
  Exchange(const Context& context, http::ServerStream& stream, Redirects& redirects)
      : context_(context),
        stream_(stream),
        redirects_(redirects),
        request_(stream.request()),
        call_(context.loop, context.clusters, context.stats, context.facts, request_,
              redirects.body(stream.request_body())),
        forwarding_added_(redirects.begun()),
        started_(std::chrono::steady_clock::now()),
        deadline_([this] { give_up(upstream::Error::kTimeout); }),
        attempt_deadline_([this] {
          late_ = true;
          if (lease_) lease_.stream().cancel(make_error_code(upstream::Error::kTimeout));
          waiting_.cancel(make_error_code(upstream::Error::kTimeout));
        }),
        backoff_([this] { backoff_done_.notify(); }),
        idle_([this] { idled_ = true, give_up(upstream::Error::kTimeout); }),
        record_(context.options, request_) {}

  Task<void> run();

 private:
  /// False: there is no rule, and that has been answered.
  Task<bool> routed();
  /// An answer of the proxy's own.
  Task<void> answer_locally(int status, std::string_view text, const char* flag);
  Task<void> answer(filters::Reply reply);
  Task<void> send_own(http::ResponseHead& head, std::string_view text);
  std::string_view replaced_by(const filters::Reply& reply, http::ResponseHead& head);
  /// False: a filter has answered.
  Task<bool> request_filters(const filters::Chain* chain);
  void route_again(std::size_t acted);
  void take(const Routed& routed);
  Task<void> forward();
  /// One try. Without a value the response has been sent, or it can't be any more.
  Task<std::optional<error_code>> attempt(upstream::ClusterState& cluster, bool fresh, bool last);
  Task<void> respond(upstream::ClusterState& cluster, http::ResponseHead& head);
  /// False: too many others try again already.
  bool begin_retry(upstream::ClusterState& cluster) {
    if (!retrying_) retrying_ = cluster.begin_retry();
    return retrying_.has_value();
  }
  void start_upload();
  Task<void> upload();
  Task<void> stop_upload();
  bool may_retry(error_code failed, bool stale) const;
  void forwarding_fields();
  void find_session();
  void request_ended();
  void finished(int status);
  void begin_trace(const Plan* plan);
  format::Values values() const;

  /// Something came or went: the stream does not idle.
  void moved() {
    if (idle_after_.count() > 0) context_.loop.wheel.arm(idle_, idle_after_);
  }
  void give_up(upstream::Error why) {
    given_up_ = why;
    if (lease_) lease_.stream().cancel(given_up_);
    call_.abandon_response();
    backoff_done_.notify();
    waiting_.cancel(given_up_);
  }
  void client_gone() override { give_up(upstream::Error::kClientGone); }

  const Context& context_;
  http::ServerStream& stream_;
  Redirects& redirects_;
  http::RequestHead& request_;
  filters::Call call_;
  bool forwarding_added_;
  router::Router::Found route_;
  const Plan* plan_ = nullptr;               // null: no rule
  const filters::Chain* chain_ = nullptr;    // of the rule; null: none
  filters::Chain joined_;                    // chain_, where filters led to another rule
  const PlannedCluster* backend_ = nullptr;  // that was picked
  upstream::Lease lease_;
  Mirrors mirrors_;
  http::Chunk first_;       // of the request's body: what came with the head
  bool replayable_ = true;  // no byte of the body has been taken that a second try would miss
  bool uploading_ = false;
  bool upload_stopped_ = false;
  Event upload_ended_;
  error_code given_up_;
  bool late_ = false;       // this attempt: its time is over
  bool head_sent_ = false;  // this attempt: the backend may have seen the request
  bool filtered_ = false;   // filters have seen an answer: what replaces it is not for them
  SessionToken session_;
  std::shared_ptr<upstream::Host> wanted_;  // that it is with
  HashKey hash_key_;
  upstream::Host::Waiting waiting_;  // for a connection that another gives back
  std::optional<Slot> retrying_;     // its place among the cluster's retries
  std::int64_t now_ = 0;             // seconds since 1970, of session_
  std::chrono::steady_clock::time_point started_;
  CallTimer<std::function<void()>> deadline_;
  CallTimer<std::function<void()>> attempt_deadline_;
  CallTimer<std::function<void()>> backoff_;
  Event backoff_done_;
  CallTimer<std::function<void()>> idle_;
  milliseconds idle_after_{0};    // 0: it may
  std::optional<SiteCall> site_;  // none: HTTP as usual here
  Trace* trace_ = nullptr;        // null: no spans; of site_
  bool idled_ = false;            // for too long
  bool request_ended_ = false;
  // For the log.
  Record record_;
  int status_ = 0;
  const char* flag_ = "-";
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::string upstream_host_;
};

void Exchange::request_ended() {
  request_ended_ = true;
  record_.request_ended();
}

void Exchange::finished(int status) {
  status_ = status;
  context_.stats.downstream_rq_completed.add();
  if (status >= 100 && status < 600)
    context_.stats.downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
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
  head = http::ResponseHead();
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
      changed = co_await filters::whole(call_.response_body());
      text = call_.refusal ? replaced_by(call_.decided(), head) : std::string_view(changed);
    }
    co_await call_.settle();
  }
  if (site_) site_->finish(head, request_);
  finished(head.status);
  sent_ += text.size();
  record_.reached(format::Point::kDownstreamSendBegin);
  if (co_await reply(stream_, head, text, call_.arena)) stream_.abort();
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
  if (routed.plan == plan_) return;
  joined_ = joined(*chain_, acted, routed.plan ? routed.plan->filters : nullptr);
  plan_ = nullptr;
  if (routed.plan) take(routed);
  chain_ = &joined_;
}

void Exchange::take(const Routed& routed) {
  route_ = routed.found;
  plan_ = routed.plan;
  chain_ = plan_->filters;
  call_.rule = plan_->rule;
  if (chain_ || plan_->action != Plan::Action::kForward) call_.match = &route_.match();
}

Task<bool> Exchange::routed() {
  if (context_.options.source) {
    site_.emplace(context_.options);
    std::optional<filters::Reply> own;
    if (redirects_.begun()) {
      site_->go_on(redirects_.client());
    } else {
      own = site_->begin(request_, context_.facts, call_.arena);
    }
    if (own) {
      co_await answer(std::move(*own));
      co_return false;
    }
  }
  const Routed routed = find_rule(context_, request_);
  if (context_.options.tracer) begin_trace(routed.plan);
  if (!routed.plan) {
    co_await answer_locally(routed.status, default_text(routed.status), routed.flag);
    co_return false;
  }
  take(routed);
  co_return true;
}

Task<void> Exchange::run() {
  context_.stats.downstream_rq_total.add();
  context_.stats.downstream_rq_active.add();
  if (co_await routed()) {
    context_.stats.rq_total.add();
    bool go_on = true;
    if (chain_) {
      forwarding_fields();
      go_on = co_await request_filters(chain_);
    }
    if (!go_on) {
      // a filter has answered
    } else if (!plan_) {
      co_await answer_locally(404, default_text(404), "NR");
    } else if (plan_->action == Plan::Action::kForward) {
      co_await forward();
    } else {
      context_.stats.rq_direct_response.add();
      co_await answer(own_reply(*plan_, call_, started_));
    }
  }
  co_await call_.settle();
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

Task<void> Exchange::forward() {
  if (plan_->has_session) find_session();
  if (!backend_) backend_ = plan_->pick(context_.loop.random);
  std::shared_ptr<upstream::ClusterState> cluster;
  if (backend_) cluster = context_.clusters.by_id(backend_->cluster);
  if (!cluster) {
    co_await answer_locally(500, default_text(500), "NC");
    co_return;
  }
  forwarding_fields();
  if (backend_->filters) {
    call_.match = &route_.match();
    if (!co_await request_filters(backend_->filters)) co_return;
  }
  if (plan_->has_redirects) co_await keep_body(call_);
  Result<http::Chunk> first = call_.request_body().poll();
  if (!first) {
    co_await answer_locally(400, default_text(400), "DPE");
    co_return;
  }
  first_ = *first;
  if (first_.end && call_.request_body().trailers())
    first_.end = false;  // they follow, in upload()
  received_ += first_.bytes.size();
  if (plan_->has_mirrors) {
    mirrors_.add_all(context_, *plan_->rule, *backend_->source, request_);
    mirrors_.body(first_);
  }
  if (!cluster->plain() && cluster->config().balancing) {
    hash_key_ = hash_key(cluster->config().balancing->hash_policies, request_, context_.facts,
                         context_.loop.random, call_.arena);
  }

  const Rule& rule = *plan_->rule;
  if (plan_->has_timeouts && rule.request_timeout && rule.request_timeout->count() > 0)
    context_.loop.wheel.arm(deadline_, *rule.request_timeout);
  if (site_) idle_after_ = site_->stream_idle();
  if (plan_->has_timeouts && rule.stream_idle_timeout) idle_after_ = *rule.stream_idle_timeout;
  moved();
  stream_.watch_client(this);
  const Retry* retry = plan_->has_timeouts && rule.retry ? &*rule.retry : nullptr;
  int tries_left = retry ? retry->attempts : 0;
  bool fresh = false;
  std::optional<error_code> failed;
  while (true) {
    if (trace_) trace_->attempt_begins(request_);
    failed = co_await attempt(*cluster, fresh, tries_left == 0);
    attempt_deadline_.cancel();
    if (trace_) trace_->attempt_ends(failed, values());
    if (failed && late_) {
      failed = make_error_code(upstream::Error::kTimeout);
      cluster->stats().upstream_rq_per_try_timeout.add();
    }
    if (!failed || given_up_) break;
    bool stale = *failed == upstream::Error::kReset && lease_ && lease_.stream().reused() &&
                 !lease_.stream().answered();
    co_await stop_upload();
    lease_.count(0);
    lease_.finish();
    if (!may_retry(*failed, stale)) break;
    if (stale && !fresh) {  // closed while it idled: the same try again, on a connection of its own
      fresh = true;
      continue;
    }
    if (tries_left == 0 || !begin_retry(*cluster)) break;
    --tries_left;
    fresh = false;
    wanted_.reset();
    cluster->stats().upstream_rq_retry.add();
    const milliseconds pause =
        pause_before(*retry, retry->attempts - tries_left, context_.loop.random);
    if (pause.count() > 0) {
      context_.loop.wheel.arm(backoff_, pause);
      co_await backoff_done_.wait();
      if (given_up_) break;
    }
  }
  deadline_.cancel();
  idle_.cancel();
  idle_after_ = milliseconds(0);
  stream_.watch_client(nullptr);
  co_await stop_upload();
  co_await call_.settle();
  if (failed && given_up_ == upstream::Error::kTimeout) lease_.count(0);
  lease_.finish();
  retrying_.reset();
  if (!failed) co_return;
  if (given_up_) failed = given_up_;
  if (*failed == upstream::Error::kClientGone) {
    flag_ = "DC";
    record_.details = "downstream_remote_disconnect";
    context_.stats.downstream_rq_rx_reset.add();
    stream_.abort();
    co_return;
  }
  if (*failed == upstream::Error::kTimeout) cluster->stats().upstream_rq_timeout.add();
  const char* flag = upstream::flag_of(*failed);
  int status = upstream::status_of(*failed);
  if (idled_) {
    flag = "SI";
    if (!request_ended_) status = 408;
  }
  cluster->stats().upstream_rq_completed.add();
  cluster->stats().upstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  co_await answer_locally(status, default_text(status), flag);
}

bool Exchange::may_retry(error_code failed, bool stale) const {
  if (!replayable_ || given_up_) return false;
  const Retry* retry = plan_->has_timeouts && plan_->rule->retry ? &*plan_->rule->retry : nullptr;
  return safe_to_retry(retry, failed, stale, head_sent_, request_);
}

Task<std::optional<error_code>> Exchange::attempt(upstream::ClusterState& cluster, bool fresh,
                                                  bool last) {
  bool once = request_.method != "GET" && request_.method != "HEAD";
  if (plan_->has_timeouts || !cluster.plain()) {
    if (const auto time = attempt_time(*plan_->rule, cluster.config()))
      context_.loop.wheel.arm(attempt_deadline_, *time);
  }
  late_ = false;
  head_sent_ = false;
  waiting_.failed = {};
  TimerWheel& wheel = context_.loop.wheel;
  const upstream::Choice choice{
      wanted_.get(),      hash_key_.hash,
      request_.authority, &context_.facts,
      &waiting_,          std::min(wheel.left(deadline_), wheel.left(attempt_deadline_))};
  record_.reached(format::Point::kUpstreamConnectionBegin);
  Result<upstream::Lease> lease = co_await cluster.acquire(fresh, once, choice);
  if (!lease) co_return lease.error();
  lease_ = std::move(*lease);
  if (given_up_) co_return given_up_;
  if (late_) co_return make_error_code(upstream::Error::kTimeout);
  upstream_host_ = lease_.host().text;
  record_.tried(upstream_host_);
  if (plan_->rewrites_host) rewrite_host(request_, lease_.host().address.hostname);
  http::ClientStream& upstream = lease_.stream();
  if (error_code failed = co_await upstream.send_head(request_, first_)) co_return failed;
  head_sent_ = true;
  if (first_.end) request_ended();
  if (!first_.end && !uploading_) start_upload();
  http::ResponseHead* head = nullptr;
  while (!head) {
    Result<http::ResponseHead*> next = co_await upstream.receive_head();
    if (!next) co_return next.error();
    int status = (*next)->status;
    if (status >= 200 || status == 101) {
      head = *next;
    } else if (status != 100 && request_.version != http::Version::kHttp10) {
      if (error_code failed = co_await stream_.send_informational(**next)) co_return failed;
    }
  }
  if (trace_) trace_->attempt_answered(head->status);
  if (head->status == 101 && request_.upgrade.empty())
    co_return make_error_code(upstream::Error::kBadResponse);
  if (!last && replayable_ && retries_answer(*plan_->rule->retry, *head) && begin_retry(cluster))
    co_return make_error_code(upstream::Error::kRetriedStatus);
  co_await respond(cluster, *head);
  co_return std::nullopt;
}

Task<void> Exchange::respond(upstream::ClusterState& cluster, http::ResponseHead& head) {
  ClusterStats& counted = cluster.stats();
  counted.upstream_rq_completed.add();
  counted.upstream_rq_xx[static_cast<std::size_t>(head.status / 100 - 1)].add();
  lease_.count(head.status);
  record_.answered();
  const http::Chunk* whole = replayable_ && first_.end ? &first_ : nullptr;
  if (plan_->has_redirects &&
      redirects_.follow(context_, *plan_->rule, request_, head, whole, counted)) {
    status_ = head.status;
    record_.details = "internal_redirect";
    if (site_) redirects_.keep(site_->client());
    if (!head.body.none()) lease_.stream().cancel(make_error_code(upstream::Error::kReset));
    co_return;
  }
  bool upgraded = head.status == 101;
  if (upgraded) context_.stats.downstream_cx_upgrades_total.add();
  if (upgraded)
    deadline_.cancel(), attempt_deadline_.cancel();  // what follows is not a request any more
  call_.set_response_body(lease_.stream().response_body());
  for (const filters::Chain* chain : {backend_->filters, chain_}) {
    if (!chain || co_await filters::run_response(*chain, call_, head)) continue;
    lease_.stream().cancel(make_error_code(upstream::Error::kReset));  // its answer is not wanted
    filtered_ = true;
    co_await answer(call_.decided());
    co_return;
  }
  if (plan_->has_session) {
    const SessionToken now{lease_.host().session, now_};
    keep_session(*plan_->rule->session, session_, now, context_.facts.tls, head, call_.arena);
  }
  for (const std::string_view cookie : hash_key_.cookies) head.fields.add("set-cookie", cookie);
  finished(head.status);
  if (site_) site_->finish(head, request_);
  record_.keep(head, call_.arena);
  http::BodySource& body = call_.response_body();
  Result<http::Chunk> chunk = body.poll();
  error_code failed;
  bool head_sent = false;
  while (true) {
    if (!chunk) break;
    const http::Fields* trailers = chunk->end ? body.trailers() : nullptr;
    if (trailers && trailers->empty()) trailers = nullptr;
    moved();
    http::Chunk part = *chunk;
    if (trailers) part.end = false;
    sent_ += part.bytes.size();
    if (!head_sent) {
      record_.reached(format::Point::kDownstreamSendBegin);
      failed = co_await stream_.send_head(head, part);
      head_sent = true;
      if (upgraded && !failed) start_upload();  // what the client sends now is the other protocol's
    } else if (!part.bytes.empty() || part.end) {
      failed = co_await stream_.send_body(part);
    }
    if (!failed && trailers) {
      record_.keep(*trailers, call_.arena);
      failed = co_await stream_.send_trailers(*trailers);
    }
    if (failed || chunk->end) break;
    chunk = co_await body.read();
  }
  attempt_deadline_.cancel();
  record_.answer_ended();
  if (!failed && chunk) {
    counted.upstream_rq_time.record(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started_)
            .count());
    co_return;
  }
  if (failed) {  // the client has gone
    flag_ = "DC";
    record_.details = "downstream_remote_disconnect";
    lease_.stream().cancel(make_error_code(upstream::Error::kClientGone));
  } else if (!head_sent) {
    flag_ = upstream::flag_of(chunk.error());
    co_await answer_locally(upstream::status_of(chunk.error()),
                            default_text(upstream::status_of(chunk.error())), flag_);
    co_return;
  } else {
    flag_ = idled_ ? "SI" : upstream::flag_of(chunk.error());
    context_.stats.rq_reset_after_downstream_response_started.add();
  }
  stream_.abort();
}

void Exchange::start_upload() {
  replayable_ = false;
  uploading_ = true;
  asio::co_spawn(context_.loop.io, upload(), asio::detached);
}

/// Passes the rest of the request's body on, beside the answer. A backend that takes no more is
/// left to say why.
Task<void> Exchange::upload() {
  http::BodySource& body = call_.request_body();
  while (!upload_stopped_) {
    Result<http::Chunk> chunk = co_await body.read();
    if (upload_stopped_) break;
    if (!chunk) {
      call_.refusal ? give_up(upstream::Error::kReset) : client_gone();
      break;
    }
    received_ += chunk->bytes.size();
    moved();
    mirrors_.body(*chunk);
    const http::Fields* trailers = chunk->end ? body.trailers() : nullptr;
    http::Chunk part = *chunk;
    if (trailers) part.end = false;
    error_code failed;
    if (!part.bytes.empty() || part.end) failed = co_await lease_.stream().send_body(part);
    if (!failed && trailers) failed = co_await lease_.stream().send_trailers(*trailers);
    if (chunk->end) request_ended();
    if (failed || chunk->end) break;
  }
  uploading_ = false;
  upload_ended_.notify();
}

Task<void> Exchange::stop_upload() {
  if (!uploading_) co_return;
  upload_stopped_ = true;
  call_.request_body().abandon();
  if (uploading_ && lease_) lease_.stream().cancel(make_error_code(upstream::Error::kReset));
  while (uploading_) co_await upload_ended_.wait();
}

}  // namespace

Task<void> run(Context context, http::ServerStream& stream) {
  Redirects redirects;
  do {
    Exchange exchange(context, stream, redirects);
    co_await exchange.run();
  } while (redirects.again());
}

}  // namespace tidegate::proxy::exchange
