#include "proxy/snapshot/external_processing.h"

#include <boost/json/value.hpp>
#include <charconv>
#include <optional>

#include "proxy/cel/expression.h"
#include "proxy/filters/answers.h"
#include "proxy/filters/attributes.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/processed_body.h"
#include "proxy/filters/processor.h"

/// Source: kgateway TrafficPolicy.spec.extProc; Envoy's filter envoy.filters.http.ext_proc.
namespace tidegate::proxy::filters {
namespace {

using Body = ProcessingMode::Body;
using rpc::ProcessingPart;
using rpc::ProcessingRequest;
using rpc::ProcessingResponse;

/// What one exchange keeps of it.
struct Exchanged {
  std::optional<Processor> processor;
};

std::string_view number(std::uint64_t value, Arena& arena) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return arena.copy({text, static_cast<std::size_t>(end - text)});
}

void add_length(const http::BodyLength& body, ProcessingRequest& to, Arena& arena) {
  if (body.kind == http::BodyLength::Kind::kExact)
    to.pseudo.push_back({"content-length", number(body.bytes, arena)});
}

boost::json::value json_of(const cel::Value& value) {
  switch (value.kind()) {
    case cel::Kind::kBool:
      return value.boolean();
    case cel::Kind::kInt:
      return value.integer();
    case cel::Kind::kUint:
      return value.natural();
    case cel::Kind::kDouble:
      return value.real();
    case cel::Kind::kString:
    case cel::Kind::kBytes:
      return boost::json::string(value.text());
    default:
      return nullptr;
  }
}

class ExternalProcessingFilter final : public Filter {
 public:
  explicit ExternalProcessingFilter(ExternalProcessing config) : config_(std::move(config)) {
    for (const std::string& text : config_.request_attributes) {
      cel::Expression::Compiled compiled = cel::Expression::compile(text);
      if (compiled) attributes_.emplace_back(text, std::move(*compiled));
    }
  }

  Verdict request(Call& call) const override {
    std::optional<Processor>& processor = call.state<Exchanged>(*this).processor;
    if (processor) return Verdict::kContinue;  // it has been here
    processor.emplace(call, config_);
    if (!has_body(call.request)) {
      processor->request.body = Body::kNone;
      processor->request.trailers = false;
    }
    const Processor::Side& side = processor->request;
    return side.headers || side.body != Body::kNone || side.trailers ? Verdict::kWait
                                                                     : Verdict::kContinue;
  }

  Task<Verdict> request_waiting(Call& call) const override {
    Processor& processor = *call.state<Exchanged>(*this).processor;
    Processor::Side& side = processor.request;
    DuplexBody* duplex = nullptr;
    if (side.headers) {
      ProcessingRequest message = request_headers(call);
      if (side.body == Body::kFullDuplexStreamed)
        duplex = wrap<DuplexBody>(call, nullptr, processor, side);
      if (duplex) duplex->start();
      ProcessingResponse said;
      if (!co_await processor.ask(side, std::move(message), said)) co_return processor.verdict();
      if (!processor.change(said.headers, call.request.fields, &call.request, nullptr,
                            said.replace))
        co_return Verdict::kReply;
      choose_again(call, said);
      if (said.replace) {
        if (duplex) duplex->stop();
        replace_request(call, said);
        end_side(processor, side);
        co_return Verdict::kContinue;
      }
      if (!has_body(call.request) && !duplex) end_side(processor, side);
    }
    if (!duplex) co_return co_await request_body(call, processor);
    co_return Verdict::kContinue;
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    std::optional<Processor>& processor = call.state<Exchanged>(*this).processor;
    // An earlier filter may have answered.
    if (!processor) processor.emplace(call, config_);
    if (processor->over()) return processor->verdict();
    Processor::Side& side = processor->response;
    if (!has_body(call, head)) {
      side.body = Body::kNone;
      side.trailers = false;
    }
    const bool wanted = side.headers || side.body != Body::kNone || side.trailers;
    if (!wanted && !processor->request.busy) processor->finish();
    return wanted ? Verdict::kWait : Verdict::kContinue;
  }

  Task<Verdict> response_waiting(Call& call, http::ResponseHead& head) const override {
    Processor& processor = *call.state<Exchanged>(*this).processor;
    Processor::Side& side = processor.response;
    DuplexBody* duplex = nullptr;
    if (side.headers) {
      ProcessingRequest message = response_headers(call, head);
      if (side.body == Body::kFullDuplexStreamed)
        duplex = wrap<DuplexBody>(call, &head, processor, side);
      if (duplex) duplex->start();
      ProcessingResponse said;
      if (!co_await processor.ask(side, std::move(message), said)) co_return processor.verdict();
      if (!processor.change(said.headers, head.fields, nullptr, &head, said.replace))
        co_return Verdict::kReply;
      if (said.replace) {
        if (duplex) duplex->stop();
        replace_response(call, head, said);
        end_side(processor, side);
        co_return Verdict::kContinue;
      }
      if (!has_body(call, head) && !duplex) end_side(processor, side);
    }
    if (!duplex) co_return co_await response_body(call, head, processor);
    co_return Verdict::kContinue;
  }

