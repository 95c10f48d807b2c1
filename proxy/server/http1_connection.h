#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "proxy/http/limits.h"
#include "proxy/http/stream.h"
#include "proxy/http1/body_decoder.h"
#include "proxy/http1/parser.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"

namespace tidegate::proxy::server {

/// What was answered where no request could be understood.
struct Refused {
  int status = 400;
  const char* flag = "DPE";  // Envoy's
  std::string_view details = "http1.codec_error";
  std::size_t bytes = 0;  // of the body
};
/// `Refused::details` of a client that begins TLS on a port without it, and the other way around.
inline constexpr std::string_view kTlsOnPlainPort = "tls_on_plain_port";
inline constexpr std::string_view kPlainOnTlsPort = "plain_http_on_tls_port";

/// One downstream HTTP/1 connection, from a request that comes until it idles or ends: requests one
/// after the other. While a connection idles there is none of these. Source: RFC 9112 sections 9.3
/// to 9.6.
class Http1Connection final : public http::ServerStream, private http::BodySource {
 public:
  using ServeExchange = std::function<Task<void>(http::ServerStream&)>;
  struct Options {
    http::HeadLimits limits;
    std::chrono::milliseconds idle_timeout{75000};  // between requests
    std::chrono::milliseconds head_timeout{10000};  // from a head's first byte to its last
    std::chrono::milliseconds body_timeout{60000};  // without a byte of the body; 408
    std::chrono::milliseconds send_timeout{60000};  // in which the client takes no byte; 0: none
    std::uint32_t requests_max = 0;                 // the last one closes; 0: any number
    bool may_be_http2 = false;
    /// Told of an answer to what was no request: its status, flag, details, and bytes of body.
    std::function<void(const Refused&)> refused;
  };

  /// What outlives it while the connection idles.
  struct History {
    bool counted = false;        // among the connections of this protocol
    std::uint32_t requests = 0;  // that it has served
  };
  enum class Ended {
    kOver,
    kIdle,   // nothing has come for a moment: go on with another when something does
    kHttp2,  // its first bytes are that protocol's preface (RFC 9113 section 3.4); unread() has
             // them
  };

  Http1Connection(Loop& loop, net::Stream& stream, HttpStats& stats, ServeExchange serve_exchange,
                  const Options& options, History& history);
  ~Http1Connection();

  Task<Ended> serve();
  /// In place of serve(): tells a client that this is not the port it means, and ends.
  Task<void> turn_away(std::string_view text, std::string_view details);
  std::span<const char> unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// The answer under way is the last one; a connection that idles is closed at once.
  void drain();
  bool draining() const { return draining_; }
  /// At once.
  void close();
  std::size_t buffered_bytes() const {
    return room_ + (body_buffer_ ? BufferPool::kBytes : 0) + out_.capacity() +
           (stall_timer_.armed() ? kBehindAnAnswer : 0);
  }

  http::RequestHead& request() override { return head_; }
  http::BodySource& request_body() override { return *this; }
  Task<error_code> send_informational(const http::ResponseHead& head) override;
  Task<error_code> send_head(const http::ResponseHead& head, http::Chunk first) override;
  Task<error_code> send_body(http::Chunk chunk) override;
  Task<error_code> send_trailers(const http::Fields& trailers) override;
  void abort() override;
  void watch_client(Watcher* watcher) override;
  void let_pause(std::chrono::milliseconds most) override { patience_ = most; }
  Raw raw() override;

 private:
  static constexpr std::size_t kBehindAnAnswer = 64 * 1024;  // for a client that does not take it
  enum class Got { kHead, kEnd, kRefused, kIdle, kHttp2 };

  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;
  void abandon() override;
  /// Those that Connection names are for this hop too (RFC 9110 section 7.6.1); which ones they
  /// were is not kept.
  const http::Fields* trailers() const override {
    return head_.names_fields ? nullptr : decoder_.trailers();
  }

  Task<Got> read_head();
  void counted();
  Task<void> part();
  Task<void> refuse(int status, std::string_view text,
                    std::string_view details = "http1.codec_error", const char* flag = "DPE");
  Task<error_code> settle();
  Task<error_code> write(std::span<const boost::asio::const_buffer> pieces, bool end = false);
  Task<error_code> send_continue();
  Task<void> watch();
  Result<http::Chunk> decode();
  void fresh(bool now);
  void timed_out();
  void give_buffer();
  void grow_buffer();

  Loop& loop_;
  net::Stream& stream_;
  HttpStats& stats_;
  ServeExchange serve_exchange_;
  Options options_;
  History& history_;
  BufferPool::Buffer buffer_;
  std::size_t room_ = 0;            // bytes of buffer_; more than the pool's where a head was large
  BufferPool::Buffer body_buffer_;  // where the head left too little room for the body
  std::size_t begin_ = 0;           // of what is read and not yet used
  std::size_t end_ = 0;
  std::size_t head_end_ = 0;
  char* body_at_ =
      nullptr;  // body bytes are read to here, over and over; the head stays where it is
  std::size_t body_room_ = 0;
  std::size_t body_begin_ = 0;
  std::size_t body_end_ = 0;
  http::RequestHead head_;
  http1::BodyDecoder decoder_;
  std::string out_;
  bool body_done_ = false;
  bool raw_ = false;           // after 101
  bool chunked_ = false;       // the answer's body
  bool bodiless_ = false;      // the answer has none, whatever is given
  bool continue_due_ = false;  // the client waits for 100
  bool informing_ = false;     // 100 is on its way: the answer waits for it
  Event informed_;
  bool until_close_ = false;  // the answer's body ends with the connection
  bool answered_ = false;
  bool keep_ = true;
  bool draining_ = false;
  bool idle_ = false;
  bool reading_ = false;
  bool cancelled_ = false;
  bool fresh_ = false;  // is one of Loop::silent
  bool expired_ = false;
  std::optional<std::chrono::milliseconds> patience_;  // of this message: let_pause()
  CallTimer<std::function<void()>> timer_;
  CallTimer<std::function<void()>> stall_timer_;  // of a write that the kernel does not take
  Watcher* watcher_ = nullptr;
  bool watching_ = false;
  CallTimer<std::function<void()>> watch_timer_;
};

}  // namespace tidegate::proxy::server
