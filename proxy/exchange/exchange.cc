#include "proxy/exchange/exchange.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <chrono>
#include <optional>

#include "proxy/exchange/authorization.h"
#include "proxy/exchange/forwarding.h"
#include "proxy/exchange/local_reply.h"
#include "proxy/exchange/mirror.h"
#include "proxy/exchange/session.h"
#include "proxy/filters/cors.h"
#include "proxy/filters/header_modifier.h"
#include "proxy/filters/path_modifier.h"
#include "proxy/http2/error.h"
#include "proxy/runtime/event.h"
#include "proxy/upstream/weighted.h"

namespace tidegate::proxy::exchange {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

class Exchange final : private http::ServerStream::Watcher {
 public:
  Exchange(const Context& context, http::ServerStream& stream)
      : context_(context),
        stream_(stream),
        request_(stream.request()),
        started_(std::chrono::steady_clock::now()),
        deadline_([this] { give_up(upstream::Error::kTimeout); }),
        attempt_deadline_([this] {
          late_ = true;
          if (lease_) lease_.stream().cancel(make_error_code(upstream::Error::kTimeout));
        }),
        backoff_([this] { backoff_done_.notify(); }) {}

  Task<void> run();

 private:
  Task<void> answer_locally(int status, std::string_view text, const char* flag);
  Task<void> redirect(const Redirect& redirect);
  Task<void> forward(const Forward& forward);
  /// One try. Without a value the response has been sent, or it can't be any more.
  Task<std::optional<error_code>> attempt(upstream::ClusterState& cluster, bool fresh, bool last);
  Task<void> respond(upstream::ClusterState& cluster, http::ResponseHead& head);
  bool retried(int status) const;
  void start_upload();
  Task<void> upload();
  Task<void> stop_upload();
  bool may_retry(error_code failed) const;
  static bool has_authorization(const std::vector<Filter>& all);
  Task<bool> authorize(const std::vector<Filter>& all);
  Task<int> gather(std::uint64_t bytes_max);
  void find_session(const Forward& forward);
  void keep_session(http::ResponseHead& head);
  void request_filters(const std::vector<Filter>& filters);
  void response_filters(const std::vector<Filter>& filters, http::ResponseHead& head);
  void finished(int status);

  void give_up(upstream::Error why) {
    given_up_ = why;
    if (lease_) lease_.stream().cancel(given_up_);
    backoff_done_.notify();
  }
  void client_gone() override { give_up(upstream::Error::kClientGone); }

