#pragma once

#include <memory>
#include <string>

#include "proxy/http/limits.h"
#include "proxy/http/stream.h"
#include "proxy/http1/body_decoder.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/slot.h"
#include "proxy/runtime/stats.h"

namespace tidegate::proxy::upstream {

/// One HTTP/1.1 connection to an endpoint, and the exchange that is on it. Between exchanges it
/// idles in a pool, without a buffer. One exchange at a time; begin() starts the next.
class Http1Client final : public http::ClientStream, private http::BodySource {
 public:
  Http1Client(Loop& loop, std::unique_ptr<net::Stream> stream, ClusterStats& stats);
  ~Http1Client() override;

  /// What a policy says of connections.
  struct Terms {
    http::HeadLimits head;            // of answers
    std::uint32_t exchanges_max = 0;  // in its life; 0: any number
    Slot slot;                        // its place among the connections of its cluster
    TimerWheel::Clock::time_point until = TimerWheel::Clock::time_point::max();  // of new exchanges
  };
  void set_terms(Terms terms) { terms_ = std::move(terms); }

  void begin();
  /// Whether another exchange may use it: both messages are whole and the peer keeps the
  /// connection.
  bool reusable() const;
  /// Whether the peer has closed it meanwhile, or sent what nobody asked for, or its time is over.
  /// `look`: as of now,
  /// which costs a system call; else as far as it has been reported.
  bool stale(bool look) {
    left_ = !stream_->quiet(look);
    if (left_ || !over()) return left_;
    stats_.upstream_cx_max_duration_reached.add();
    return true;
  }
  /// Gives the buffer back; before it goes to the pool.
  void rest();
  TimerWheel::Clock::time_point rested_at() const { return rested_at_; }
  const net::ConnectionFacts& facts() const { return stream_->facts(); }

  Task<error_code> send_head(const http::RequestHead& head, http::Chunk first) override;
  Task<error_code> send_body(http::Chunk chunk) override;
  Task<error_code> send_trailers(const http::Fields& trailers) override;
  Task<Result<http::ResponseHead*>> receive_head() override;
  http::BodySource& response_body() override { return *this; }
  void cancel(error_code reason) override;
  net::Stream* raw() override;
  void raw_left() override { left_ = true; }
  bool answered() const override { return answered_; }
  bool reused() const override { return exchanges_ > 1; }

 private:
  bool over() const {
    return terms_.until != TimerWheel::Clock::time_point::max() &&
           loop_.wheel.now() >= terms_.until;
  }
  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;
  /// As Http1Connection has it.
  const http::Fields* trailers() const override {
    return head_.names_fields ? nullptr : decoder_.trailers();
  }

  Task<error_code> fill();
  Task<error_code> write(std::span<const boost::asio::const_buffer> pieces);
  Result<http::Chunk> decode();
  error_code why(error_code failed) const { return cancelled_ ? cancelled_ : failed; }

  Loop& loop_;
  std::unique_ptr<net::Stream> stream_;
  ClusterStats& stats_;
  BufferPool::Buffer buffer_;
  std::size_t begin_ = 0;  // of what is read and not yet used
  std::size_t end_ = 0;
  std::string out_;
  http::ResponseHead head_;
  std::string method_;
  std::string upgrade_;  // that was asked for; empty: none
  http1::BodyDecoder decoder_;
  bool raw_ = false;      // after 101: bytes of the other protocol
  bool chunked_ = false;  // the request's body
  bool request_done_ = false;
  bool response_done_ = false;
  bool answered_ = false;
  bool broken_ = false;
  bool left_ = false;  // the peer has ended the connection
  std::uint32_t exchanges_ = 0;
  Terms terms_;
  TimerWheel::Clock::time_point made_at_;
  TimerWheel::Clock::time_point rested_at_;
  error_code cancelled_;
};

}  // namespace tidegate::proxy::upstream
