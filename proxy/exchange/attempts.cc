
#include <algorithm>

#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/exchange/one_exchange.h"
#include "proxy/exchange/retry.h"
#include "proxy/http2/error.h"

/// The part of an exchange that has to do with the backend.
namespace tidegate::proxy::exchange {

namespace asio = boost::asio;

namespace {
constexpr int kInformationalMax = 16;  // 1xx ahead of an answer

/// The answer that the client gets.
void count_final(ClusterStats& counted, int status) {
  counted.upstream_rq_completed.add();
  counted.upstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  counted.upstream_rq.add(status);
}

/// One that is thrown away for another try.
void count_discarded(ClusterStats& counted, int status) {
  counted.retry_upstream_rq_completed.add();
  counted.retry_upstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  counted.retry_upstream_rq.add(status);
}

/// Why an attempt ended without an answer.
void count_failure(ClusterStats& counted, error_code failed, bool sent, bool by_us) {
  if (sent && by_us) {
    counted.upstream_rq_tx_reset.add();
  } else if (sent && failed == upstream::Error::kReset) {
    counted.upstream_rq_rx_reset.add();
  } else if (!sent && by_us) {
    counted.upstream_rq_cancelled.add();
  } else if (!sent && (failed == upstream::Error::kConnectFailed ||
                       failed == upstream::Error::kConnectTimeout)) {
    counted.upstream_rq_pending_failure_eject.add();
  }
}

/// Which fields may not follow a body: those that stand in the head, or that somebody has settled.
struct NoTrailers {
  const http::Settled& settled;
  const http::Fields* head;  // null: they may

  bool let(std::string_view name) const { return may_trail(name, head) && !settled.has(name); }
};

template <class Stream>
Task<error_code> pass_some(Stream& to, const http::Fields& trailers, const NoTrailers& but) {
  http::Fields passed;
  for (const http::Field& field : trailers)
    if (but.let(field.name)) passed.append(field.name, field.value);
  co_return co_await to.send_trailers(passed);
}

/// `but` lives until it returns.
template <class Stream>
Task<error_code> pass_trailers(Stream& to, const http::Fields& trailers, const NoTrailers& but) {
  const bool all = std::all_of(trailers.begin(), trailers.end(),
                               [&but](const http::Field& field) { return but.let(field.name); });
  return all ? to.send_trailers(trailers) : pass_some(to, trailers, but);
}

/// Tells of what filters make of an answer's head, which may be used again when this goes.
class Told {
 public:
  Told(http::Fields& fields, http::Settled* settled) : fields_(fields) { fields.tell(settled); }
  ~Told() { fields_.tell(nullptr); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

 private:
  http::Fields& fields_;
};

/// Counts what is there as long as it stands.
class Present {
 public:
  Present(Gauge& gauge, bool present) : gauge_(present ? &gauge : nullptr) {
    if (gauge_) gauge_->add();
  }
  ~Present() {
    if (gauge_) gauge_->sub();
  }
  Present(const Present&) = delete;
  Present& operator=(const Present&) = delete;