  const Context& context_;
  http::ServerStream& stream_;
  http::RequestHead& request_;
  Arena arena_;
  router::Router::Found route_{};
  const WeightedCluster* backend_ = nullptr;
  upstream::Lease lease_;
  Mirrors mirrors_;
  http::Chunk first_;       // of the request's body: what came with the head
  bool replayable_ = true;  // no byte of the body has been taken that a second try would miss
  bool uploading_ = false;
  bool upload_stopped_ = false;
  Event upload_ended_;
  error_code given_up_;
  bool late_ = false;                    // this attempt: its time is over
  std::optional<std::string> gathered_;  // the whole body, where somebody had to see it first
  SessionToken session_;
  std::shared_ptr<upstream::Host> wanted_;  // that it is with
  std::int64_t now_ = 0;                    // seconds since 1970, of session_
  std::chrono::steady_clock::time_point started_;
  CallTimer<std::function<void()>> deadline_;
  CallTimer<std::function<void()>> attempt_deadline_;
  CallTimer<std::function<void()>> backoff_;
  Event backoff_done_;
  // For the log.
  int status_ = 0;
  const char* flag_ = "-";
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::string upstream_host_;
};

void Exchange::finished(int status) {
  status_ = status;
  context_.stats.downstream_rq_completed.add();
  if (status >= 100 && status < 600)
    context_.stats.downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
}

Task<void> Exchange::answer_locally(int status, std::string_view text, const char* flag) {
  http::ResponseHead head;
  head.status = status;
  flag_ = flag;
  if (route_.rule) response_filters(route_.rule->filters, head);
  finished(status);
  sent_ += text.size();
  if (co_await reply(stream_, head, text)) stream_.abort();
}

bool Exchange::has_authorization(const std::vector<Filter>& all) {
  return std::any_of(all.begin(), all.end(), [](const Filter& filter) {
    return std::holds_alternative<ExternalAuth>(filter);
  });
}

/// The whole body, for a service that wants to see it. 0, or the status to refuse with.
Task<int> Exchange::gather(std::uint64_t bytes_max) {
  // What follows an upgrade is another protocol's, and may wait for our answer.
  if (request_.body.none() || !request_.upgrade.empty()) co_return 0;
  if (!gathered_) {
    const http::BodyLength& length = request_.body;
    if (length.kind == http::BodyLength::Kind::kExact && length.bytes > bytes_max) co_return 413;
    gathered_.emplace();
    while (true) {
      Result<http::Chunk> chunk = co_await stream_.request_body().read();
      if (!chunk) co_return 400;
      gathered_->append(chunk->bytes.data(), chunk->bytes.size());
      if (gathered_->size() > bytes_max) co_return 413;
      if (chunk->end) break;
    }
  }
  co_return gathered_->size() > bytes_max ? 413 : 0;
}

/// Asks the services among the filters. False: one has denied, and that has been answered.
Task<bool> Exchange::authorize(const std::vector<Filter>& all) {
  for (const Filter& filter : all) {
    const auto* auth = std::get_if<ExternalAuth>(&filter);
    if (!auth) continue;
    if (auth->body_max > 0) {
      if (const int refused = co_await gather(auth->body_max)) {
        co_await answer_locally(refused, default_text(refused), refused == 413 ? "-" : "DPE");
        co_return false;
      }
    }
    const std::string_view body = gathered_ && auth->body_max > 0 ? *gathered_ : std::string_view();
    Verdict verdict = co_await ask(context_, *auth, request_, body, arena_);
    if (!verdict.allowed) {
      http::ResponseHead head;
      head.status = verdict.status;
      head.fields = std::move(verdict.fields);
      flag_ = "UAEX";
      response_filters(route_.rule->filters, head);
      finished(head.status);
      sent_ += verdict.body.size();
      if (co_await reply(stream_, head, verdict.body)) stream_.abort();
      co_return false;
    }
    for (const http::Field& field : verdict.fields) {
      if (!http::iequals(field.name, "host") && !field.name.starts_with(':'))
        request_.fields.set(field.name, field.value);
    }
    for (const std::string_view name : verdict.remove) request_.fields.remove(name);
  }
  co_return true;
}

Task<void> Exchange::redirect(const Redirect& redirect) {
  http::ResponseHead head;
  head.status = redirect.status;
  head.fields.append("location",
                     filters::location(redirect, route_.entry->match, request_, arena_));
  response_filters(route_.rule->filters, head);
  context_.stats.rq_direct_response.add();
  finished(head.status);
  if (co_await reply(stream_, head, {})) stream_.abort();
}

void Exchange::request_filters(const std::vector<Filter>& all) {
  for (const Filter& filter : all) {
    if (const auto* modifier = std::get_if<RequestHeaderModifier>(&filter)) {
      std::string_view host = filters::apply(modifier->changes, request_.fields);
      if (!host.empty()) request_.authority = host;
    } else if (const auto* rewrite = std::get_if<UrlRewrite>(&filter)) {
      if (rewrite->hostname) request_.authority = *rewrite->hostname;
      if (rewrite->path)
        request_.path =
            filters::modified_path(*rewrite->path, route_.entry->match, request_.path, arena_);
    }
  }
}

void Exchange::response_filters(const std::vector<Filter>& all, http::ResponseHead& head) {
  for (auto filter = all.rbegin(); filter != all.rend(); ++filter) {
    if (const auto* modifier = std::get_if<ResponseHeaderModifier>(&*filter)) {
      filters::apply(modifier->changes, head.fields);
    } else if (const auto* cors = std::get_if<Cors>(&*filter)) {
      filters::add_cors_fields(*cors, request_, head, arena_);
    }
  }
}

Task<void> Exchange::run() {
  context_.stats.downstream_rq_total.add();
  context_.stats.downstream_rq_active.add();
  if (request_.authority.size() > 255) {
    co_await answer_locally(400, default_text(400), "-");
  } else {
    char buffer[256];
    std::string_view host = router::host_of(request_.authority, buffer);
    const router::CompiledSite* site = context_.sites.by_host(host);
    const router::CompiledSite* mine =
        context_.facts.tls ? context_.sites.by_sni(context_.facts.sni) : site;
    if (site && mine != site) {
      co_await answer_locally(421, default_text(421), "-");  // RFC 9110 section 15.5.20
    } else {
      if (site) route_ = site->router.route(request_, host);
      if (!route_.rule) {
        context_.stats.no_route.add();
        co_await answer_locally(404, default_text(404), "NR");
      } else {
        context_.stats.rq_total.add();
        const Cors* cors = nullptr;
        for (const Filter& filter : route_.rule->filters) {
          if (const auto* found = std::get_if<Cors>(&filter)) cors = found;
        }
        if (cors && filters::is_preflight(request_)) {
          http::ResponseHead head;
          head.status = 204;
          filters::answer_preflight(*cors, request_, head, arena_);
          finished(head.status);
          if (co_await reply(stream_, head, {})) stream_.abort();
        } else if (has_authorization(route_.rule->filters) &&
                   !co_await authorize(route_.rule->filters)) {
          // has been answered
        } else if (const auto* direct = std::get_if<DirectResponse>(&route_.rule->action)) {
          context_.stats.rq_direct_response.add();
          co_await answer_locally(
              direct->status, direct->body.empty() ? default_text(direct->status) : direct->body,
              "-");
        } else if (const auto* elsewhere = std::get_if<Redirect>(&route_.rule->action)) {
          co_await redirect(*elsewhere);
        } else {
          co_await forward(std::get<Forward>(route_.rule->action));
        }
      }
    }
  }
  context_.stats.downstream_rq_active.sub();
  double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started_)
                  .count();
  context_.stats.downstream_rq_time.record(ms);
  if (context_.access_log) {
    telemetry::LogEntry entry;
    entry.request = &request_;
    entry.facts = &context_.facts;
    entry.status = status_;
    entry.flags = flag_;
    entry.bytes_received = received_;
    entry.bytes_sent = sent_;
    entry.duration_ms = ms;
    entry.upstream_host = upstream_host_;
    entry.upstream_cluster = backend_ ? std::string_view(backend_->cluster) : std::string_view();
    entry.route_name =
        route_.rule ? std::string_view(route_.rule->origin.name) : std::string_view();
    context_.access_log->write(entry);
  }
}

