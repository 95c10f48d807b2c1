#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/exchange/site_options.h"
#include "proxy/exchange/trace.h"
#include "proxy/filters/filter.h"

namespace tidegate::proxy::exchange {

/// What an exchange does because of its site's options, where there are some.
class SiteCall {
 public:
  /// `options` outlives it.
  explicit SiteCall(const SiteOptions& options) : options_(options) {}

  /// Before routing: changes the request, finds the client. A reply: that is the answer, and
  /// nothing else happens.
  std::optional<filters::Reply> begin(filters::Call& call);

  /// In the place of begin(), for a request that the gateway has made of one that began.
  void go_on(const Client& client, filters::Call& call) {
    client_ = client;
    call.forwarded_client = client_.ip;
  }

  const HttpOptions& options() const { return *options_.source; }
  const Client& client() const { return client_; }

  /// How long nothing may move; 0: any time.
  std::chrono::milliseconds stream_idle() const {
    return options_.source->stream_idle.value_or(std::chrono::milliseconds(0));
  }

  bool shapes() const { return !options_.replies.empty(); }
  /// Changes a reply of our own; the result may stand in `into`.
  std::string_view shape(const format::Values& values, http::ResponseHead& head,
                         std::string_view text, std::string& into) const;
  /// The exchange's spans, once its rule is known (null: there is none); null: the site has no
  /// tracing.
  Trace* begin_trace(filters::Call& call, const Rule* rule);
  /// What every answer gets.
  void finish(http::ResponseHead& head, const http::RequestHead& request) {
    name_server(*options_.source, head);
    if (trace_) trace_->answer(head, request);
  }
  /// What is to be logged of all this.
  void describe(format::Values& values) const;

 private:
  const SiteOptions& options_;
  Client client_;  // its ip is empty: the connection's peer
  bool health_check_ = false;
  std::optional<Trace> trace_;
};

}  // namespace tidegate::proxy::exchange
