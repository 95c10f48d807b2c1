#include "proxy/filters/processed_body.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace tidegate::proxy::filters {

namespace asio = boost::asio;
using rpc::ProcessingPart;
using rpc::ProcessingRequest;
using rpc::ProcessingResponse;

namespace {

ProcessingPart body_part(const Processor& processor, const Processor::Side& side) {
  return &side == &processor.request ? ProcessingPart::kRequestBody : ProcessingPart::kResponseBody;
}

ProcessingPart trailers_part(const Processor& processor, const Processor::Side& side) {
  return &side == &processor.request ? ProcessingPart::kRequestTrailers
                                     : ProcessingPart::kResponseTrailers;
}

/// Null where there are none.
const http::Fields* some(const http::Fields* trailers) {
  return trailers && !trailers->empty() ? trailers : nullptr;
}

error_code gone() { return asio::error::operation_aborted; }

}  // namespace

ProcessedBody::ProcessedBody(http::BodySource& inner, Processor& processor, Processor::Side& side,
                             bool chunks)
    : WrappedBody(inner), processor_(processor), side_(side), chunks_(chunks) {
  side_.busy = true;
}

void ProcessedBody::abandon() {
  side_.abandoned = true;
  processor_.wake(side_);
  inner_.abandon();
}

/// False: the exchange is refused, or nobody reads any more.
Task<bool> ProcessedBody::show(const http::Chunk& chunk, bool end_of_stream) {
  ProcessingRequest message;
  message.part = body_part(processor_, side_);
  message.body = {chunk.bytes.data(), chunk.bytes.size()};
  message.end_of_stream = end_of_stream;
  ProcessingResponse said;
  if (co_await processor_.ask(side_, std::move(message), said)) {
    if (said.body_change == ProcessingResponse::Body::kReplaced) out_ = std::move(said.body);
  }
  co_return !processor_.refused() && !side_.abandoned;
}

Task<void> ProcessedBody::show_trailers() {
  ProcessingRequest message;
  message.part = trailers_part(processor_, side_);
  message.fields = inner_.trailers();
  ProcessingResponse said;
  if (!co_await processor_.ask(side_, std::move(message), said) || said.headers.empty()) co_return;
  trailers_ = *inner_.trailers();
  changed_ = processor_.change(said.headers, trailers_, nullptr, nullptr, false);
}

Task<Result<http::Chunk>> ProcessedBody::read() {
  while (!ended_) {
    if (processor_.refused() || side_.abandoned) co_return gone();
    Result<http::Chunk> chunk = co_await inner_.read();
    if (!chunk || processor_.over()) {
      if (processor_.refused()) co_return gone();
      if (chunk) ended_ = chunk->end;
      co_return chunk;
    }
    const bool has_trailers = chunk->end && some(inner_.trailers());
    out_.assign(chunk->bytes.data(), chunk->bytes.size());
    if (chunks_ && (!out_.empty() || (chunk->end && !has_trailers))) {
      if (!co_await show(*chunk, chunk->end && !has_trailers)) co_return gone();
    }
    if (has_trailers && side_.trailers && !processor_.over()) {
      co_await show_trailers();
      if (processor_.refused() || side_.abandoned) co_return gone();
    }
    ended_ = chunk->end;
    if (ended_) side_.busy = false;
    if (ended_ || !out_.empty()) co_return http::Chunk{out_, ended_};
  }
  co_return http::Chunk{{}, true};
}

DuplexBody::DuplexBody(http::BodySource& inner, Processor& processor, Processor::Side& side)
    : WrappedBody(inner), processor_(processor), side_(side) {
  side_.busy = true;
}

void DuplexBody::start() {
  side_.body_due = side_.trailers_due = true;
  telling_ = true;
  processor_.call().begin_beside();
  spawn(processor_.call().loop.io, tell_all(this));
}

void DuplexBody::stop() {
  stopped_ = true;
  if (side_.sendable.awaited()) side_.sendable.notify_later(processor_.call().loop.io);
  if (telling_) inner_.abandon();
}

/// A service that takes no more of it would hold it back for ever.
void DuplexBody::abandon() {
  side_.abandoned = true;
  processor_.wake(side_);
  stopped_ = true;
  if (telling_) processor_.finish();
  inner_.abandon();
}

Task<void> DuplexBody::tell_all(DuplexBody* self) {
  Call& call = self->processor_.call();
  co_await tidegate::turn(call.loop.io);  // the headers go first
  co_await self->tell();
  self->telling_ = false;
  self->processor_.wake(self->side_);
  call.end_beside();  // last: nothing of this may be there any more
}

Task<void> DuplexBody::tell() {
  while (processor_.started() && !processor_.open() && !processor_.over() && !stopped_)
    co_await side_.sendable.wait();
  while (!processor_.over() && !stopped_) {
    Result<http::Chunk> chunk = co_await inner_.read();
    if (stopped_) co_return;
    if (!chunk) {
      failed_ = chunk.error();
      side_.abandoned = true;  // whoever waits for the service need not
      co_return;
    }
    told_ = true;
    const http::Fields* trailers = chunk->end ? some(inner_.trailers()) : nullptr;
    if (!chunk->bytes.empty() || !trailers) {
      ProcessingRequest message;
      message.part = body_part(processor_, side_);
      message.body = {chunk->bytes.data(), chunk->bytes.size()};
      message.end_of_stream = chunk->end && !trailers;
      if (!co_await processor_.tell(side_, std::move(message))) co_return;
    }
    if (trailers) {
      ProcessingRequest message;
      message.part = trailers_part(processor_, side_);
      message.fields = trailers;
      co_await processor_.tell(side_, std::move(message));
    }
    if (chunk->end) co_return;
  }
}

Task<Result<http::Chunk>> DuplexBody::read() {
  while (!ended_ && !passing_) {
    if (failed_) co_return failed_;
    if (side_.abandoned || processor_.refused()) co_return gone();
    ProcessingResponse said;
    if (!side_.inbox.empty() || !processor_.over()) {
      if (!co_await processor_.hear(side_, said)) continue;
      if (said.part == trailers_part(processor_, side_)) {
        if (const http::Fields* trailers = some(inner_.trailers())) trailers_ = *trailers;
        has_trailers_ = processor_.change(said.headers, trailers_, nullptr, nullptr, false);
        if (!has_trailers_) co_return gone();
        out_.clear();
        ended_ = true;
      } else {
        out_ = std::move(said.body);
        ended_ = said.end_of_stream;
      }
      if (ended_) {
        side_.busy = false;
        side_.late.cancel();
      }
      if (ended_ || !out_.empty()) co_return http::Chunk{out_, ended_};
      continue;
    }
    // The service is over, and not all of the body has come back.
    if (told_) {
      processor_.broken("ext_proc_error_body_lost");
      co_return gone();
    }
    passing_ = true;
  }
  if (ended_) co_return http::Chunk{{}, true};
  while (telling_) co_await side_.changed.wait();
  if (told_) {
    processor_.broken("ext_proc_error_body_lost");
    co_return gone();
  }
  Result<http::Chunk> chunk = co_await inner_.read();
  if (chunk) ended_ = chunk->end;
  co_return chunk;
}

}  // namespace tidegate::proxy::filters
