#include "proxy/format/format.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "proxy/format/body.h"
#include "proxy/format/json_format.h"

using namespace tidegate::proxy;
using format::Format;
using format::JsonFormat;
using format::Missing;
using format::Problem;
using format::Values;

namespace {

namespace json = boost::json;

/// An exchange as its log entry finds it.
struct Sample {
  http::RequestHead request;
  http::ResponseHead response;
  http::Fields trailers;
  net::ConnectionFacts downstream;
  net::ConnectionFacts upstream;
  net::CertificateFacts certificate;
  format::Points points{};
  Origin route;
  json::object metadata;
  Values values;

  Sample() {
    request.method = "GET";
    request.scheme = "http";
    request.authority = "example.com:8080";
    request.path = "/new?a=1&b=x%20y&c";
    request.fields.append("User-Agent", "curl/7.88.1");
    request.fields.append("x-request-id", "a96e26f2-a842-4dc4-9395-cb05f598d035");
    request.fields.append("x-empty", "");
    request.fields.append("x-quote", "a\"b\\c\x80");
    request.fields.append("x-twice", "one");
    request.fields.append("X-Twice", "two");
    response.status = 200;
    response.fields.append("content-type", "text/plain");
    response.fields.append("grpc-status", "0");
    trailers.append("grpc-status", "3");
    downstream.local = {boost::asio::ip::make_address("127.0.0.1"), 8080};
    downstream.remote = {boost::asio::ip::make_address("192.0.2.77"), 4711};
    downstream.remote_ip = "192.0.2.77";
    downstream.sni = "sni.example.com";
    downstream.tls_version = "TLSv1.3";
    downstream.tls_cipher = "TLS_AES_256_GCM_SHA384";
    downstream.id = 17;
    certificate.subject = "O=Acme,CN=client one";
    certificate.uri_sans = {"spiffe://a/b", "spiffe://c"};
    certificate.pem = "-----BEGIN A-----\n";
    downstream.peer = std::make_shared<net::CertificateFacts>(certificate);
    upstream.local = {boost::asio::ip::make_address("::1"), 5000};
    upstream.remote = {boost::asio::ip::make_address("::1"), 9000};
    const auto zero = std::chrono::steady_clock::time_point(std::chrono::seconds(1));
    points[static_cast<std::size_t>(format::Point::kDownstreamReceiveBegin)] = zero;
    points[static_cast<std::size_t>(format::Point::kDownstreamReceiveEnd)] =
        zero + std::chrono::microseconds(2500);
    route = {"HTTPRoute", "default", "httpbin", "rule-0", "a.yaml", 3};
    metadata = json::parse(R"({"ns": {"user": {"id": 7, "name": "al"}, "empty": {}}})").as_object();
    values.request = &request;
    values.response = &response;
    values.response_trailers = &trailers;
    values.downstream = &downstream;
    values.upstream = &upstream;
    values.points = &points;
    values.route = &route;
    values.dynamic_metadata = &metadata;
    // 2026-11-24T02:03:08.064Z
    values.started =
        std::chrono::system_clock::time_point(std::chrono::milliseconds(1795485788064));
    values.duration = std::chrono::milliseconds(12);
    values.status = 503;
    values.flags = format::ResponseFlags::parse("UF,URX");
    values.details = "upstream reset before";
    values.bytes_sent = 236;
    values.attempts = 2;
    values.upstream_host = "[::1]:9000";
    values.upstream_host_name = "backend.local:9000";
    values.upstream_cluster = "kube_a_b_80";
    values.route_name = "route-0";
    values.original_path = "/old?q=1";
  }
};

std::string text(std::string_view format, const Values& values, Missing missing = Missing::kDash) {
  Problem problem;
  const Format compiled = Format::compile(format, problem);
  INFO(problem.text());
  REQUIRE_FALSE(problem);
  std::string out;
  compiled.render(values, missing, out);
  return out;
}

std::string as_json(std::string_view format, const Values& values, bool omit = false) {
  Problem problem;
  std::string where;
  const JsonFormat compiled = JsonFormat::compile(
      json::parse(json::string_view(format.data(), format.size())), omit, where, problem);
  INFO(problem.text());
  REQUIRE_FALSE(problem);
  std::string out;
  compiled.render(values, out);
  return out;
}

std::string problem_of(std::string_view format) {
  Problem problem;
  Format::compile(format, problem);
  return problem ? problem.text() : "";
}

}  // namespace