 private:
  static bool has_body(const http::RequestHead& request) {
    return !request.body.none() && request.upgrade.empty() && request.method != "CONNECT";
  }
  static bool has_body(const Call& call, const http::ResponseHead& head) {
    return !head.body.none() && may_have_body(call, head);
  }
  static bool may_have_body(const Call& call, const http::ResponseHead& head) {
    return head.status != 101 && head.status != 204 && head.status != 304 &&
           !call.request.is_head();
  }
  /// Nothing more of it is shown.
  static void end_side(Processor& processor, Processor::Side& side) {
    side.body = Body::kNone;
    side.trailers = side.body_due = side.trailers_due = false;
    if (&side == &processor.response && !processor.request.busy) processor.finish();
  }

  void choose_again(Call& call, const ProcessingResponse& said) const {
    using RouteCache = ExternalProcessing::RouteCache;
    if (said.headers.empty() || config_.route_cache == RouteCache::kRetain) return;
    if (said.clear_route_cache || config_.route_cache == RouteCache::kClear) call.reroute = true;
  }

  ProcessingRequest request_headers(Call& call) const {
    const http::RequestHead& head = call.request;
    ProcessingRequest out;
    out.part = ProcessingPart::kRequestHeaders;
    out.pseudo = {{":authority", head.authority},
                  {":path", head.path},
                  {":method", head.method},
                  {":scheme", head.scheme}};
    add_length(head.body, out, call.arena);
    out.fields = &head.fields;
    out.end_of_stream = !has_body(head);
    out.attributes = attributes(call);
    return out;
  }

  static ProcessingRequest response_headers(Call& call, const http::ResponseHead& head) {
    ProcessingRequest out;
    out.part = ProcessingPart::kResponseHeaders;
    out.pseudo = {{":status", number(static_cast<std::uint64_t>(head.status), call.arena)}};
    add_length(head.body, out, call.arena);
    out.fields = &head.fields;
    out.end_of_stream = !has_body(call, head);
    return out;
  }

  boost::json::object attributes(Call& call) const {
    boost::json::object out;
    const CallAttributes known(call);
    for (const auto& [text, expression] : attributes_) {
      const cel::Value value = expression->evaluate(known, call.arena);
      if (boost::json::value one = json_of(value); !one.is_null()) out[text] = std::move(one);
    }
    return out;
  }

  /// `head` null: the request's body.
  template <class Wrapper, class... Args>
  static Wrapper* wrap(Call& call, http::ResponseHead* head, Args&&... args) {
    http::BodySource& inner = head ? call.response_body() : call.request_body();
    auto made = std::make_unique<Wrapper>(inner, std::forward<Args>(args)...);
    Wrapper* out = made.get();
    if (head) {
      call.wrap_response(*head, std::move(made));
    } else {
      call.wrap_request(std::move(made));
    }
    return out;
  }

  static void replace_request(Call& call, ProcessingResponse& said) {
    if (said.body_change != ProcessingResponse::Body::kReplaced) return;
    if (call.request.upgrade.empty() && call.request.method != "CONNECT")
      call.replace_request_body(std::move(said.body));
  }
  static void replace_response(Call& call, http::ResponseHead& head, ProcessingResponse& said) {
    if (said.body_change != ProcessingResponse::Body::kReplaced) return;
    head.declared_length = -1;
    if (may_have_body(call, head)) call.replace_response_body(head, std::move(said.body));
  }

