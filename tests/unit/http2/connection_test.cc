#include <catch2/catch.hpp>

#include "tests/unit/http2/sides.h"

using namespace tidegate;
using namespace tidegate::test;
using Kind = http::BodyLength::Kind;

namespace {

struct Watcher final : http::ServerStream::Watcher {
  void client_gone() override { ++told; }
  int told = 0;
};

Task<void> send_body(http2::Stream& stream, std::string body, error_code& result, bool& done) {
  const http::Chunk all{{body.data(), body.size()}, true};
  result = co_await stream.send_body(all);
  done = true;
}

Task<void> send_request(http2::Stream& stream, error_code& result) {
  http::RequestHead head = get();
  result = co_await stream.send_head(head, {{}, true});
}

std::string settings_frame(int entries = 0) {
  return Http2Peer::raw_frame(4, 0, 0, std::string(static_cast<std::size_t>(entries) * 6, '\0'));
}

}  // namespace

TEST_CASE("a body that nobody reads stops at the window", "[http2][rfc9113-5.2]") {
  http2::Limits limits;
  limits.stream_window_bytes = 100000;
  Scripted link(limits);
  const std::int32_t id = link.client.request(Http2Peer::get(), true);
  link.client.send(id, std::string(1000000, 'x'), true);
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  Result<http::Chunk> first = link.request().poll();
  REQUIRE(first.has_value());
  CHECK(first->bytes.size() == 100000);
  link.settle();
  Result<http::Chunk> none = link.request().poll();  // gives the first back
  REQUIRE(none.has_value());
  CHECK(none->bytes.empty());
  CHECK(!none->end);
  link.settle();
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.settle();
  CHECK(got.size() == 1000000 - 100000 + 1);
}

TEST_CASE("an answer waits for the client's window, and not for other streams", "[http2]") {
  Scripted link({}, true);
  const std::int32_t slow = link.client.request(Http2Peer::get("/slow"));
  const std::int32_t other = link.client.request(Http2Peer::get("/other"));
  link.settle();
  REQUIRE(link.server.requests.size() == 2);
  link.server.spawn(send(link.request(0), ok(), "", false));
  error_code result = http2::Error::kIdle;
  bool done = false;
  link.server.spawn(send_body(link.request(0), std::string(60000, 'x'), result, done));
  link.settle();
  CHECK(done);  // within the window of 65535
  link.server.spawn(send(link.request(1), ok(), std::string(5000, 'y')));
  link.settle();
  CHECK(link.client.heard(slow).body.size() == 60000);
  CHECK(link.client.heard(other).body.size() == 5000);
  CHECK(link.client.heard(other).ended);
}

TEST_CASE("bytes are only taken from a sender as the peer takes them", "[http2]") {
  Scripted link({}, true);
  const std::int32_t id = link.client.request(Http2Peer::get());
  link.settle();
  link.server.spawn(send(link.request(), ok(), "", false));
  error_code result = http2::Error::kIdle;
  bool done = false;
  link.server.spawn(send_body(link.request(), std::string(200000, 'x'), result, done));
  link.settle();
  CHECK(!done);
  CHECK(link.client.heard(id).body.size() == 65535);
  while (!done) {
    const std::size_t before = link.client.heard(id).body.size();
    link.client.window(id, 60000);
    link.settle();
    REQUIRE(link.client.heard(id).body.size() > before);
  }
  CHECK(!result);
  CHECK(link.client.heard(id).body.size() == 200000);
}

TEST_CASE("a client that resets ends every wait, and the watcher hears of it once", "[http2]") {
  Scripted link;
  const std::int32_t id = link.client.request(Http2Peer::get(), true);
  link.settle();
  Watcher watcher;
  link.request().watch(&watcher);
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.client.send(id, "part", false);
  link.settle();
  link.client.reset(id);
  link.settle();
  CHECK(got == "part!the peer reset the stream");
  CHECK(watcher.told == 1);
  Watcher late;
  link.request().watch(&late);
  link.settle();
  CHECK(late.told == 1);
  error_code result;
  bool done = false;
  link.server.spawn(send_body(link.request(), "x", result, done));
  CHECK(result == http2::Error::kReset);
}

