#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "proxy/format/format.h"
#include "proxy/format/json_format.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

/// A format of an access log, as a text and as a string of JSON.
void formats(std::string_view bytes) {
  http::RequestHead request;
  request.method = "GET";
  request.authority = "example.com:8080";
  request.path = "/a?b=c%20d";
  request.fields.append("x-quote", "a\"b\\c\x80\xc3");
  request.fields.append("cookie", "a=b; c=d");
  http::ResponseHead response;
  response.status = 200;
  response.fields.append("content-type", "text/plain");
  net::ConnectionFacts downstream;
  downstream.remote_ip = "192.0.2.7";
  downstream.sni = "a.example";
  format::Values values;
  values.request = &request;
  values.response = &response;
  values.downstream = &downstream;
  values.status = 200;
  values.route_name = "route";

  format::Problem problem;
  const format::Format text = format::Format::compile(bytes, problem);
  if (problem) {
    must(!problem.text().empty(), "what does not compile has a reason");
    must(problem.position <= bytes.size(), "a reason has its place in the text");
    problem.caret(bytes);
  } else {
    std::string out;
    text.render(values, format::Missing::kDash, out);
    if (bytes.find('%') == bytes.npos) must(out == bytes, "a text without operators is itself");
    text.render({}, format::Missing::kNothing, out);
  }
  boost::json::object object;
  object["a"] = boost::json::string(bytes);
  std::string where;
  format::Problem of_json;
  const format::JsonFormat json = format::JsonFormat::compile(object, false, where, of_json);
  if (of_json) return;
  std::string out;
  json.render(values, out);
  boost::system::error_code broken;
  boost::json::parse(out, broken);
  must(!broken, "a line of JSON is JSON");
}

}  // namespace tidegate::fuzz