TEST_CASE("operators print what the reference says", "[format]") {
  ::setenv("FORMAT_TEST_ZONE", "eu", 1);
  ::setenv("FORMAT_TEST_TOKEN", "hidden", 1);
  const Sample sample;
  struct Row {
    std::string_view format;
    std::string_view expected;
  };
  const Row rows[] = {
      {"%START_TIME%", "2026-11-24T02:03:08.064Z"},
      {"%START_TIME(%s.%3f)%", "1795485788.064"},
      {"%START_TIME(%Y/%m/%d %H:%M:%S.%f %z %Z)%", "2026/11/24 02:03:08.064000000 +0000 UTC"},
      {"%PROTOCOL%", "HTTP/1.1"},
      {"%UPSTREAM_PROTOCOL%", "HTTP/1.1"},
      {"%RESPONSE_CODE%", "503"},
      {"%RESPONSE_CODE_DETAILS%", "upstream_reset_before"},
      {"%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", "upstream reset before"},
      {"%RESPONSE_FLAGS%", "UF,URX"},
      {"%RESPONSE_FLAGS_LONG%", "UpstreamConnectionFailure,UpstreamRetryLimitExceeded"},
      {"%BYTES_RECEIVED% %BYTES_SENT% %DURATION%", "0 236 12"},
      {"%REQUEST_DURATION%", "2"},
      {"%COMMON_DURATION(DS_RX_BEG:DS_RX_END:us)%", "2500"},
      {"%RESPONSE_DURATION%", "-"},
      {"%REQ(:METHOD)% %REQ(:authority)% %REQ(:PATH)%", "GET example.com:8080 /new?a=1&b=x%20y&c"},
      {"%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "/old?q=1"},
      {"%REQ(nope?user-agent)%", "curl/7.88.1"},
      {"%REQUEST_HEADER(USER-AGENT):4%", "curl"},
      {"%REQ(USER-AGENT):0%", ""},
      {"%REQ(x-twice)%", "one,two"},
      {"%REQ(x-quote)%", "a\"b\\c\x80"},
      {"[%REQ(x-empty)%] [%REQ(nope)%]", "[] [-]"},
      {"%REQ_WITHOUT_QUERY(:PATH)%", "/new"},
      {"%RESP(Content-Type)% %RESP(:status)%", "text/plain 503"},
      {"%TRAILER(GRPC-STATUS)%", "3"},
      {"%PATH%", "/old?q=1"},
      {"%PATH(NQ:PATH)%", "/new"},
      {"%PATH(NQ)%", "/old"},
      {"%QUERY_PARAM(b)%|%QUERY_PARAM(c)%|%QUERY_PARAM(z)%", "x y||-"},
      {"%QUERY_PARAMS(ORIG)%", "a=1&b=x%20y&c"},
      {"%UPSTREAM_HOST% %UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT%",
       "[::1]:9000 backend.local:9000 backend.local"},
      {"%UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%", "kube_a_b_80 2"},
      {"%UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%",
       "[::1]:9000 ::1 9000"},
      {"%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
       "192.0.2.77:4711 192.0.2.77"},
      {"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%", "192.0.0.0/16"},
      {"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%", "127.0.0.1:8080 8080"},
      {"%REQUESTED_SERVER_NAME% %REQUESTED_SERVER_NAME(HOST_FIRST)%",
       "sni.example.com example.com"},
      {"%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%", "TLSv1.3 TLS_AES_256_GCM_SHA384"},
      {"%DOWNSTREAM_PEER_SUBJECT%", "O=Acme,CN=client one"},
      {"%DOWNSTREAM_PEER_URI_SAN%", "spiffe://a/b,spiffe://c"},
      {"%DOWNSTREAM_PEER_CERT%", "-----BEGIN%20A-----%0A"},
      {"%UPSTREAM_PEER_SUBJECT%", "-"},
      {"%CONNECTION_ID% %STREAM_ID%", "17 a96e26f2-a842-4dc4-9395-cb05f598d035"},
      {"%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%",
       "InvalidArgument INVALID_ARGUMENT 3 3"},
      {"%DYNAMIC_METADATA(ns:user:name)% %METADATA(DYNAMIC:ns:user:id)%", "al 7"},
      {"%DYNAMIC_METADATA(ns:user)%", "{\"id\":7,\"name\":\"al\"}"},
      {"%METADATA(ROUTE:dev.kgateway.route_source:name)%", "httpbin"},
      {"%METADATA(CLUSTER:a:b)%", "-"},
      {"%ENVIRONMENT(FORMAT_TEST_ZONE)% %ENVIRONMENT(FORMAT_TEST_TOKEN)% %ENVIRONMENT(NO_SUCH)%",
       "eu - -"},
      {"%COALESCE({\"operators\": [{\"command\": \"REQ\", \"param\": \"nope\"}, \"PROTOCOL\"]})%",
       "HTTP/1.1"},
      {"%ACCESS_LOG_TYPE%", "DownstreamEnd"},
      {"%BYTES_RETRANSMITTED% %TLS_JA3_FINGERPRINT%", "0 -"},
      {"%CEL(request.method)% %CEL(response.code)% %CEL(request.headers['x-twice'])%",
       "GET 503 one,two"},
      {"%CEL(request.headers['nope'])%", "-"},
      {"%CEL(metadata.filter_metadata.ns.user.name)% %CEL(source.address)%", "al 192.0.2.77:4711"},
      {"100%% %%DURATION%%", "100% %DURATION%"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.format);
    CHECK(text(row.format, sample.values) == row.expected);
  }
}

TEST_CASE("the default line of a request that was never understood", "[format]") {
  Sample sample;
  Values values;
  values.downstream = &sample.downstream;
  values.started = sample.values.started;
  values.status = 431;
  values.flags = format::ResponseFlags::parse("DPE");
  values.bytes_sent = 31;
  CHECK(text(Format::kDefault, values) ==
        "[2026-11-24T02:03:08.064Z] \"- - HTTP/1.1\" 431 DPE 0 31 0 - \"-\" \"-\" \"-\" \"-\" "
        "\"-\"\n");
  values.http = false;
  CHECK(text("%PROTOCOL% %ACCESS_LOG_TYPE%", values) == "- TcpConnectionEnd");
}

TEST_CASE("a wrong format says what and where, and what was meant", "[format]") {
  CHECK(problem_of("ab %NOPE%") == "position 3: Not supported field in StreamInfo: NOPE");
  CHECK(problem_of("%UPSTREAM_HOSTS%") ==
        "position 0: Not supported field in StreamInfo: UPSTREAM_HOSTS; did you mean "
        "%UPSTREAM_HOST%?");
  CHECK(problem_of("%DOWNSTREAM_CONNECTION_ID%") ==
        "position 0: Not supported field in StreamInfo: DOWNSTREAM_CONNECTION_ID; did you mean "
        "%CONNECTION_ID%?");
  for (const char* unfinished : {"%REQ(X", "100%", "%REQ(X):abc%", "%REQ(X)", "%"}) {
    CAPTURE(unfinished);
    CHECK(problem_of(unfinished).find("Couldn't find valid command at position") !=
          std::string::npos);
  }
  CHECK(problem_of("%req(x)%").ends_with("did you mean %REQ%?"));
  CHECK(problem_of("%REQ%") == "position 0: REQ requires parameters");
  CHECK(problem_of("%REQ()%") == "position 0: REQ requires parameters");
  CHECK(problem_of("%DURATION(x)%") ==
        "position 0: DURATION does not take any parameters or length");
  CHECK(problem_of("%DURATION:3%") ==
        "position 0: DURATION does not take any parameters or length");
  CHECK(problem_of("%REQ(A?B?C)%") ==
        "position 0: More than 1 alternative header specified in token: A?B?C");
  CHECK(problem_of("%GRPC_STATUS(FOO)%") ==
        "position 0: GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: "
        "FOO");
  CHECK(problem_of("%METADATA(FOO:x)%") == "position 0: FOO is not supported type of metadata");
  CHECK(problem_of("%COMMON_DURATION(DS_RX_BEGIN:DS_RX_END:ms)%") ==
        "position 0: DS_RX_BEGIN is not a time point; did you mean DS_RX_BEG?");
  CHECK(problem_of("%CEL(1+)%").starts_with("position 0: CEL: 1:"));
  Problem problem;
  Format::compile("ab %NOPE%", problem);
  CHECK(problem.caret("ab %NOPE%") == "ab %NOPE%\n   ^");
}

TEST_CASE("no text is too strange to be looked at", "[format]") {
  const std::string_view seeds[] = {"%REQ(X?Y):12%", "%START_TIME(%s.%3f)%",
                                    "%COALESCE({\"operators\":[\"PROTOCOL\"]})%", "%%%PATH(NQ)%"};
  for (const std::string_view seed : seeds) {
    for (std::size_t i = 0; i < seed.size(); ++i) {
      for (const char c : {'%', '(', ')', ':', '\0', '9', 'A'}) {
        std::string changed(seed);
        changed[i] = c;
        problem_of(changed);
        problem_of(changed.substr(0, i));
      }
    }
  }
}

TEST_CASE("JSON keeps the types of single operators", "[format]") {
  const Sample sample;
  const Values& values = sample.values;
  CHECK(as_json(R"({"z": "%RESPONSE_CODE%", "a": "%RESPONSE_CODE%.0", "B": "%PROTOCOL%"})",
                values) == R"({"B":"HTTP/1.1","a":"503.0","z":503})");
  CHECK(as_json(R"({"n": "%REQ(nope)%", "m": "a%REQ(nope)%b", "e": "%REQ(x-empty)%"})", values) ==
        R"({"e":"","m":"a-b","n":null})");
  CHECK(as_json(R"({"c": [1, true, null, {"d": "%DURATION%"}], "k": "text"})", values) ==
        R"({"c":[1,true,null,{"d":12}],"k":"text"})");
  CHECK(
      as_json(R"({"m": "%DYNAMIC_METADATA(ns:user):2%", "s": "%DYNAMIC_METADATA(ns:user:name)%"})",
              values) == R"({"m":{"id":7,"name":"al"},"s":"al"})");
  CHECK(as_json(R"({"t": "%TYPED_CEL(response.code >= 500)%", "u": "%CEL(response.code >= 500)%"})",
                values) == R"({"t":true,"u":"true"})");
  CHECK(as_json(R"({"q": "%REQ(x-quote)%"})", values) == R"({"q":"a\u0022b\u005cc\u0080"})");
  CHECK(as_json(R"({"q": "a\"%PROTOCOL%\n"})", values) == R"({"q":"a\"HTTP/1.1\n"})");
}

TEST_CASE("empty values are left out of JSON where that is asked for", "[format]") {
  const Sample sample;
  CHECK(as_json(R"({"a": "%REQ(nope)%", "b": {"c": "%REQ(nope)%"}, "d": "x%REQ(nope)%",
                    "e": "%REQ(x-empty)%", "f": "%DURATION%"})",
                sample.values, true) == R"({"d":"x","f":12})");
}