  Task<Verdict> request_body(Call& call, Processor& processor) const {
    Processor::Side& side = processor.request;
    const http::BodyLength length = call.request.body;
    const bool partial = side.body == Body::kBufferedPartial;
    switch (side.body) {
      case Body::kNone:
        if (side.trailers) wrap<ProcessedBody>(call, nullptr, processor, side, false);
        call.request.body = length;
        break;
      case Body::kStreamed:
        wrap<ProcessedBody>(call, nullptr, processor, side, true);
        break;
      case Body::kFullDuplexStreamed:
        wrap<DuplexBody>(call, nullptr, processor, side)->start();
        break;
      default: {
        const bool known = length.kind == http::BodyLength::Kind::kExact;
        if (!partial && known && length.bytes > config_.body_bytes_max)
          co_return answer_request_too_large(call);
        Result<Gathered> gathered = co_await call.gather_request(config_.body_bytes_max);
        if (!gathered) {
          call.reply = Reply{400, {}, "bad request\n", "DPE"};
          co_return Verdict::kReply;
        }
        if (!gathered->whole && !partial) co_return answer_request_too_large(call);
        ProcessingRequest message = body_message(call.request_body(), *gathered);
        message.part = ProcessingPart::kRequestBody;
        ProcessingResponse said;
        if (!co_await processor.ask(side, std::move(message), said)) co_return processor.verdict();
        if (!processor.change(said.headers, call.request.fields, &call.request, nullptr, false))
          co_return Verdict::kReply;
        choose_again(call, said);
        put_body(call, nullptr, *gathered, said);
        if (side.trailers) {
          const http::BodyLength after = call.request.body;
          wrap<ProcessedBody>(call, nullptr, processor, side, false);
          call.request.body = after;
        }
      }
    }
    co_return Verdict::kContinue;
  }

  Task<Verdict> response_body(Call& call, http::ResponseHead& head, Processor& processor) const {
    Processor::Side& side = processor.response;
    const http::BodyLength length = head.body;
    const bool partial = side.body == Body::kBufferedPartial;
    switch (side.body) {
      case Body::kNone:
        if (side.trailers) {
          wrap<ProcessedBody>(call, &head, processor, side, false);
          head.body = length;
        } else if (!processor.request.busy) {
          processor.finish();
        }
        break;
      case Body::kStreamed:
        wrap<ProcessedBody>(call, &head, processor, side, true);
        break;
      case Body::kFullDuplexStreamed:
        wrap<DuplexBody>(call, &head, processor, side)->start();
        break;
      default: {
        const bool known = length.kind == http::BodyLength::Kind::kExact;
        if (!partial && known && length.bytes > config_.body_bytes_max)
          co_return answer_too_large(call);
        Result<Gathered> gathered = co_await call.gather_response(head, config_.body_bytes_max);
        if (!gathered) {
          co_return answer_broken_off(call);
        }
        if (!gathered->whole && !partial) co_return answer_too_large(call);
        ProcessingRequest message = body_message(call.response_body(), *gathered);
        message.part = ProcessingPart::kResponseBody;
        ProcessingResponse said;
        if (!co_await processor.ask(side, std::move(message), said)) co_return processor.verdict();
        if (!processor.change(said.headers, head.fields, nullptr, &head, false))
          co_return Verdict::kReply;
        put_body(call, &head, *gathered, said);
        if (side.trailers) {
          const http::BodyLength after = head.body;
          wrap<ProcessedBody>(call, &head, processor, side, false);
          head.body = after;
        } else if (!processor.request.busy) {
          processor.finish();
        }
      }
    }
    co_return Verdict::kContinue;
  }

  static bool has_trailers(const http::BodySource& body) {
    const http::Fields* trailers = body.trailers();
    return trailers && !trailers->empty();
  }

  static ProcessingRequest body_message(const http::BodySource& body, const Gathered& gathered) {
    ProcessingRequest out;
    out.body = gathered.bytes;
    out.end_of_stream = gathered.whole && !has_trailers(body);
    return out;
  }

  /// What the service makes of the bytes that it saw, and what follows them.
  static void put_body(Call& call, http::ResponseHead* head, const Gathered& gathered,
                       ProcessingResponse& said) {
    if (said.body_change != ProcessingResponse::Body::kReplaced) return;
    http::BodySource& old = head ? call.response_body() : call.request_body();
    http::BodyLength& length = head ? head->body : call.request.body;
    const bool framed = !gathered.whole || has_trailers(old);
    if (gathered.whole) {
      if (head) {
        call.replace_response_body(*head, std::move(said.body));
      } else {
        call.replace_request_body(std::move(said.body));
      }
    } else {
      (void)old.poll();  // gives the bytes that the new ones stand for
      auto kept = std::make_unique<KeptBody>(std::move(said.body));
      kept->then(old);
      if (head) {
        call.wrap_response(*head, std::move(kept));
      } else {
        call.wrap_request(std::move(kept));
      }
    }
    if (framed) length = {http::BodyLength::Kind::kUnknown, 0};
  }

  ExternalProcessing config_;
  std::vector<std::pair<std::string, std::unique_ptr<const cel::Expression>>> attributes_;
};

}  // namespace

FilterPtr compile(const ExternalProcessing& from, const CompileContext&) {
  return std::make_shared<ExternalProcessingFilter>(from);
}

}  // namespace tidegate::proxy::filters
