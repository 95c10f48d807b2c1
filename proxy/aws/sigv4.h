#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/snapshot/aws.h"

/// Requests to Amazon's services, signed. Source: AWS Signature Version 4 ("Create a signed AWS API
/// request"), for services other than S3.
namespace tidegate::proxy::aws {

/// What is signed of a request.
struct Signable {
  std::string_view method;
  std::string_view path;  // as it is sent, with its query
  /// Those that are signed: names in lower case, any order, "host" among them. White space at the
  /// ends of a value, and runs of it, do not count.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string payload_hash;  // hash_of() the body
};

struct Scope {
  std::string_view region;
  std::string_view service;  // "lambda"
};

/// SHA-256, in lower-case hexadecimal digits.
std::string hash_of(std::string_view bytes);
/// "20150830T123600Z": the value of X-Amz-Date, which has to be among the fields.
std::string date_of(std::chrono::system_clock::time_point time);

/// The request as both sides write it down before it is hashed.
std::string canonical_request(const Signable& request);
/// The value of Authorization. `date` is date_of() the request.
std::string authorization(const Signable& request, const AwsCredentials& credentials, Scope scope,
                          std::string_view date);

}  // namespace tidegate::proxy::aws