TEST_CASE("a request that is reset with its arrival is not handed over", "[http2]") {
  Scripted link;
  link.client.settings();
  const std::int32_t id = link.client.request(Http2Peer::get());
  std::string bytes = link.client.give();
  link.client.reset(id);
  bytes += link.client.give();
  CHECK(!link.server.take(bytes));
  CHECK(link.server.requests.empty());
  CHECK(link.server.session.active() == 0);
}

TEST_CASE("giving a stream up is told to the peer", "[http2]") {
  Scripted link;
  const std::int32_t id = link.client.request(Http2Peer::get(), true);
  const std::int32_t second = link.client.request(Http2Peer::get(), true);
  link.settle();
  link.server.spawn(send(link.request(0), ok(), "whole"));
  link.request(1).reset(http2::Error::kCancelled);
  link.server.requests.clear();  // the bodies have not come
  link.settle();
  CHECK(link.client.heard(id).body == "whole");
  CHECK(link.client.heard(id).ended);
  CHECK(link.client.heard(id).reset ==
        NGHTTP2_NO_ERROR);  // the answer is whole, the rest of the request is not needed
  CHECK(link.client.heard(second).reset == NGHTTP2_INTERNAL_ERROR);
  CHECK(link.server.session.active() == 0);
}

TEST_CASE("bytes of streams that are gone are given back to the connection", "[http2]") {
  http2::Limits limits;
  limits.connection_window_bytes = 200000;
  limits.stream_window_bytes = 100000;
  Scripted link(limits);
  for (int i = 0; i < 10; ++i) {
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    link.client.send(id, std::string(90000, 'x'), false);
    link.settle();
    REQUIRE(link.server.requests.size() == 1);
    link.server.requests.clear();
    link.settle();
  }
  const std::int32_t id = link.client.request(Http2Peer::get(), true);
  link.client.send(id, std::string(90000, 'x'), true);
  link.settle();
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.settle();
  CHECK(got.size() == 90001);
}

TEST_CASE("a ping for each message is no flood", "[http2]") {  // grpc-go measures so
  Scripted link;
  const std::int32_t id = link.client.request(Http2Peer::get(), true);
  link.settle();
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  error_code failed;
  for (int i = 0; i < 3000 && !failed; ++i) {
    link.client.send(id, "message", false);
    failed = link.server.take(link.client.give() + Http2Peer::raw_frame(6, 0, 0, "12345678"));
    link.server.give();
  }
  CHECK(!failed);
}

