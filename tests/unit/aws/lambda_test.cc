#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "proxy/aws/credentials.h"
#include "proxy/aws/lambda_payload.h"
#include "proxy/aws/xml.h"

using namespace tidegate;
using namespace tidegate::proxy;

namespace {

constexpr std::size_t kMost = 1000;

http::RequestHead request() {
  http::RequestHead out;
  out.method = "PUT";
  out.path = "/a/b?x=1&y&x=2&z=%20";
  out.fields.append("Content-Type", "text/plain");
  out.fields.append("x-a", "1");
  out.fields.append("X-A", "2");
  return out;
}

}  // namespace

TEST_CASE("a payload tells a function of the request", "[lambda]") {
  CHECK(boost::json::parse(*aws::payload_of(request(), "hi", kMost)) == boost::json::parse(R"({
    "raw_path": "/a/b?x=1&y&x=2&z=%20", "method": "PUT",
    "headers": {"content-type": "text/plain", "x-a": "1,2"},
    "query_string_parameters": {"x": "1", "y": "", "z": "%20"},
    "body": "hi", "is_base64_encoded": false})"));
}

TEST_CASE("a payload that grows beyond its bound is none", "[lambda]") {
  const std::string body(1000, '\x01');  // "\u0001" each
  CHECK_FALSE(aws::payload_of(request(), body, 6000));
  CHECK(aws::payload_of(request(), body, 6500));
  CHECK_FALSE(aws::payload_of(request(), std::string(1000, '"'), 2000));
  CHECK_FALSE(aws::payload_of(request(), std::string(1000, '\xff'), 1300));  // base64
  CHECK_FALSE(aws::payload_of(request(), "", 20));                           // its head alone
}

TEST_CASE("a body that is no text is base64", "[lambda]") {
  auto coded = [](const http::RequestHead& head, std::string_view body) {
    const auto payload = boost::json::parse(*aws::payload_of(head, body, kMost)).as_object();
    return std::pair(payload.at("is_base64_encoded").as_bool(),
                     std::string(payload.at("body").as_string()));
  };
  http::RequestHead head = request();
  CHECK(coded(head, "\xff") == std::pair(true, std::string("/w==")));
  CHECK(coded(head, "\xc0\x80").first);          // overlong
  CHECK(coded(head, "\xed\xa0\x80").first);      // a surrogate
  CHECK(coded(head, "\xf4\x90\x80\x80").first);  // beyond Unicode
  CHECK_FALSE(coded(head, "\xc3\xa9").first);
  head.fields.set("content-type", "image/png");
  CHECK(coded(head, "ab") == std::pair(true, std::string("YWI=")));
  CHECK_FALSE(coded(head, "").first);
  head.fields.set("x-latin", "caf\xe9");  // a payload is UTF-8 whatever a field holds
  CHECK(boost::json::parse(*aws::payload_of(head, "", kMost)).at("headers").at("x-latin") ==
        "caf\xc3\xa9");
}

TEST_CASE("what a function answers is read, or it is none", "[lambda]") {
  const auto full = aws::answer_of(
      R"({"status_code": 418, "headers": {"X-A": "b"}, "cookies": ["a=1", "b=2"], "body": "aGk=", "is_base64_encoded": true})");
  REQUIRE(full);
  CHECK(full->status == 418);
  CHECK(full->fields == std::vector<std::pair<std::string, std::string>>{{"x-a", "b"}});
  CHECK(full->cookies == std::vector<std::string>{"a=1", "b=2"});
  CHECK(full->body == "hi");
  const auto camel =
      aws::answer_of(R"({"statusCode": 201, "isBase64Encoded": false, "body": "x"})");
  REQUIRE(camel);
  CHECK((camel->status == 201 && camel->body == "x"));
  CHECK(aws::answer_of("{}")->status == 0);
  for (const char* wrong :
       {"", "no", "[]", "\"text\"", R"({"status_code": 99})", R"({"status_code": "200"})",
        R"({"status_code": 600})", R"({"headers": {"a": 1}})", R"({"cookies": "a"})",
        R"({"body": {}})", R"({"body": "*", "is_base64_encoded": true})"}) {
    INFO(wrong);
    CHECK_FALSE(aws::answer_of(wrong));
  }
}

TEST_CASE("a profile of the shared file has credentials or is not there", "[aws]") {
  const std::string file =
      "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=S\r\n\n[ other ]\n"
      "aws_access_key_id = B\naws_secret_access_key = T\naws_session_token = U\n[half]\n"
      "aws_access_key_id = C\n";
  const auto found = aws::of_profile(file, "default");
  REQUIRE(found);
  CHECK(found->access_key.reveal() == "A");
  CHECK(found->secret_key.reveal() == "S");
  CHECK(found->session_token.empty());
  CHECK(aws::of_profile(file, "other")->session_token.reveal() == "U");
  CHECK_FALSE(aws::of_profile(file, "half"));
  CHECK_FALSE(aws::of_profile(file, "none"));
}

TEST_CASE("answers of query APIs are read, and what is no XML is refused", "[aws]") {
  const auto found = aws::parse_xml(
      "<?xml version=\"1.0\"?>\n<a:R xmlns=\"x\"><!-- c --><B><C>1 &amp; 2</C><C/></B>\n<D "
      "a='b'/></a:R>\n");
  REQUIRE(found);
  CHECK(found->name == "R");
  CHECK(found->value("B/C") == "1 & 2");
  CHECK(found->find("B")->children.size() == 2);
  CHECK(found->value("B/E").empty());
  CHECK(aws::parse_xml("<a></a\n>"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (const std::string& wrong :
       {std::string(), std::string("text"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a></a><b/>"), std::string("</a>"), std::string("<!DOCTYPE a><a/>"),
        std::string("<a></ab>"), std::string("<a></a b>"), std::string("<a:/>"),
        std::string("<a/b></a/b>"), deep}) {
    CHECK(aws::parse_xml(wrong) == nullptr);
  }
}
