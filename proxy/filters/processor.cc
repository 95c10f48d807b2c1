#include "proxy/filters/processor.h"

#include <fmt/format.h>

#include "base/log.h"
#include "proxy/filters/header_mutation.h"

namespace tidegate::proxy::filters {
namespace {

using Body = ProcessingMode::Body;
using rpc::ProcessingPart;

/// Of bodies both ways at once there is no time-out of each message: a service may see all of one
/// before it says a word. Source: Envoy's stream idle time-out, where none is configured.
constexpr std::chrono::minutes kSilence{5};
/// Bytes of the service that wait for who reads them, on one side.
constexpr std::size_t kInboxMax = 256U << 10U;
constexpr int kInternal = 13;

/// As it may stand in a log: no white space, nothing but visible ASCII.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 256));
  for (char& c : out) {
    if (c <= 0x20 || c >= 0x7F) c = '_';
  }
  return out;
}

}  // namespace

Processor::Side::Side(Processor& processor) : late([&processor] { processor.timed_out(); }) {}

Processor::Processor(Call& call, const ExternalProcessing& config)
    : call_(call), config_(config), stats_(call.stats.ext_proc.of(config.stat_prefix)) {
  const ProcessingMode& mode = config.mode;
  request.headers = mode.request_headers;
  request.body = mode.request_body;
  request.trailers = mode.request_trailers || mode.request_body == Body::kFullDuplexStreamed;
  response.headers = mode.response_headers;
  response.body = mode.response_body;
  response.trailers = mode.response_trailers || mode.response_body == Body::kFullDuplexStreamed;
}

Processor::~Processor() { close(); }

std::string Processor::encoded(rpc::ProcessingRequest& message) {
  if (const boost::json::object* all = call_.all_metadata()) {
    for (const std::string& name : config_.forwarded_metadata) {
      if (const boost::json::value* one = all->if_contains(name)) message.metadata[name] = *one;
    }
  }
  rpc::WireMode mode;
  mode.request_body = static_cast<std::uint8_t>(config_.mode.request_body);
  mode.response_body = static_cast<std::uint8_t>(config_.mode.response_body);
  if (!started_) message.first = &mode;
  return rpc::encode(message);
}

void Processor::arm(Side& side) {
  const bool both_ways = side.body == Body::kFullDuplexStreamed && open_;
  call_.loop.wheel.arm(side.late,
                       both_ways ? std::chrono::milliseconds(kSilence) : config_.service.timeout);
}

Task<bool> Processor::tell(Side& side, rpc::ProcessingRequest message) {
  if (over_) co_return false;
  std::string bytes = encoded(message);
  side.more_time = false;
  arm(side);
  stats_.stream_msgs_sent.add();
  if (!started_) {
    started_ = true;
    stats_.streams_started.add();
    rpc::GrpcStreamOptions options;
    options.authority = config_.service.authority;
    options.retries = config_.service.retries;
    options.backoff = config_.service.backoff;
    stream_ = std::make_unique<rpc::GrpcStream>(call_.loop, call_.clusters, config_.service.cluster,
                                                rpc::kProcessPath, std::move(options), bytes,
                                                static_cast<rpc::GrpcStream::Receiver&>(*this));
    if (over_) close();  // there is nobody to connect to
    co_return !over_;
  }
  const bool sent = co_await stream_->send(std::move(bytes));
  co_return sent && !over_;
}

namespace {
/// What a message in the inbox counts for: one without a body takes room, too.
std::size_t cost_of(const rpc::ProcessingResponse& said) { return sizeof said + said.body.size(); }
}  // namespace

Task<bool> Processor::hear(Side& side, rpc::ProcessingResponse& out) {
  while (side.inbox.empty() && !over_ && !side.abandoned) co_await side.changed.wait();
  if (side.inbox.empty() || refused() || side.abandoned) co_return false;
  out = std::move(side.inbox.front());
  side.inbox.pop_front();
  side.inbox_bytes -= cost_of(out);
  if (stream_ && side.inbox_bytes <= kInboxMax) stream_->read_on();
  co_return true;
}