TEST_CASE("floods end the connection with ENHANCE_YOUR_CALM", "[http2][cve-2023-44487]") {
  Scripted link;
  error_code failed;
  SECTION("resets") {
    for (int i = 0; i < 300 && !failed; ++i) {
      const std::int32_t id = link.client.request(Http2Peer::get());
      std::string bytes = link.client.give();
      link.client.reset(id);
      failed = link.server.take(bytes + link.client.give());
    }
  }
  SECTION("resets that we are made to send") {
    for (int i = 0; i < 300 && !failed; ++i) {
      const std::int32_t id = link.client.request(Http2Peer::get(), true);
      failed =
          link.server.take(link.client.give() + Http2Peer::raw_frame(8, 0, id, "\x7f\xff\xff\xff"));
      link.server.requests.clear();
      if (!failed) link.settle();
    }
  }
  SECTION("priorities") {
    const std::string on_nothing("\0\0\0\0\x0f", 5);
    for (int i = 0; i < 3000 && !failed; ++i)
      failed = link.server.take(Http2Peer::raw_frame(2, 0, 1, on_nothing));
  }
  SECTION("unknown frames") {
    for (int i = 0; i < 3000 && !failed; ++i)
      failed = link.server.take(Http2Peer::raw_frame(0x42, 0, 0, "x"));
  }
  SECTION("pings whose answers are taken") {
    for (int i = 0; i < 3000 && !failed; ++i) {
      failed = link.server.take(Http2Peer::raw_frame(6, 0, 0, "12345678"));
      if (!failed) link.server.give();
    }
  }
  SECTION("windows that grow where nothing is sent") {
    for (int i = 0; i < 3000 && !failed; ++i)
      failed = link.server.take(Http2Peer::raw_frame(8, 0, 0, std::string("\0\0\0\1", 4)));
  }
  SECTION("data of padding alone") {
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    link.settle();
    for (int i = 0; i < 3000 && !failed; ++i)
      failed = link.server.take(Http2Peer::raw_frame(0, 8, id, std::string("\0", 1)));
  }
  SECTION("settings") {
    for (int i = 0; i < 3000 && !failed; ++i) failed = link.server.take(settings_frame());
  }
  SECTION("pings whose answers are not taken") {
    std::string pings;
    for (int i = 0; i < 3000; ++i) pings += Http2Peer::raw_frame(6, 0, 0, "12345678");
    http2::Limits small;
    small.output_bytes = 1024;
    Side server(http2::Role::kServer, small);
    Http2Peer client(Http2Peer::Side::kClient);
    client.settings();
    failed = server.session.feed(client.give());
    if (!failed) failed = server.session.feed(pings);
    CHECK(failed == http2::Error::kFlood);
    return;
  }
  SECTION("data without bytes") {
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    link.settle();
    for (int i = 0; i < 3000 && !failed; ++i)
      failed = link.server.take(Http2Peer::raw_frame(0, 0, id, ""));
  }
  SECTION("a head that is far too large") {
    Http2Peer::Fields fields = Http2Peer::get();
    fields.emplace_back(
        "large", std::string(2500, 'x'));  // in the table of HPACK: one byte each from now on
    const std::int32_t id = link.client.request(fields);
    link.settle();
    failed = link.server.take(Http2Peer::raw_frame(1, 4, id + 2,
                                                   "\x82\x86\x84\x41\x01"
                                                   "a" +
                                                       std::string(1000, '\xbf')));
  }
  CHECK(failed == http2::Error::kFlood);
  std::string last = link.server.give();
  REQUIRE(last.size() >= 17);
  last = last.substr(last.size() - 17);
  CHECK(last.substr(0, 9) == Http2Peer::raw_frame(7, 0, 0, std::string(8, '\0')).substr(0, 9));
  CHECK(last.substr(13) == std::string("\0\0\0\x0b", 4));  // ENHANCE_YOUR_CALM
}

TEST_CASE("resets of streams that we have answered are no flood", "[http2]") {
  Scripted link;
  for (int i = 0; i < 500; ++i) {
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    REQUIRE(!link.settle());
    link.server.spawn(send(*link.server.requests.back(), ok(), "done"));
    REQUIRE(!link.settle());
    link.client.reset(id);
    REQUIRE(!link.settle());
    link.server.requests.clear();
  }
}

TEST_CASE("a stream that does not move is given up", "[http2]") {
  Scripted link;
  SECTION("the client sends nothing of its body") {
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    REQUIRE(!link.settle());
    http2::Stream& stream = *link.server.requests.back();
    link.server.spawn([](http2::Stream& of) -> Task<void> { co_await of.read(); }(stream));
    CHECK(link.server.session.sweep_stalled(0, 2).reading == 0);
    CHECK(link.server.session.sweep_stalled(0, 2).reading == 0);
    CHECK(link.server.session.sweep_stalled(0, 2).reading == 1);
    CHECK(stream.failed() == http2::Error::kIdle);
    REQUIRE(!link.settle());
    CHECK(link.client.heard(id).reset == NGHTTP2_CANCEL);
  }
  SECTION("the client takes nothing of the answer") {
    link.client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
    REQUIRE(!link.settle());
    const std::int32_t id = link.client.request(Http2Peer::get());
    REQUIRE(!link.settle());
    link.server.spawn(send(*link.server.requests.back(), ok(), "body"));
    REQUIRE(!link.settle());
    CHECK(link.server.session.sweep_stalled(1, 0).sending == 0);
    CHECK(link.server.session.sweep_stalled(1, 0).sending == 1);
    REQUIRE(!link.settle());
    CHECK(link.client.heard(id).reset == NGHTTP2_CANCEL);
  }
  SECTION("one whose answer is not there yet is let be") {
    link.client.request(Http2Peer::get());
    REQUIRE(!link.settle());
    for (int i = 0; i < 10; ++i) {
      const http2::Session::Stalled stalled = link.server.session.sweep_stalled(0, 0);
      CHECK(stalled.sending + stalled.reading == 0);
    }
  }
}

