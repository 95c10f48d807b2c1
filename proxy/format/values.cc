#include "proxy/format/values.h"

#include <charconv>
#include <iterator>

namespace tidegate::proxy::format {
namespace {

struct StatusName {
  std::string_view camel;
  std::string_view snake;
};
// Source: gRPC status codes, by number.
constexpr StatusName kStatuses[] = {{"OK", "OK"},
                                    {"Canceled", "CANCELLED"},
                                    {"Unknown", "UNKNOWN"},
                                    {"InvalidArgument", "INVALID_ARGUMENT"},
                                    {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
                                    {"NotFound", "NOT_FOUND"},
                                    {"AlreadyExists", "ALREADY_EXISTS"},
                                    {"PermissionDenied", "PERMISSION_DENIED"},
                                    {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
                                    {"FailedPrecondition", "FAILED_PRECONDITION"},
                                    {"Aborted", "ABORTED"},
                                    {"OutOfRange", "OUT_OF_RANGE"},
                                    {"Unimplemented", "UNIMPLEMENTED"},
                                    {"Internal", "INTERNAL"},
                                    {"Unavailable", "UNAVAILABLE"},
                                    {"DataLoss", "DATA_LOSS"},
                                    {"Unauthenticated", "UNAUTHENTICATED"}};
constexpr int kStatusCount = static_cast<int>(std::size(kStatuses));

std::string_view lookup(const http::Fields& fields, std::string_view name, bool& several) {
  std::string_view found;
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, name)) continue;
    if (found.data() != nullptr) {
      several = true;
      break;
    }
    found = field.value.data() != nullptr ? field.value : std::string_view("");
  }
  return found;
}

std::string_view pseudo(std::string_view value) {
  return value.empty() ? std::string_view() : value;
}

int parse_status(std::string_view text) {
  int out = -1;
  auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  return bad == std::errc() && end == text.data() + text.size() && out >= 0 ? out : -1;
}

/// Source: gRPC, "HTTP to gRPC Status Code Mapping".
int from_http(int status) {
  switch (status) {
    case 200:
      return 0;
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

}  // namespace

std::string_view request_field(const Values& values, std::string_view name, bool& several) {
  several = false;
  if (values.request == nullptr) return {};
  const http::RequestHead& request = *values.request;
  if (name.starts_with(':')) {
    if (http::iequals(name, ":method")) return pseudo(request.method);
    if (http::iequals(name, ":path")) return pseudo(request.path);
    if (http::iequals(name, ":authority")) return pseudo(request.authority);
    if (http::iequals(name, ":scheme")) return pseudo(request.scheme);
    return {};
  }
  const std::string_view found = lookup(request.fields, name, several);
  if (found.data() != nullptr) return found;
  if (http::iequals(name, "host")) return pseudo(request.authority);
  if (http::iequals(name, "x-envoy-original-path")) return pseudo(values.original_path);
  return {};
}

std::string_view response_field(const Values& values, std::string_view name, bool& several) {
  several = false;
  if (values.response == nullptr) return {};
  return lookup(values.response->fields, name, several);
}

int grpc_status(const Values& values) {
  constexpr std::string_view kName = "grpc-status";
  if (values.response_trailers) {
    const std::string_view text = values.response_trailers->get(kName);
    if (text.data() != nullptr) return parse_status(text);
  }
  if (values.response) {
    const std::string_view text = values.response->fields.get(kName);
    if (text.data() != nullptr) return parse_status(text);
  }
  if (values.request == nullptr || values.status == 0) return -1;
  const std::string_view type = values.request->fields.get("content-type");
  constexpr std::string_view kGrpc = "application/grpc";
  const bool grpc =
      type.starts_with(kGrpc) &&
      (type.size() == kGrpc.size() || type[kGrpc.size()] == '+' || type[kGrpc.size()] == ';');
  return grpc ? from_http(values.status) : -1;
}

std::string_view grpc_status_name(int status, bool camel_case) {
  if (status < 0 || status >= kStatusCount) return {};
  return camel_case ? kStatuses[status].camel : kStatuses[status].snake;
}

int grpc_status_from(std::string_view name) {
  for (int i = 0; i < kStatusCount; ++i) {
    if (kStatuses[i].camel == name || kStatuses[i].snake == name) return i;
  }
  return -1;
}

}  // namespace tidegate::proxy::format
