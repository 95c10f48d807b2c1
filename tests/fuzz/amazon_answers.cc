#include <algorithm>
#include <boost/json/parse.hpp>
#include <string>

#include "base/jose/base64.h"
#include "proxy/aws/lambda_payload.h"
#include "proxy/aws/xml.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

void check_names(const aws::XmlElement& element) {
  must(!element.name.empty(), "an element has a name");
  for (const aws::XmlElement& child : element.children) {
    check_names(child);
    must(element.find(child.name) != nullptr, "a child is found by its name");
  }
}

/// What a function is given: JSON, with the body as it was.
void check_payload(std::string_view body) {
  http::RequestHead request;
  request.method = "POST";
  request.path = "/a?b=c&b";
  request.fields.append("x", body);
  for (const char* type : {"text/plain", "image/png"}) {
    request.fields.set("content-type", type);
    const auto payload = aws::payload_of(request, body, 1U << 20U);
    if (!payload) continue;
    boost::system::error_code failed;
    const boost::json::value made = boost::json::parse(*payload, failed);
    must(!failed, "a payload is JSON");
    const std::string text(made.at("body").as_string());
    must(made.at("is_base64_encoded").as_bool() ? jose::decode_base64(text) == body : text == body,
         "a function gets the body as it was");
  }
}

}  // namespace

/// What Amazon's services answer: XML of query APIs, and payloads of functions, which are made,
/// too.
void amazon_answers(std::string_view bytes) {
  check_payload(bytes);
  if (const auto root = aws::parse_xml(bytes)) check_names(*root);
  const auto answer = aws::answer_of(bytes);
  if (!answer) return;
  must(answer->status == 0 || (answer->status >= 200 && answer->status <= 599), "a status is one");
  for (const auto& [name, value] : answer->fields)
    must(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
         "names are in lower case");
  must(answer->body.size() <= bytes.size(), "a body is no longer than what it came in");
}

}  // namespace tidegate::fuzz