TEST_CASE("a head in very many frames ends the connection", "[http2][cve-2024-28182]") {
  Scripted link;
  const std::int32_t id = 1;
  error_code failed = link.server.take(Http2Peer::raw_frame(1, 0, id,
                                                            "\x82\x86\x84\x41\x01"
                                                            "a"));
  for (int i = 0; i < 100 && !failed; ++i)
    failed = link.server.take(Http2Peer::raw_frame(9, 0, id, ""));
  CHECK(failed);
  CHECK(link.server.requests.empty());
}

TEST_CASE("what is not HTTP/2 ends the connection with PROTOCOL_ERROR", "[http2][rfc9113-5.4.1]") {
  const bool byte_by_byte = GENERATE(false, true);
  Side server(http2::Role::kServer);
  Http2Peer client(Http2Peer::Side::kClient);
  client.settings();
  client.take(server.give());
  std::string preface = client.give();
  std::string bad;
  SECTION("another preface") { preface = "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"; }
  SECTION("no settings after the preface") {
    preface = preface.substr(0, 24), bad = Http2Peer::raw_frame(6, 0, 0, "12345678");
  }
  SECTION("garbage") { bad = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"; }
  SECTION("a ping on a stream") { bad = Http2Peer::raw_frame(6, 0, 1, "12345678"); }
  SECTION("a ping of seven bytes") { bad = Http2Peer::raw_frame(6, 0, 0, "1234567"); }
  SECTION("data on a stream that is not open") { bad = Http2Peer::raw_frame(0, 0, 1, "x"); }
  SECTION("a head on an even stream") {
    bad = Http2Peer::raw_frame(1, 5, 2,
                               "\x82\x86\x84\x41\x01"
                               "a");
  }
  SECTION("a head that is no HPACK") {
    bad = Http2Peer::raw_frame(1, 5, 1, "\xff\xff\xff\xff\xff\xff\xff");
  }
  SECTION("a pushed head") {
    bad = Http2Peer::raw_frame(5, 4, 1, std::string("\0\0\0\2", 4) + "\x82");
  }
  SECTION("a frame between HEADERS and CONTINUATION") {
    bad = Http2Peer::raw_frame(1, 1, 1, "\x82") + Http2Peer::raw_frame(6, 0, 0, "12345678");
  }
  SECTION("a window that overflows") {
    bad = Http2Peer::raw_frame(8, 0, 0, "\x7f\xff\xff\xff") +
          Http2Peer::raw_frame(8, 0, 0, "\x7f\xff\xff\xff");
  }
  std::string all = preface + bad;
  error_code failed;
  if (byte_by_byte) {
    for (std::size_t i = 0; i < all.size() && !failed; ++i) failed = server.take(all.substr(i, 1));
  } else {
    failed = server.take(all);
  }
  CHECK(failed == http2::Error::kProtocol);
  client.take(server.give());
  REQUIRE(!client.goaways().empty());
  CHECK(client.goaways().back().second != NGHTTP2_NO_ERROR);
  CHECK(server.requests.empty());
  server.turn();
  CHECK(server.session.done());
  CHECK(server.take("more") == http2::Error::kProtocol);
}

TEST_CASE("a stream too many is refused; who has acknowledged the limit loses the connection",
          "[http2][rfc9113-5.1.2]") {
  const bool acknowledged = GENERATE(false, true);
  http2::Limits limits;
  limits.concurrent_streams = 2;
  Side server(http2::Role::kServer, limits);
  Http2Peer client(Http2Peer::Side::kClient);
  client.settings();
  server.turn();
  std::string first = server.give();
  if (acknowledged) client.take(first);
  REQUIRE(!server.take(client.give()));
  server.give();
  auto head = [](std::int32_t id) {
    return Http2Peer::raw_frame(1, 5, id,
                                "\x82\x86\x84\x41\x01"
                                "a");
  };
  REQUIRE(!server.take(head(1) + head(3)));
  const error_code failed = server.take(head(5));
  const std::string said = server.give();
  CHECK(server.requests.size() == 2);
  if (acknowledged) {
    CHECK(failed == http2::Error::kProtocol);
    const std::string goaway("\0\0\0\3\0\0\0\1", 8);  // the last stream, PROTOCOL_ERROR
    CHECK(said.find(goaway) != said.npos);
  } else {
    CHECK(!failed);
    const std::string refused("\0\0\0\7", 4);
    CHECK(said.find(Http2Peer::raw_frame(3, 0, 5, refused)) != said.npos);
    server.requests.clear();
    REQUIRE(!server.take(head(7)));
    CHECK(server.requests.size() == 1);
  }
}

TEST_CASE("a drain lets what is under way arrive", "[http2][rfc9113-6.8]") {
  Scripted link;
  const std::int32_t first = link.client.request(Http2Peer::get());
  link.settle();
  link.server.session.drain();
  link.server.turn();
  std::string notice = link.server.give();
  const std::int32_t crossing =
      link.client.request(Http2Peer::get());  // sent before the notice came
  CHECK(!link.server.take(link.client.give()));
  link.client.take(notice);
  REQUIRE(link.client.goaways().size() == 1);
  CHECK(link.client.goaways()[0].first == 0x7fffffff);
  link.settle();  // the ping is answered: now it is final
  REQUIRE(link.client.goaways().size() == 2);
  CHECK(link.client.goaways()[1].first == crossing);
  REQUIRE(link.server.requests.size() == 2);
  CHECK(!link.server.session.done());
  for (auto& request : link.server.requests) link.server.spawn(send(*request, ok(), "answer"));
  link.settle();
  CHECK(link.client.heard(first).body == "answer");
  CHECK(link.client.heard(crossing).body == "answer");
  link.server.requests.clear();
  link.server.turn();
  CHECK(link.server.session.done());
}

TEST_CASE("a client learns which requests were certainly not processed", "[http2][rfc9113-8.7]") {
  Side client(http2::Role::kClient);
  Http2Peer server(Http2Peer::Side::kServer);
  server.settings();
  client.turn();
  server.take(client.give());
  client.take(server.give());
  server.take(client.give());
  std::vector<std::unique_ptr<http2::Stream>> streams;
  std::vector<error_code> results(3);
  for (error_code& result : results) {
    streams.push_back(client.session.open());
    client.spawn(send_request(*streams.back(), result));
  }
  server.take(client.give());
  SECTION("by GOAWAY") {
    server.go_away(1);
    client.take(server.give());
    CHECK(!streams[0]->failed());
    CHECK(http2::retry_safe(streams[1]->failed()));
    CHECK(http2::retry_safe(streams[2]->failed()));
    CHECK(!client.session.usable());
    CHECK(client.session.open() == nullptr);
    server.respond(1, {{":status", "204"}});
    client.take(server.give());
    CHECK(streams[0]->answered());
    streams.clear();
    client.turn();
    CHECK(client.session.done());
  }
  SECTION("by REFUSED_STREAM") {
    server.reset(3, NGHTTP2_REFUSED_STREAM);
    server.reset(5, NGHTTP2_INTERNAL_ERROR);
    client.take(server.give());
    CHECK(!streams[0]->failed());
    CHECK(http2::retry_safe(streams[1]->failed()));
    CHECK(streams[2]->failed() == http2::Error::kReset);
    CHECK(client.session.usable());
  }
  SECTION("a stream opened before the GOAWAY and sent after it") {
    std::unique_ptr<http2::Stream> late = client.session.open();
    server.go_away(5);
    client.take(server.give());
    error_code result;
    client.spawn(send_request(*late, result));
    CHECK((http2::retry_safe(result) || http2::retry_safe(late->failed())));
    late.reset();
    client.turn();
    CHECK(server.take(client.give()));
    CHECK(server.goaways().empty());
  }
}

TEST_CASE("a client opens no more streams than the peer takes", "[http2]") {
  http2::Limits limits;
  limits.concurrent_streams = 2;
  Pair link(limits);
  std::vector<std::unique_ptr<http2::Stream>> streams;
  std::vector<error_code> results(2);
  for (error_code& result : results) {
    streams.push_back(link.client.session.open());
    REQUIRE(streams.back() != nullptr);
    link.client.spawn(send_request(*streams.back(), result));
  }
  CHECK(!link.client.session.usable());
  link.settle();
  streams[0]->reset(http2::Error::kCancelled);
  streams.erase(streams.begin());
  link.settle();
  CHECK(link.client.session.usable());
}

TEST_CASE("answers that break the rules fail the attempt, not the connection", "[http2]") {
  Side client(http2::Role::kClient);
  Http2Peer server(Http2Peer::Side::kServer);
  server.settings();
  client.turn();
  server.take(client.give());
  client.take(server.give());
  std::unique_ptr<http2::Stream> stream = client.session.open();
  error_code sent;
  client.spawn(send_request(*stream, sent));
  server.take(client.give());
  http2::Error expected = http2::Error::kMalformed;
  SECTION("no status") { server.respond(1, {{"a", "b"}}); }
  SECTION("a status that is none") { server.respond(1, {{":status", "20x"}}); }
  SECTION("101") { server.respond(1, {{":status", "101"}}); }
  SECTION("a field of the connection") {
    server.respond(1, {{":status", "200"}, {"connection", "close"}});
  }
  SECTION("more than its length") {
    server.respond(1, {{":status", "200"}, {"content-length", "2"}}, true);
    server.send(1, "three", true);
  }
  SECTION("too large") {
    expected = http2::Error::kHeadTooLarge;
    server.respond(
        1, {{":status", "200"}, {"a", std::string(20000, 'x')}, {"b", std::string(20000, 'x')}});
  }
  SECTION("endless hints") {
    for (int i = 0; i < 20; ++i) server.inform(1, {{":status", "103"}});
  }
  client.take(server.give());
  CHECK(stream->failed() == expected);
  CHECK(client.session.usable());
  server.take(client.give());
  CHECK(server.heard(1).reset >= 0);
}

TEST_CASE("a stream may outlive its session", "[http2]") {
  auto link = std::make_unique<Scripted>();
  link->client.request(Http2Peer::get(), true);
  link->settle();
  std::unique_ptr<http2::Stream> stream = std::move(link->server.requests[0]);
  link.reset();
  Result<http::Chunk> chunk = stream->poll();
  REQUIRE(chunk.has_error());
  CHECK(chunk.error() == http2::Error::kClosed);
  stream->reset(http2::Error::kCancelled);
}

TEST_CASE("closing a session ends every wait", "[http2]") {
  Scripted link;
  link.client.request(Http2Peer::get(), true);
  link.settle();
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.server.session.close(http2::Error::kClosed);
  CHECK(got.empty());  // in a later turn
  link.server.turn();
  CHECK(got == "!the connection has ended");
}

TEST_CASE("an abandoned body ends the wait for it", "[http2]") {
  Scripted link;
  link.client.request(Http2Peer::get(), true);
  link.settle();
  std::string got;
  link.server.spawn(read_all(link.request(), got));
  link.request().abandon();
  link.server.turn();
  CHECK(got == "!the stream was given up");
}