/// The endpoint that the client's session is with, where it is still there.
void Exchange::find_session(const Forward& forward) {
  now_ = std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
             .count();
  session_ = read_session(*route_.rule->session, request_, now_);
  if (session_.endpoint == 0) return;
  for (const WeightedCluster& one : forward.clusters) {
    std::shared_ptr<upstream::ClusterState> cluster = context_.clusters.find(one.cluster);
    if (!cluster) continue;
    for (const std::shared_ptr<upstream::Host>& host : cluster->hosts()) {
      if (host->session != session_.endpoint) continue;
      backend_ = &one;
      wanted_ = host;
      return;
    }
  }
}

/// Tells the client its session: a cookie once, a field with every answer.
void Exchange::keep_session(http::ResponseHead& head) {
  const SessionPersistence& session = *route_.rule->session;
  const bool same = session_.endpoint == lease_.host().session;
  if (same && session.type == SessionPersistence::Type::kCookie) return;
  if (!same) session_ = {lease_.host().session, now_};
  write_session(session, session_, context_.facts.tls, head, arena_);
}

Task<void> Exchange::forward(const Forward& forward) {
  const Rule& rule = *route_.rule;
  if (rule.session) find_session(forward);
  if (!backend_) backend_ = upstream::pick(forward.clusters, context_.loop.random);
  std::shared_ptr<upstream::ClusterState> cluster;
  if (backend_ && !backend_->cluster.empty()) cluster = context_.clusters.find(backend_->cluster);
  if (!cluster) {
    co_await answer_locally(500, default_text(500), "NC");
    co_return;
  }
  if (has_authorization(backend_->filters) && !co_await authorize(backend_->filters)) co_return;
  request_filters(rule.filters);
  request_filters(backend_->filters);
  add_forwarding_fields(request_, context_.facts, context_.loop.random, arena_);
  Result<http::Chunk> first = gathered_ ? Result<http::Chunk>(http::Chunk{{*gathered_}, true})
                                        : stream_.request_body().poll();
  if (!first) {
    co_await answer_locally(400, default_text(400), "DPE");
    co_return;
  }
  first_ = *first;
  if (first_.end && stream_.request_body().trailers())
    first_.end = false;  // they follow, in upload()
  received_ += first_.bytes.size();
  for (const std::vector<Filter>* all : {&rule.filters, &backend_->filters}) {
    for (const Filter& filter : *all) {
      if (const auto* copy = std::get_if<RequestMirror>(&filter))
        mirrors_.add(context_, *copy, request_);
    }
  }
  mirrors_.body(first_);

  if (rule.request_timeout && rule.request_timeout->count() > 0)
    context_.loop.wheel.arm(deadline_, *rule.request_timeout);
  stream_.watch_client(this);
  int tries_left = rule.retry ? rule.retry->attempts : 0;
  bool fresh = false;
  milliseconds pause = rule.retry ? rule.retry->backoff : milliseconds(0);
  std::optional<error_code> failed;
  while (true) {
    failed = co_await attempt(*cluster, fresh, tries_left == 0);
    attempt_deadline_.cancel();
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
    if (!may_retry(*failed)) break;
    if (stale && !fresh) {  // closed while it idled: the same try again, on a connection of its own
      fresh = true;
      continue;
    }
    if (tries_left == 0) break;
    --tries_left;
    fresh = false;
    wanted_.reset();
    cluster->stats().upstream_rq_retry.add();
    if (pause.count() > 0) {
      milliseconds jitter(
          context_.loop.random.below(static_cast<std::uint64_t>(pause.count()) / 2 + 1));
      context_.loop.wheel.arm(backoff_, pause - jitter);
      co_await backoff_done_.wait();
      if (given_up_) break;
      pause = std::min(pause * 2, milliseconds(10000));
    }
  }
  deadline_.cancel();
  stream_.watch_client(nullptr);
  co_await stop_upload();
  lease_.finish();
  if (!failed) co_return;
  if (given_up_) failed = given_up_;
  if (*failed == upstream::Error::kClientGone) {
    flag_ = "DC";
    context_.stats.downstream_rq_rx_reset.add();
    stream_.abort();
    co_return;
  }
  if (*failed == upstream::Error::kTimeout) cluster->stats().upstream_rq_timeout.add();
  if (failed->category() == asio::error::get_misc_category() ||
      failed->category() == boost::system::system_category()) {
    failed = make_error_code(upstream::Error::kReset);
  }
  int status = upstream::status_of(*failed);
  cluster->stats().upstream_rq_completed.add();
  cluster->stats().upstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  co_await answer_locally(status, default_text(status), upstream::flag_of(*failed));
}

