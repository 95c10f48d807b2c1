#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/rpc/protobuf.h"

namespace tidegate::proxy::rpc {

inline constexpr std::string_view kCheckPath = "/envoy.service.auth.v3.Authorization/Check";

/// What is told of a request that somebody is to allow. Source: envoy.service.auth.v3.CheckRequest,
/// AttributeContext.
struct CheckRequest {
  std::string_view client_ip;
  std::uint16_t client_port = 0;
  std::string_view local_ip;
  std::uint16_t local_port = 0;
  std::string_view sni;
  const http::RequestHead* request = nullptr;
  /// The fields that go along; names in lower case.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string_view body;
  bool body_as_bytes = false;
  const std::map<std::string, std::string>* context_extensions = nullptr;  // null: none
};
std::string encode(const CheckRequest& request);

/// What came back. Source: envoy.service.auth.v3.CheckResponse.
struct CheckResponse {
  using Headers = std::vector<std::pair<std::string, std::string>>;

  bool allowed = false;
  int status = 403;                 // of a denial
  Headers set;                      // on the request; of a denial: its fields
  Headers append;                   // to the request
  std::vector<std::string> remove;  // from the request
  Headers to_client;                // allowed: added to the answer
  Headers query_set;                // parameters of the request's query
  std::vector<std::string> query_remove;
  boost::json::object metadata;
  std::string body;  // of a denial
};
/// False: it is malformed, and must count as a denial.
bool decode(std::string_view bytes, CheckResponse& out);

}  // namespace tidegate::proxy::rpc
