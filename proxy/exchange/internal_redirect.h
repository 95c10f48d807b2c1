#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/exchange/client.h"
#include "proxy/exchange/exchange.h"
#include "proxy/filters/bodies.h"
#include "proxy/filters/filter.h"

namespace tidegate::proxy::exchange {

/// The redirects of one client's request that the gateway follows by itself: its exchange is run
/// anew, filters and all, with the request that the last answer led to. Costs nothing where no rule
/// asks for it. Source: Envoy, "Internal redirects"; kgateway TrafficPolicy.spec.internalRedirect.
class Redirects {
 public:
  /// Whether this pass is not the first.
  bool begun() const { return state_ != nullptr; }
  /// Whether follow() has said yes since the last call.
  bool again() { return std::exchange(again_, false); }
  /// The body of this pass; `own` is that of the client's request.
  http::BodySource& body(http::BodySource& own) { return begun() ? *state_->bodies.back() : own; }

  /// Who the client is, as the first pass has found: its fields have been written over since.
  void keep(const Client& client) {
    state_->client = client;
    state_->client.ip = state_->arena.copy(client.ip);
  }
  const Client& client() const { return state_->client; }

  /// Looks at the answer of a rule's backend. True: the request has been changed to go where the
  /// answer says, and lives on without what this pass has made. `body` is the whole of the
  /// request's; null: there was more. False: the answer is for the client.
  bool follow(const Context& context, const Rule& rule, http::RequestHead& request,
              const http::ResponseHead& answer, const http::Chunk* body, ClusterStats& counted);

 private:
  struct State {
    Arena arena;
    std::vector<std::unique_ptr<filters::KeptBody>> bodies;  // of all passes: one is still at work
    Client client;
    std::uint32_t followed = 0;
  };
  std::unique_ptr<State> state_;
  bool again_ = false;
};

/// Reads a body of known and bounded size to its end, so that it can be sent once more.
Task<void> keep_body(filters::Call& call);

}  // namespace tidegate::proxy::exchange