Task<bool> Processor::ask(Side& side, rpc::ProcessingRequest message,
                          rpc::ProcessingResponse& out) {
  switch (message.part) {
    case ProcessingPart::kRequestHeaders:
    case ProcessingPart::kResponseHeaders:
      side.headers_due = true;
      break;
    case ProcessingPart::kRequestBody:
    case ProcessingPart::kResponseBody:
      side.body_due = true;
      break;
    default:
      side.trailers_due = true;
  }
  if (!co_await tell(side, std::move(message))) co_return false;
  const bool heard = co_await hear(side, out);
  if (side.body != Body::kFullDuplexStreamed || !heard) side.late.cancel();
  co_return heard;
}

bool Processor::change(const rpc::HeaderMutation& mutation, http::Fields& fields,
                       http::RequestHead* request_head, http::ResponseHead* response_head,
                       bool replacing) {
  const MutationTarget target{&fields, request_head, response_head, replacing};
  const std::string_view wrong =
      mutate(mutation, target, call_.arena, stats_.rejected_header_mutations);
  if (wrong.empty()) return true;
  refuse(500, wrong);
  return false;
}

/// Source: Envoy: DEFAULT leaves what is configured, and an override that is not allowed is none.
void Processor::override_mode(const rpc::WireMode& wire) {
  constexpr std::uint8_t kSend = 1;
  constexpr std::uint8_t kSkip = 2;
  constexpr auto kLast = static_cast<std::uint8_t>(Body::kFullDuplexStreamed);
  const ProcessingMode& configured = config_.mode;
  if (!config_.allow_mode_override || configured.request_body == Body::kFullDuplexStreamed ||
      configured.response_body == Body::kFullDuplexStreamed)
    return;
  if (wire.request_body > kLast || wire.response_body > kLast) return;
  ProcessingMode mode = configured;
  const auto send = [](std::uint8_t from, bool& to) {
    if (from == kSend || from == kSkip) to = from == kSend;
  };
  send(wire.response_headers, mode.response_headers);
  send(wire.request_trailers, mode.request_trailers);
  send(wire.response_trailers, mode.response_trailers);
  mode.request_body = static_cast<Body>(wire.request_body);
  mode.response_body = static_cast<Body>(wire.response_body);
  bool allowed = config_.allowed_modes.empty();
  for (ProcessingMode one : config_.allowed_modes) {
    one.request_headers = mode.request_headers;  // these have been shown, or not
    allowed = allowed || one == mode;
  }
  if (!allowed) {
    log::debug(log::Component::kExtProc, "the service's processing mode is not one of the allowed");
    return;
  }
  request.body = mode.request_body;
  request.trailers = mode.request_trailers || mode.request_body == Body::kFullDuplexStreamed;
  response.headers = mode.response_headers;
  response.body = mode.response_body;
  response.trailers = mode.response_trailers || mode.response_body == Body::kFullDuplexStreamed;
}

bool Processor::due(Side& side, ProcessingPart part) {
  const bool both_ways = side.body == Body::kFullDuplexStreamed;
  switch (part) {
    case ProcessingPart::kRequestHeaders:
    case ProcessingPart::kResponseHeaders:
      return std::exchange(side.headers_due, false);
    case ProcessingPart::kRequestBody:
    case ProcessingPart::kResponseBody:
      if (side.headers_due) return false;
      return both_ways ? side.body_due : std::exchange(side.body_due, false);
    default:
      if (side.headers_due) return false;
      if (both_ways) side.body_due = false;
      return std::exchange(side.trailers_due, false);
  }
}

void Processor::opened() {
  open_ = true;
  for (Side* side : {&request, &response}) {
    if (side->body == Body::kFullDuplexStreamed && side->late.armed()) arm(*side);
    if (side->sendable.awaited()) side->sendable.notify_later(call_.loop.io);
  }
}

