#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "proxy/filters/table.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::test {

using namespace proxy;

/// A body of pieces. Each is at hand at once, or only when somebody waits for it.
class PieceBody final : public http::BodySource {
 public:
  struct Piece {
    std::string text;
    bool at_hand = true;
  };
  explicit PieceBody(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}
  PieceBody() = default;

  Result<http::Chunk> poll() override {
    if (next_ < pieces_.size() && !pieces_[next_].at_hand) return http::Chunk{{}, false};
    return give();
  }
  Task<Result<http::Chunk>> read() override {
    ++reads;
    co_return give();
  }
  bool broken = false;  // ends with an error
  int reads = 0;

 private:
  Result<http::Chunk> give() {
    if (next_ < pieces_.size()) {
      const std::string& text = pieces_[next_++].text;
      return http::Chunk{text, !broken && next_ == pieces_.size()};
    }
    if (broken) return boost::system::errc::make_error_code(boost::system::errc::io_error);
    return http::Chunk{{}, true};
  }
  std::vector<Piece> pieces_;
  std::size_t next_ = 0;
};

/// One exchange as filters see it, without sockets.
struct CallFixture {
  explicit CallFixture(std::vector<PieceBody::Piece> body = {})
      : request_body(body), with_body(!body.empty()) {
    request.method = with_body ? "POST" : "GET";
    request.scheme = "http";
    request.authority = "example.com";
    request.path = "/";
    std::size_t size = 0;
    for (const auto& piece : body) size += piece.text.size();
    if (with_body) request.body = {http::BodyLength::Kind::kExact, size};
    facts.remote = {boost::asio::ip::make_address("192.0.2.7"), 4711};
    facts.local = {boost::asio::ip::make_address("192.0.2.1"), 8080};
  }

  filters::Call& call() {
    if (!call_) {
      call_ = std::make_unique<filters::Call>(loop, clusters, stats, facts, request, request_body);
    }
    return *call_;
  }
  void end_call() { call_.reset(); }

  template <class Config>
  filters::FilterPtr make(const Config& config) {
    return filters::compile(config, filters::CompileContext{snapshot, kept});
  }

  /// Runs a coroutine to its end; the loop turns while it waits.
  template <class T>
  T wait(Task<T> task) {
    std::optional<T> out;
    spawn(loop.io, [](Task<T> work, std::optional<T>* result) -> Task<void> {
      result->emplace(co_await std::move(work));
    }(std::move(task), &out));
    while (!out) loop.turn(std::chrono::milliseconds(20));
    return std::move(*out);
  }

  filters::Verdict ask(const filters::Filter& filter) {
    filters::Verdict verdict = filter.request(call());
    if (verdict == filters::Verdict::kWait) verdict = wait(filter.request_waiting(call()));
    return verdict;
  }
  /// The rest of a body; "!" at the end of one that breaks.
  std::string all(http::BodySource& body) {
    std::string out;
    Result<http::Chunk> chunk = body.poll();
    while (chunk) {
      out.append(chunk->bytes.data(), chunk->bytes.size());
      if (chunk->end) return out;
      chunk = wait(body.read());
    }
    return out + "!";
  }

  Snapshot snapshot;
  filters::Kept kept;
  Loop loop{0, 1};
  upstream::Clusters clusters{loop};
  HttpStats stats;
  net::ConnectionFacts facts;
  http::RequestHead request;
  PieceBody request_body;
  bool with_body;

 private:
  std::unique_ptr<filters::Call> call_;
};

}  // namespace tidegate::test