/// A second try is safe where the backend cannot have acted on the first: nothing was sent, or the
/// method is idempotent and its body (if any) is still at hand. Source: RFC 9110 section 9.2.2.
bool Exchange::may_retry(error_code failed) const {
  if (!replayable_ || given_up_) return false;
  if (failed == upstream::Error::kConnectFailed || failed == upstream::Error::kConnectTimeout ||
      failed == upstream::Error::kRetriedStatus) {
    return true;
  }
  if (failed.category() == http2::category() && http2::retry_safe(failed)) return true;
  std::string_view method = request_.method;
  bool idempotent = method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
                    method == "DELETE" || method == "TRACE";
  const bool again = failed == upstream::Error::kReset ||
                     (failed == upstream::Error::kTimeout && route_.rule->retry);
  return idempotent && request_.upgrade.empty() && again;
}

Task<std::optional<error_code>> Exchange::attempt(upstream::ClusterState& cluster, bool fresh,
                                                  bool last) {
  const Rule& rule = *route_.rule;
  bool once = request_.method != "GET" && request_.method != "HEAD";
  if (rule.backend_timeout && rule.backend_timeout->count() > 0) {
    context_.loop.wheel.arm(attempt_deadline_, *rule.backend_timeout);
  }
  late_ = false;
  Result<upstream::Lease> lease = co_await cluster.acquire(fresh, once, wanted_);
  if (!lease) co_return lease.error();
  lease_ = std::move(*lease);
  if (given_up_) co_return given_up_;
  if (late_) co_return make_error_code(upstream::Error::kTimeout);
  upstream_host_ = lease_.host().text;
  http::ClientStream& upstream = lease_.stream();
  if (error_code failed = co_await upstream.send_head(request_, first_)) co_return failed;
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
  if (head->status == 101 && request_.upgrade.empty())
    co_return make_error_code(upstream::Error::kBadResponse);
  if (!last && replayable_ && retried(head->status))
    co_return make_error_code(upstream::Error::kRetriedStatus);
  co_await respond(cluster, *head);
  co_return std::nullopt;
}

