#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "proxy/http/body.h"
#include "proxy/http/message.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::upstream {
class Clusters;
}

namespace tidegate::proxy::filters {

class Filter;

/// What a filter wants to happen next.
enum class Verdict {
  kContinue,
  kReply,  // Call::reply is the answer; no further filter sees the message
  kWait,   // the ..._waiting() function of the same name has the verdict
};

/// An answer of our own, in the place of the backend's. Texts outlive the exchange, or are in its
/// arena.
struct Reply {
  int status = 500;
  http::Fields fields;
  std::string_view body;
  const char* flag = "-";    // Envoy's response flag
  std::string_view details;  // Envoy's RESPONSE_CODE_DETAILS; empty: the flag says it all
};

/// The beginning of a body that somebody had to see before it goes on.
struct Gathered {
  std::string_view bytes;
  bool whole = false;  // false: there is more than was asked for
};

/// What filters see of an exchange: its heads, its bodies, and what earlier ones left for them.
/// Lives as long as the exchange, on one worker.
class Call {
 public:
  Call(Loop& loop_in, upstream::Clusters& clusters_in, HttpStats& stats_in,
       const net::ConnectionFacts& facts_in, http::RequestHead& request_in,
       http::BodySource& request_body)
      : loop(loop_in),
        clusters(clusters_in),
        stats(stats_in),
        facts(facts_in),
        request(request_in),
        request_body_(&request_body) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  Loop& loop;
  upstream::Clusters& clusters;
  HttpStats& stats;
  const net::ConnectionFacts& facts;
  http::RequestHead& request;
  Arena arena;  // texts that are put into heads live here

  /// Who sent the request: the connection's peer, or whom a trusted proxy named in X-Forwarded-For;
  /// that list tells no port.
  std::string_view client_ip() const {
    return forwarded_client.empty() ? std::string_view(facts.remote_ip) : forwarded_client;
  }
  std::uint16_t client_port() const { return forwarded_client.empty() ? facts.remote.port() : 0; }
  std::string_view forwarded_client;  // a valid address; empty: the peer itself

  const Rule* rule = nullptr;    // that was taken; null before routing
  const Match* match = nullptr;  // that led there
  Reply reply;                   // with Verdict::kReply
  /// A filter has changed what routes are chosen by, and wants the request to go by another where
  /// it leads to one now: the filters of that rule act then, but for those that have acted already.
  bool reroute = false;
  /// The request carries credentials of ours: it goes nowhere but to the backend that they are for.
  bool own_secrets = false;
  /// The answer that a filter has decided on while nobody asked it, and that goes before any other:
  /// whoever reads a body then gets an error. It is given where none has begun.
  std::optional<Reply> refusal;
  /// The answer that is to be given: `refusal`, which is used up, or `reply`.
  Reply& decided() {
    if (refusal) reply = *std::exchange(refusal, std::nullopt);
    return reply;
  }

  http::BodySource& request_body() { return *request_body_; }
  /// What is sent to the client: the backend's body, or that of our own reply. From response() on.
  http::BodySource& response_body() { return *response_body_; }
  void set_response_body(http::BodySource& body) { response_body_ = &body; }

  /// Reads the body until it ends or has `bytes_max` bytes and more; none of it is lost to whoever
  /// reads on. An upgrade's bytes are another protocol's: nothing is read of them. Errors: those of
  /// the body.
  Task<Result<Gathered>> gather_request(std::uint64_t bytes_max);
  /// The head's texts are copied first: they are views into what the body is read into.
  Task<Result<Gathered>> gather_response(http::ResponseHead& head, std::uint64_t bytes_max);
  /// Puts another body in the place of the whole of it; the head's length follows.
  void replace_request_body(std::string bytes);
  void replace_response_body(http::ResponseHead& head, std::string bytes);
  /// Puts `wrapper`, which reads from what was the body so far, in front. The length that comes out
  /// is not known any more.
  void wrap_request(std::unique_ptr<http::BodySource> wrapper);
  void wrap_response(http::ResponseHead& head, std::unique_ptr<http::BodySource> wrapper);

  /// For a coroutine that works beside the exchange on one of its bodies; it ends soon after that
  /// body's abandon().
  void begin_beside() { ++beside_; }
  void end_beside() {
    if (--beside_ == 0) beside_ended_.notify();
  }
  /// Ends those, and waits for it: before what they read from goes.
  Task<void> settle();
  bool settled() const { return beside_ == 0; }
  /// Nobody wants the answer any more: whoever waits for a part of it is not to wait longer.
  void abandon_response() {
    if (response_body_) response_body_->abandon();
  }

  /// A filter's own data of this exchange; made when it is first asked for.
  template <class T>
  T& state(const Filter& owner) {
    for (auto& [filter, data] : states_) {
      if (filter == &owner) return *static_cast<T*>(data.get());
    }
    return *static_cast<T*>(states_.emplace_back(&owner, std::make_shared<T>()).second.get());
  }

  /// Dynamic metadata by the names that Envoy's filters give it ("envoy.filters.http.jwt_authn").
  boost::json::object& metadata(std::string_view name_space);
  /// All of it; null where no filter has left any.
  const boost::json::object* all_metadata() const { return metadata_.get(); }

 private:
  Task<Result<Gathered>> gather(http::BodySource*& body, std::uint64_t bytes_max);

  http::BodySource* request_body_;
  http::BodySource* response_body_ = nullptr;
  std::vector<std::unique_ptr<http::BodySource>> bodies_;  // that are ours
  std::vector<std::pair<const Filter*, std::shared_ptr<void>>> states_;
  std::unique_ptr<boost::json::object> metadata_;
  std::size_t beside_ = 0;
  Event beside_ended_;
};

/// Acts on exchanges. Made on the control thread of one struct of the snapshot, then immutable and
/// shared by all workers. On a request filters act in their order, on the answer (also one of our
/// own, and also where an earlier filter gave it) in reverse. Only one that waits for somebody is a
/// coroutine.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual Verdict request(Call&) const { return Verdict::kContinue; }
  virtual Task<Verdict> request_waiting(Call&) const { co_return Verdict::kContinue; }
  /// Not called for 1xx but 101.
  virtual Verdict response(Call&, http::ResponseHead&) const { return Verdict::kContinue; }
  virtual Task<Verdict> response_waiting(Call&, http::ResponseHead&) const {
    co_return Verdict::kContinue;
  }
};

}  // namespace tidegate::proxy::filters