TEST_CASE("the key of a wrong string in JSON is named", "[format]") {
  Problem problem;
  std::string where;
  JsonFormat::compile(json::parse(R"({"a": {"b": "%NOPE%"}})"), false, where, problem);
  CHECK(problem);
  CHECK(where == "a.b");
}

TEST_CASE("a header's value has nothing for what is missing", "[format]") {
  const Sample sample;
  CHECK(text("[%REQ(nope)%]", sample.values, Missing::kNothing) == "[]");
  CHECK(text("%REQ(nope)%", sample.values, Missing::kNothing).empty());
}

TEST_CASE("a format tells what it needs", "[format]") {
  Problem problem;
  CHECK_FALSE(Format::compile("%START_TIME% %REQ(a)% %DURATION%", problem).needs().points);
  CHECK(Format::compile("%REQUEST_DURATION%", problem).needs().points);
  CHECK(Format::compile("%RESP(x)%", problem).needs().response);
  CHECK_FALSE(Format::compile("%DOWNSTREAM_TLS_VERSION%", problem).needs().upstream);
  CHECK(Format::compile("%UPSTREAM_TLS_VERSION%", problem).needs().upstream);
}

TEST_CASE("a body is a text or JSON, and says what it is", "[format]") {
  const Sample sample;
  std::string problem;
  std::string out;
  const format::Body plain =
      format::Body::compile({"%REQ(:method)% %REQ(x-no)%\n", "", ""}, problem);
  CHECK(problem.empty());
  plain.render(sample.values, out);
  CHECK(out == "GET -\n");
  CHECK(plain.content_type() == "text/plain");
  out.clear();
  const format::Body typed = format::Body::compile(
      {"", R"({"code": "%RESPONSE_CODE%", "no": "%REQ(x-no)%"})", ""}, problem);
  CHECK(problem.empty());
  typed.render(sample.values, out);
  CHECK(out == "{\"code\":503,\"no\":null}\n");
  CHECK(typed.content_type() == "application/json");
  CHECK(format::Body::compile({"a", "", "text/html"}, problem).content_type() == "text/html");
  format::Body::compile({"", R"({"a": {"b": "%NOPE%"}})", ""}, problem);
  CHECK(problem.find("a.b") != problem.npos);
  format::Body::compile({"", "{", ""}, problem);
  CHECK_FALSE(problem.empty());
}