bool Exchange::retried(int status) const {
  if (!route_.rule->retry) return false;
  const std::vector<int>& on = route_.rule->retry->on_status;
  return std::find(on.begin(), on.end(), status) != on.end();
}

Task<void> Exchange::respond(upstream::ClusterState& cluster, http::ResponseHead& head) {
  ClusterStats& counted = cluster.stats();
  counted.upstream_rq_completed.add();
  counted.upstream_rq_xx[static_cast<std::size_t>(head.status / 100 - 1)].add();
  lease_.count(head.status);
  bool upgraded = head.status == 101;
  if (upgraded) context_.stats.downstream_cx_upgrades_total.add();
  if (upgraded)
    deadline_.cancel(), attempt_deadline_.cancel();  // what follows is not a request any more
  response_filters(backend_->filters, head);
  response_filters(route_.rule->filters, head);
  if (route_.rule->session) keep_session(head);
  finished(head.status);
  http::BodySource& body = lease_.stream().response_body();
  Result<http::Chunk> chunk = body.poll();
  error_code failed;
  bool head_sent = false;
  while (true) {
    if (!chunk) break;
    const http::Fields* trailers = chunk->end ? body.trailers() : nullptr;
    if (trailers && trailers->empty()) trailers = nullptr;
    http::Chunk part = *chunk;
    if (trailers) part.end = false;
    sent_ += part.bytes.size();
    if (!head_sent) {
      failed = co_await stream_.send_head(head, part);
      head_sent = true;
      if (upgraded && !failed) start_upload();  // what the client sends now is the other protocol's
    } else if (!part.bytes.empty() || part.end) {
      failed = co_await stream_.send_body(part);
    }
    if (!failed && trailers) failed = co_await stream_.send_trailers(*trailers);
    if (failed || chunk->end) break;
    chunk = co_await body.read();
  }
  attempt_deadline_.cancel();
  if (!failed && chunk) {
    counted.upstream_rq_time.record(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started_)
            .count());
    co_return;
  }
  if (failed) {  // the client has gone
    flag_ = "DC";
    lease_.stream().cancel(make_error_code(upstream::Error::kClientGone));
  } else if (!head_sent) {
    flag_ = upstream::flag_of(chunk.error());
    co_await answer_locally(upstream::status_of(chunk.error()),
                            default_text(upstream::status_of(chunk.error())), flag_);
    co_return;
  } else {
    flag_ = upstream::flag_of(chunk.error());
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
  http::BodySource& body = stream_.request_body();
  while (!upload_stopped_) {
    Result<http::Chunk> chunk =
        gathered_ ? Result<http::Chunk>(http::Chunk{{}, true}) : co_await body.read();
    if (upload_stopped_) break;
    if (!chunk) {
      client_gone();
      break;
    }
    received_ += chunk->bytes.size();
    mirrors_.body(*chunk);
    const http::Fields* trailers = chunk->end ? body.trailers() : nullptr;
    http::Chunk part = *chunk;
    if (trailers) part.end = false;
    error_code failed;
    if (!part.bytes.empty() || part.end) failed = co_await lease_.stream().send_body(part);
    if (!failed && trailers) failed = co_await lease_.stream().send_trailers(*trailers);
    if (failed || chunk->end) break;
  }
  uploading_ = false;
  upload_ended_.notify();
}

Task<void> Exchange::stop_upload() {
  if (!uploading_) co_return;
  upload_stopped_ = true;
  stream_.request_body().abandon();
  if (uploading_ && lease_) lease_.stream().cancel(make_error_code(upstream::Error::kReset));
  while (uploading_) co_await upload_ended_.wait();
}

}  // namespace

Task<void> run(Context context, http::ServerStream& stream) {
  Exchange exchange(context, stream);
  co_await exchange.run();
}

}  // namespace tidegate::proxy::exchange
