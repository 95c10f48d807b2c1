#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "proxy/filters/filter.h"
#include "proxy/rpc/ext_proc.h"
#include "proxy/rpc/stream.h"
#include "proxy/runtime/event.h"
#include "proxy/snapshot/external_processing.h"

namespace tidegate::proxy::filters {

/// One exchange's conversation with an external processor: its stream, whose turn it is on either
/// side of the exchange, and what becomes of the exchange where the conversation fails. Lives as
/// long as the Call. Source: Envoy's filter envoy.filters.http.ext_proc.
class Processor final : private rpc::GrpcStream::Receiver {
 public:
  /// The request's or the answer's part of it. At most one coroutine awaits its messages.
  struct Side {
    explicit Side(Processor& processor);

    ProcessingMode::Body body = ProcessingMode::Body::kNone;
    bool headers = true;
    bool trailers = false;

    // Which messages of the service are due; others are out of order.
    bool headers_due = false;
    bool body_due = false;
    bool trailers_due = false;
    std::deque<rpc::ProcessingResponse> inbox;
    std::size_t inbox_bytes = 0;
    Event changed;           // for who awaits a message
    Event sendable;          // for who sends beside that
    bool abandoned = false;  // nobody reads any more
    bool busy = false;       // a body of it is on its way through the service
    bool more_time = false;  // has been asked for since the last message
    CallTimer<std::function<void()>> late;
  };

  /// `config` outlives it.
  Processor(Call& call, const ExternalProcessing& config);
  ~Processor();

  Side request{*this};
  Side response{*this};
  Call& call() { return call_; }
  const ExternalProcessing& config() const { return config_; }

  /// Shows a part and waits for what the service says to it. False: it says nothing; the exchange
  /// goes on without, or, where refused(), not at all.
  Task<bool> ask(Side& side, rpc::ProcessingRequest message, rpc::ProcessingResponse& out);
  /// The two halves of that, for bodies that go both ways at once: nothing but silence of both
  /// sides for minutes ends them.
  Task<bool> tell(Side& side, rpc::ProcessingRequest message);
  Task<bool> hear(Side& side, rpc::ProcessingResponse& out);

  /// Changes a head or trailers. False: that cannot be; the exchange is refused.
  bool change(const rpc::HeaderMutation& mutation, http::Fields& fields, http::RequestHead* request,
              http::ResponseHead* response, bool replacing);
  void override_mode(const rpc::WireMode& mode);
  /// Nothing more is shown or asked; the exchange goes on.
  void finish();
  /// The service broke the rules.
  void out_of_order();
  /// Something is lost that cannot be gone on without.
  void broken(std::string_view details);
  void wake(Side& side);

  bool started() const { return started_; }
  bool open() const { return open_; }
  bool over() const { return over_; }
  bool refused() const { return call_.refusal.has_value(); }
  Verdict verdict() const { return refused() ? Verdict::kReply : Verdict::kContinue; }

 private:
  void opened() override;
  bool received(std::string_view message) override;
  void ended(int status) override;
  void failed(int status);
  void timed_out();
  void immediate(const rpc::ProcessingResponse& said);
  void refuse(int status, std::string_view details);
  bool due(Side& side, rpc::ProcessingPart part);
  void arm(Side& side);
  void close();
  std::string encoded(rpc::ProcessingRequest& message);

  Call& call_;
  const ExternalProcessing& config_;
  FilterStats::ExtProc& stats_;
  std::unique_ptr<rpc::GrpcStream> stream_;
  bool open_ = false;
  bool over_ = false;
  bool started_ = false;
};

}  // namespace tidegate::proxy::filters
