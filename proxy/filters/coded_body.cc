#include "proxy/filters/coded_body.h"

#include <boost/system/errc.hpp>

namespace tidegate::proxy::filters {
namespace {

constexpr std::size_t kEnough = 32'768;  // bytes that are worth passing on

}  // namespace

error_code CodedBody::take(const http::Chunk& chunk) {
  using coding::Flush;
  ended_ = chunk.end;
  held_ = true;
  if (counted_.in) counted_.in->add(chunk.bytes.size());
  if (coder_->put(chunk.bytes, chunk.end ? Flush::kFinish : Flush::kNone, out_)) return {};
  return boost::system::errc::make_error_code(boost::system::errc::bad_message);
}

error_code CodedBody::drain() {
  while (!ended_ && out_.size() < kEnough) {
    Result<http::Chunk> chunk = inner_.poll();
    if (!chunk) return chunk.error();
    if (chunk->bytes.empty() && !chunk->end) {
      if (!held_) return {};
      held_ = false;
      if (coder_->put({}, coding::Flush::kNow, out_)) return {};
      return boost::system::errc::make_error_code(boost::system::errc::bad_message);
    }
    if (error_code failed = take(*chunk)) return failed;
  }
  return {};
}

http::Chunk CodedBody::given() const {
  if (counted_.out) counted_.out->add(out_.size());
  return {out_, ended_};
}

Result<http::Chunk> CodedBody::poll() {
  out_.clear();
  if (error_code failed = drain()) return failed;
  return given();
}

Task<Result<http::Chunk>> CodedBody::read() {
  out_.clear();
  while (true) {
    if (error_code failed = drain()) co_return failed;
    if (ended_ || !out_.empty()) co_return given();
    Result<http::Chunk> chunk = co_await inner_.read();
    if (!chunk) co_return chunk.error();
    if (error_code failed = take(*chunk)) co_return failed;
  }
}

}  // namespace tidegate::proxy::filters
