#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "proxy/exchange/exchange.h"
#include "proxy/exchange/hash_key.h"
#include "proxy/exchange/internal_redirect.h"
#include "proxy/exchange/mirror.h"
#include "proxy/exchange/record.h"
#include "proxy/exchange/routing.h"
#include "proxy/exchange/session.h"
#include "proxy/exchange/site_call.h"
#include "proxy/filters/filter.h"
#include "proxy/runtime/event.h"

namespace tidegate::proxy::exchange {

using std::chrono::milliseconds;

/// One pass of an exchange. What happens around the backend (rule, filters, our own answers, the
/// log) is in exchange.cc; the backend, attempt by attempt, in attempts.cc.
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
        record_(context.options, request_) {
    request_.fields.tell(request_.may_trail() ? &settled_request_ : nullptr);
  }
  ~Exchange() { request_.fields.tell(nullptr); }

  Task<void> run();
  /// After run() has thrown: until nothing refers to it any more.
  Task<void> end() {
    give_up(upstream::Error::kReset);
    stream_.watch_client(nullptr);
    co_await stop_upload();
  }

 private:
  /// False: the path may not be passed on, and Call::reply is the answer.
  bool normalise();
  /// False: there is no rule, and Call::reply is the answer.
  bool routed();
  /// An answer of the proxy's own.
  Task<void> answer_locally(int status, std::string_view text, const char* flag);
  Task<void> answer(filters::Reply reply);
  Task<void> send_own(http::ResponseHead& head, std::string_view text);
  std::string_view replaced_by(const filters::Reply& reply, http::ResponseHead& head);
  /// False: a filter has answered.
  Task<bool> request_filters(const filters::Chain* chain);
  void route_again(std::size_t acted);
  void take(const Routed& routed, const filters::Chain* chain);
  Task<void> forward();
  /// One try. Without a value the response has been sent, or it can't be any more.
  Task<std::optional<error_code>> attempt(upstream::ClusterState& cluster, bool fresh, bool last);
  Task<void> respond(upstream::ClusterState& cluster, http::ResponseHead& head);
  /// False: too many others try again already.
  bool begin_retry(upstream::ClusterState& cluster) {
    if (!retrying_) retrying_ = cluster.begin_retry();
    return retrying_.has_value();
  }
  /// After a 101 between two HTTP/1 connections: their bytes, until both have ended, which `failed`
  /// (the client's side) and `chunk` (the backend's) tell as respond() wants it. False: what is
  /// said is not only theirs (a filter looks at it, or one side is HTTP/2), and nothing has
  /// happened.
  Task<bool> carry(ClusterStats& counted, error_code& failed, Result<http::Chunk>& chunk);
  void start_upload();
  Task<void> upload();
  Task<void> stop_upload();
  bool may_retry(error_code failed, bool stale) const;
  void forwarding_fields();
  void find_session();
  void request_ended();
  void finished(int status);
  void break_off(bool client_gone);
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
    // Who waits for one of these may have ended the exchange when it has been told: the last thing.
    waiting_.failed = given_up_;
    const bool pauses = backoff_done_.awaited();
    backoff_done_.notify();
    if (!pauses) waiting_.cancel(given_up_);
  }
  /// The client's body has failed: by what it is, by not coming, or with the client.
  void body_failed(error_code why) {
    using boost::system::errc::bad_message;
    using boost::system::errc::value_too_large;
    if (why == bad_message || why == value_too_large) client_fault_ = 400;
    if (why == boost::asio::error::timed_out) client_fault_ = 408;
    client_gone();
  }
  void client_gone() override { give_up(upstream::Error::kClientGone); }

  const Context& context_;
  http::ServerStream& stream_;
  Redirects& redirects_;
  http::RequestHead& request_;
  filters::Call call_;
  http::Settled settled_request_{call_.arena};  // what filters have said of the head
  http::Settled settled_response_{call_.arena};
  bool forwarding_added_;
  router::Router::Found route_;
  const Plan* plan_ = nullptr;               // null: no rule
  int unrouted_ = 404;                       // the answer, where a filter's changes led to none
  const filters::Chain* chain_ = nullptr;    // of the rule; null: none
  filters::Chain joined_;                    // chain_, where filters led to another rule
  const PlannedCluster* backend_ = nullptr;  // that was picked
  upstream::Lease lease_;
  Mirrors mirrors_;
  http::Chunk first_;       // of the request's body: what came with the head
  bool replayable_ = true;  // no byte of the body has been taken that a second try would miss
  bool uploading_ = false;
  bool upload_stopped_ = false;
  bool tunnel_ = false;       // the backend has agreed to another protocol
  error_code tunnel_broken_;  // why the backend takes no more of it
  Event upload_ended_;
  error_code given_up_;
  int client_fault_ = 0;    // the status for a body that is none, or does not come; 0: it is good
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

}  // namespace tidegate::proxy::exchange