 private:
  Gauge* gauge_;
};

}  // namespace

Task<void> Exchange::forward() {
  if (plan_->has_session) find_session();
  if (!backend_) backend_ = plan_->pick(context_.loop.random);
  std::shared_ptr<upstream::ClusterState> cluster;
  if (backend_) cluster = context_.clusters.by_id(backend_->cluster);
  if (!cluster) {
    context_.stats.no_cluster.add();
    co_await answer_locally(500, default_text(500), "NC");
    co_return;
  }
  forwarding_fields();
  if (backend_->filters) {
    call_.match = &route_.match();
    if (!co_await request_filters(backend_->filters)) co_return;
  }
  const Rule& rule = *plan_->rule;
  if (plan_->has_timeouts && rule.stream_idle_timeout) stream_.let_pause(*rule.stream_idle_timeout);
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
    hash_key_ = hash_key(cluster->config().balancing->hash_policies, request_, call_.client_ip(),
                         context_.loop.random, call_.arena);
  }

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
    if (failed) count_failure(cluster->stats(), *failed, head_sent_, late_ || given_up_);
    if (!failed || given_up_) break;
    const bool untouched = failed->category() == http2::category() && http2::retry_safe(*failed);
    const bool stale = (*failed == upstream::Error::kReset || untouched) && lease_ &&
                       lease_.stream().reused() && !lease_.stream().answered();
    co_await stop_upload();
    lease_.count(0);
    lease_.finish();
    if (!may_retry(*failed, stale)) break;
    // Closed while it idled, or going away: the same try again, on a connection of its own.
    if (stale && !fresh) {
      fresh = true;
      continue;
    }
    if (tries_left == 0 && retry) cluster->stats().upstream_rq_retry_limit_exceeded.add();
    if (tries_left == 0 || !begin_retry(*cluster)) break;
    --tries_left;
    fresh = false;
    wanted_.reset();
    cluster->stats().upstream_rq_retry.add();
    cluster->stats().upstream_rq_retry_backoff_exponential.add();
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
  if (!call_.settled()) co_await call_.settle();
  if (failed && given_up_ == upstream::Error::kTimeout) lease_.count(0);
  lease_.finish();
  retrying_.reset();
  if (!failed) co_return;
  if (given_up_) failed = given_up_;
  if (client_fault_ != 0) {
    co_await answer_locally(client_fault_, default_text(client_fault_),
                            client_fault_ == 400 ? "DPE" : "SI");
    co_return;
  }
  if (*failed == upstream::Error::kClientGone) {
    flag_ = "DC";
    record_.details = "downstream_remote_disconnect";
    break_off(true);
    co_return;
  }
  if (*failed == upstream::Error::kTimeout) cluster->stats().upstream_rq_timeout.add();
  const char* flag = upstream::flag_of(*failed);
  int status = upstream::status_of(*failed);
  if (idled_) {
    context_.stats.downstream_rq_idle_timeout.add();
    flag = "SI";
    if (!request_ended_) status = 408;
  }
  count_final(cluster->stats(), status);
  co_await answer_locally(status, default_text(status), flag);
}

bool Exchange::may_retry(error_code failed, bool stale) const {
  if (!replayable_ || given_up_) return false;
  const Retry* retry = plan_->has_timeouts && plan_->rule->retry ? &*plan_->rule->retry : nullptr;
  return safe_to_retry(retry, failed, stale, head_sent_, request_);
}

Task<std::optional<error_code>> Exchange::attempt(upstream::ClusterState& cluster, bool fresh,
                                                  bool last) {
  // What cannot be sent again if the connection turns out to have been closed.
  const bool once = (request_.method != "GET" && request_.method != "HEAD") || !first_.end ||
                    !request_.upgrade.empty();
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
  int informational = 0;
  while (!head) {
    Result<http::ResponseHead*> next = co_await upstream.receive_head();
    if (!next) co_return next.error();
    int status = (*next)->status;
    if (status >= 200 || status == 101) {
      head = *next;
    } else if (++informational > kInformationalMax) {
      context_.stats.limits.informational.add();
      co_return make_error_code(upstream::Error::kBadResponse);
    } else if (status != 100 && request_.version != http::Version::kHttp10) {
      if (error_code failed = co_await stream_.send_informational(**next)) co_return failed;
    }
  }
  if (trace_) trace_->attempt_answered(head->status);
  if (head->status == 101 && request_.upgrade.empty())
    co_return make_error_code(upstream::Error::kBadResponse);
  if (replayable_ && plan_->has_timeouts && plan_->rule->retry &&
      retries_answer(*plan_->rule->retry, *head)) {
    if (last) {
      cluster.stats().upstream_rq_retry_limit_exceeded.add();
    } else if (begin_retry(cluster)) {
      count_discarded(cluster.stats(), head->status);
      co_return make_error_code(upstream::Error::kRetriedStatus);
    }
  } else if (retrying_) {
    cluster.stats().upstream_rq_retry_success.add();
  }
  co_await respond(cluster, *head);
  co_return std::nullopt;
}

Task<void> Exchange::respond(upstream::ClusterState& cluster, http::ResponseHead& head) {
  ClusterStats& counted = cluster.stats();
  count_final(counted, head.status);
  lease_.count(head.status);
  record_.answered();
  const http::Chunk* whole = replayable_ && first_.end ? &first_ : nullptr;
  if (plan_->has_redirects && !call_.own_secrets &&
      redirects_.follow(context_, *plan_->rule, request_, head, whole, counted)) {
    status_ = head.status;
    record_.details = "internal_redirect";
    if (site_) redirects_.keep(site_->client());
    if (!head.body.none()) lease_.stream().cancel(make_error_code(upstream::Error::kReset));
    co_return;
  }
  bool upgraded = head.status == 101;
  const Present upgrade(context_.stats.downstream_cx_upgrades_active, upgraded);
  if (upgraded) context_.stats.downstream_cx_upgrades_total.add();
  if (upgraded)
    deadline_.cancel(), attempt_deadline_.cancel();  // what follows is not a request any more
  const bool may_trail = head.chunked || head.version == http::Version::kHttp2;
  const Told told(head.fields, may_trail ? &settled_response_ : nullptr);
  call_.set_response_body(lease_.stream().response_body());
  for (const filters::Chain* chain : {backend_->filters, chain_}) {
    if (!chain || co_await filters::run_response(*chain, call_, head)) continue;
    counted.upstream_rq_tx_reset.add();
    lease_.stream().cancel(make_error_code(upstream::Error::kReset));  // its answer is not wanted
    filtered_ = true;
    co_await answer(call_.decided());
    co_return;
  }
  filtered_ = true;
  if (plan_->has_session) {
    const SessionToken now{lease_.host().session, now_};
    keep_session(*plan_->rule->session, session_, now, context_.facts.tls, head, call_.arena);
  }
  for (const std::string_view cookie : hash_key_.cookies) head.fields.add("set-cookie", cookie);
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
      finished(head.status);  // not before: an answer of ours may take its place
      failed = co_await stream_.send_head(head, part);
      head_sent = true;
      if (upgraded && !failed && !chunk->end) {  // what comes now is the other protocol's
        if (co_await carry(counted, failed, chunk)) break;
        tunnel_ = true;
        if (!uploading_) start_upload();
      }
    } else if (!part.bytes.empty() || part.end) {
      failed = co_await stream_.send_body(part);
    }
    if (!failed && trailers) {
      record_.keep(*trailers, call_.arena);
      const NoTrailers but{settled_response_, nullptr};
      failed = co_await pass_trailers(stream_, *trailers, but);
    }
    if (failed || chunk->end) break;
    chunk = co_await body.read();
  }
  if (tunnel_broken_) {
    failed.clear();
    chunk = tunnel_broken_;
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
    counted.upstream_rq_tx_reset.add();
    lease_.stream().cancel(make_error_code(upstream::Error::kClientGone));
  } else if (!head_sent) {
    flag_ = upstream::flag_of(chunk.error());
    co_await answer_locally(upstream::status_of(chunk.error()),
                            default_text(upstream::status_of(chunk.error())), flag_);
    co_return;
  } else {
    flag_ = idled_ ? "SI" : upstream::flag_of(chunk.error());
    counted.upstream_rq_rx_reset.add();
    context_.stats.rq_reset_after_downstream_response_started.add();
  }
  break_off(static_cast<bool>(failed));
}

void Exchange::start_upload() {
  replayable_ = false;
  uploading_ = true;
  spawn(context_.loop.io, upload());
}

/// Passes the rest of the request's body on, beside the answer. A backend that takes no more is
/// left to say why.
Task<void> Exchange::upload() {
  http::BodySource& body = call_.request_body();
  while (!upload_stopped_) {
    Result<http::Chunk> chunk = co_await body.read();
    if (upload_stopped_) break;
    if (!chunk) {
      call_.refusal ? give_up(upstream::Error::kReset) : body_failed(chunk.error());
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
    if (!failed && trailers) {
      const NoTrailers but{settled_request_, &request_.fields};
      failed = co_await pass_trailers(lease_.stream(), *trailers, but);
    }
    if (chunk->end) request_ended();
    // A tunnel has no answer left to wait for.
    if (failed && tunnel_ && !upload_stopped_) {
      tunnel_broken_ = failed;
      stream_.abort();
      lease_.stream().cancel(failed);
    }
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

}  // namespace tidegate::proxy::exchange
