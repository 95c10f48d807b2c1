#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/message.h"

/// How a request and its answer stand in the payloads of a function.
/// Source: Envoy, "AWS Lambda" filter; kgateway payloadTransformMode: Envoy.
namespace tidegate::proxy::aws {

/// raw_path, method, headers (values of one name joined by commas), query_string_parameters (the
/// first of each name), body and is_base64_encoded. A body is text where its type says so and it is
/// UTF-8; else it is base64. Nothing where it would have more than `most` bytes: that is known
/// before it is made.
std::optional<std::string> payload_of(const http::RequestHead& request, std::string_view body,
                                      std::size_t most);

/// What a function wants to be answered.
struct FunctionAnswer {
  int status = 0;                                           // 0: as Lambda answered
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::vector<std::string> cookies;                         // values of Set-Cookie
  std::string body;
};
/// Nothing where the payload is no such object: no JSON, another type, a status that is none.
std::optional<FunctionAnswer> answer_of(std::string_view payload);

}  // namespace tidegate::proxy::aws
