#include "proxy/exchange/session.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using exchange::read_session;
using exchange::SessionToken;
using exchange::write_session;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;

http::RequestHead with_cookie(std::string_view cookie) {
  http::RequestHead head;
  head.fields.append("cookie", cookie);
  return head;
}

SessionPersistence cookie_session() {
  SessionPersistence out;
  out.name = "s";
  return out;
}

}  // namespace

TEST_CASE("a session's cookie is found among others") {
  const SessionPersistence session = cookie_session();
  for (const char* field :
       {"s=00000000000000ab-1799999999", "a=1; s=00000000000000ab-1799999999",
        "ss=1; xs=2; s=00000000000000ab-1799999999; s=2", "s=00000000000000ab-1799999999;a=b"}) {
    const SessionToken token = read_session(session, with_cookie(field), kNow);
    CHECK(token.endpoint == 0xab);
    CHECK(token.since == 1799999999);
  }
  http::RequestHead several = with_cookie("a=1");
  several.fields.append("Cookie", "s=00000000000000ab-1799999999");
  CHECK(read_session(session, several, kNow).endpoint == 0xab);
}

TEST_CASE("what is no token of ours is no session") {
  const SessionPersistence session = cookie_session();
  for (const char* field :
       {"", "s", "s=", "s=1", "s=00000000000000ab", "s=00000000000000ab-", "t=00000000000000ab-1",
        "s=00000000000000xy-1", "s=00000000000000ab-1x", "s=00000000000000ab-99999999999999999999",
        "s=00000000000000ab-1800000001", "s=0000000000000ab-17999999999"}) {
    INFO(field);
    CHECK(read_session(session, with_cookie(field), kNow).endpoint == 0);
  }
}

TEST_CASE("a session ends when its time is over") {
  SessionPersistence session = cookie_session();
  session.absolute_timeout = std::chrono::seconds(60);
  CHECK(read_session(session, with_cookie("s=00000000000000ab-1799999941"), kNow).endpoint == 0xab);
  CHECK(read_session(session, with_cookie("s=00000000000000ab-1799999940"), kNow).endpoint == 0);
  // So long ago that the difference has no number.
  for (const char* field : {"s=00000000000000ab--1", "s=00000000000000ab--9223372036854775808"})
    CHECK(read_session(session, with_cookie(field), kNow).endpoint == 0);
}

TEST_CASE("a token is written as it is read, with the attributes that its session asks for") {
  Arena arena;
  SessionPersistence session = cookie_session();
  session.absolute_timeout = std::chrono::seconds(60);
  http::ResponseHead head;
  write_session(session, {0xab, kNow}, false, head, arena);
  CHECK(head.fields.get("set-cookie") == "s=00000000000000ab-1800000000; Path=/; HttpOnly");
  session.permanent = true;
  head.fields.clear();
  write_session(session, {0xab, kNow}, true, head, arena);
  CHECK(head.fields.get("set-cookie") ==
        "s=00000000000000ab-1800000000; Path=/; HttpOnly; Secure; Max-Age=60");
  session.type = SessionPersistence::Type::kHeader;
  write_session(session, {0xab, kNow}, true, head, arena);
  http::RequestHead request;
  request.fields.append("S", head.fields.get("s"));
  CHECK(read_session(session, request, kNow).endpoint == 0xab);
}
