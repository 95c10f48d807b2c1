#include "proxy/relay/pair.h"

#include <boost/asio/error.hpp>
#include <exception>
#include <utility>

namespace tidegate::proxy::relay {

namespace asio = boost::asio;

Pair::Pair(Loop& loop, Side downstream, Side upstream, std::chrono::milliseconds idle)
    : loop_(loop),
      downstream_(downstream),
      upstream_(upstream),
      idle_after_(idle),
      idle_(Idle{this}) {}

Task<void> Pair::run(std::string early) {
  last_ = loop_.wheel.now();
  if (idle_after_.count() > 0) loop_.wheel.arm(idle_, idle_after_);
  spawn(loop_.io, copy(upstream_, downstream_, from_upstream, {}),
        [this](const std::exception_ptr& thrown) {
          if (thrown) fail(upstream_, make_error_code(boost::system::errc::not_enough_memory));
          answered_.notify();
        });
  std::exception_ptr thrown;
  try {
    co_await copy(downstream_, upstream_, from_downstream, std::move(early));
  } catch (...) {
    thrown = std::current_exception();
    close();  // or the other direction would outlive us
  }
  co_await answered_.wait();
  if (thrown) std::rethrow_exception(thrown);
}

Task<void> Pair::copy(Side& from, Side& to, std::uint64_t& bytes, std::string early) {
  BufferPool::Buffer buffer;
  asio::const_buffer piece(early.data(), early.size());
  while (true) {
    if (piece.size() > 0) {
      error_code gone;
      if (!to.stream.write_later({&piece, 1}))
        gone = co_await net::write_all(to.stream, {&piece, 1}, to.stall);
      if (gone) {
        fail(to, gone);
        break;
      }
      to.sent.add(piece.size());
      bytes += piece.size();
      loop_.buffers.give(std::move(buffer));
      std::string().swap(early);
    }
    if (over_) break;  // the other direction has ended both before this one waited
    Result<std::size_t> got = co_await from.stream.read_some(loop_.buffers, buffer);
    if (!got && got.error() == asio::error::eof) {
      if (left == nullptr && !over_) left = &from.stream;
      if (error_code gone = co_await net::settle(to.stream, to.stall)) {
        fail(to, gone);
        break;
      }
      if (over_) break;
      if (with_upstream_ && &from == &upstream_) {
        over_ = true;
        upstream_.stream.close();
        downstream_.stream.cancel();
      } else {
        to.stream.shutdown_send();
      }
      break;
    }
    if (!got) {
      fail(from, got.error());
      break;
    }
    last_ = loop_.wheel.now();
    from.received.add(*got);
    piece = asio::const_buffer(buffer.get(), *got);
  }
  loop_.buffers.give(std::move(buffer));
}

void Pair::fail(Side& side, error_code with) {
  if (over_) return;
  failed = &side.stream;
  if (left == nullptr) left = failed;
  why = with;
  close();
}

void Pair::close() {
  over_ = true;
  downstream_.stream.close();
  upstream_.stream.close();
}

void Pair::check_idle() {
  const auto rested = loop_.wheel.now() - last_;
  if (rested >= idle_after_) {
    idled = true;
    close();
    return;
  }
  loop_.wheel.arm(idle_, std::chrono::ceil<std::chrono::milliseconds>(idle_after_ - rested));
}

}  // namespace tidegate::proxy::relay