bool Processor::received(std::string_view message) {
  rpc::ProcessingResponse said;
  if (!rpc::decode(message, said)) {
    failed(kInternal);
    return true;
  }
  if (said.message_timeout) {
    const std::chrono::milliseconds time = *said.message_timeout;
    bool taken = false;
    for (Side* side : {&request, &response}) {
      if (!side->late.armed() || side->more_time || time.count() < 1 ||
          time > config_.message_timeout_max)
        continue;
      call_.loop.wheel.arm(side->late, time);
      side->more_time = taken = true;
    }
    (taken ? stats_.override_message_timeout_received : stats_.override_message_timeout_ignored)
        .add();
    return true;
  }
  if (said.part == ProcessingPart::kImmediate) {
    stats_.stream_msgs_received.add();
    immediate(said);
    return true;
  }
  const bool of_request = said.part == ProcessingPart::kRequestHeaders ||
                          said.part == ProcessingPart::kRequestBody ||
                          said.part == ProcessingPart::kRequestTrailers;
  Side& side = of_request ? request : response;
  const bool streamed = said.body_change == rpc::ProcessingResponse::Body::kStreamed;
  const bool is_body =
      said.part == ProcessingPart::kRequestBody || said.part == ProcessingPart::kResponseBody;
  const bool both_ways = side.body == Body::kFullDuplexStreamed;
  if (said.part == ProcessingPart::kNone || (is_body ? streamed != both_ways : streamed) ||
      !due(side, said.part)) {
    out_of_order();
    return true;
  }
  stats_.stream_msgs_received.add();
  const bool headers =
      said.part == ProcessingPart::kRequestHeaders || said.part == ProcessingPart::kResponseHeaders;
  if (headers && said.mode_override) override_mode(*said.mode_override);
  if (both_ways && is_body && said.end_of_stream) side.body_due = side.trailers_due = false;
  if (both_ways && is_body) said.headers = {};  // of streamed parts nobody looks at them
  // What brings nothing is no sign of life.
  if (both_ways && (!is_body || !said.body.empty() || said.end_of_stream)) arm(side);
  side.inbox_bytes += cost_of(said);
  side.inbox.push_back(std::move(said));
  wake(side);
  return side.inbox_bytes <= kInboxMax;
}

void Processor::ended(int status) {
  if (over_) return;
  if (status != 0) {
    failed(status);
  } else {
    finish();
  }
}

void Processor::failed(int status) {
  stats_.streams_failed.add();
  if (over_) return;
  if (!config_.fail_open) {
    refuse(500, call_.arena.copy(fmt::format("ext_proc_error_gRPC_error_{}", status)));
    return;
  }
  stats_.failure_mode_allowed.add();
  finish();
}

void Processor::timed_out() {
  stats_.message_timeouts.add();
  if (over_) return;
  if (!config_.fail_open) {
    refuse(504, "ext_proc_error_per-message_timeout_exceeded");
    return;
  }
  stats_.failure_mode_allowed.add();
  finish();
}

void Processor::out_of_order() {
  stats_.spurious_msgs_received.add();
  log::debug(log::Component::kExtProc, "the service's message is out of order");
  if (over_) return;
  if (!config_.fail_open) {
    refuse(500, "ext_proc_error_spurious_message");
    return;
  }
  stats_.failure_mode_allowed.add();
  finish();
}

void Processor::broken(std::string_view details) {
  if (!refused()) refuse(500, details);
}

void Processor::immediate(const rpc::ProcessingResponse& said) {
  Reply reply;
  reply.status = said.status;
  if (said.status < 200) reply.status = 200;  // Envoy's, where there is none or an invalid one
  if (said.status > 599) reply.status = 500;
  const MutationTarget target{&reply.fields};
  mutate(said.headers, target, call_.arena, stats_.rejected_header_mutations);
  const bool grpc = call_.request.version == http::Version::kHttp2 &&
                    call_.request.fields.get("content-type").starts_with("application/grpc");
  if (said.grpc_status && grpc)
    reply.fields.set("grpc-status", call_.arena.copy(std::to_string(*said.grpc_status)));
  reply.body = call_.arena.copy(said.body);
  reply.details = call_.arena.copy(printable(said.details));
  if (!call_.refusal) call_.refusal = std::move(reply);
  finish();
}

void Processor::refuse(int status, std::string_view details) {
  if (!call_.refusal) {
    call_.refusal.emplace();
    call_.refusal->status = status;
    call_.refusal->details = details;
  }
  finish();
}

void Processor::close() {
  if (!stream_) return;
  stats_.streams_closed.add();
  stream_.reset();
}

void Processor::finish() {
  over_ = true;
  close();
  for (Side* side : {&request, &response}) {
    side->late.cancel();
    wake(*side);
  }
}

void Processor::wake(Side& side) {
  if (side.changed.awaited()) side.changed.notify_later(call_.loop.io);
  if (over_ && side.sendable.awaited()) side.sendable.notify_later(call_.loop.io);
}

}  // namespace tidegate::proxy::filters
