#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/http_route.h"
#include "config/kinds/kgateway/telemetry_service.h"

namespace tidegate::config::kgateway {

/// One condition on a finished exchange; exactly one member is set. Source: FilterType.
struct LogCondition {
  enum class Op { kEq, kGe, kLe };
  enum class GrpcStatus {  // numbered as gRPC numbers them
    kOk,
    kCanceled,
    kUnknown,
    kInvalidArgument,
    kDeadlineExceeded,
    kNotFound,
    kAlreadyExists,
    kPermissionDenied,
    kResourceExhausted,
    kFailedPrecondition,
    kAborted,
    kOutOfRange,
    kUnimplemented,
    kInternal,
    kUnavailable,
    kDataLoss,
    kUnauthenticated,
  };
  enum class Denominator { kHundred, kTenThousand, kMillion };
  struct Comparison {
    Op op = Op::kEq;
    std::int64_t value = 0;  // a status; milliseconds
    bool operator==(const Comparison&) const = default;
  };
  struct Header {
    HttpValueMatch header;
    bool operator==(const Header&) const = default;
  };
  struct Flags {
    std::vector<std::string> flags;  // "UF"
    bool operator==(const Flags&) const = default;
  };
  struct Grpc {
    std::vector<GrpcStatus> statuses;
    bool exclude = false;
    bool operator==(const Grpc&) const = default;
  };
  struct Cel {
    std::string match;
    bool operator==(const Cel&) const = default;
  };
  struct Fraction {
    int numerator = 0;
    Denominator denominator = Denominator::kHundred;
    bool operator==(const Fraction&) const = default;
  };
  struct Runtime {
    std::string runtime_key;
    std::optional<Fraction> percent_sampled;  // absent: all
    bool use_independent_randomness = false;
    bool operator==(const Runtime&) const = default;
  };
  std::optional<Comparison> status_code_filter;
  std::optional<Comparison> duration_filter;
  std::optional<bool> not_health_check_filter;
  std::optional<bool> traceable_filter;
  std::optional<Header> header_filter;
  std::optional<Flags> response_flag_filter;
  std::optional<Grpc> grpc_status_filter;
  std::optional<Cel> cel_filter;
  std::optional<Runtime> runtime_filter;
  bool operator==(const LogCondition&) const = default;
};

/// One condition, or two and more of them under one of the lists. Source: AccessLogFilter.
struct LogFilter : LogCondition {
  std::vector<LogCondition> and_filter;
  std::vector<LogCondition> or_filter;
  bool operator==(const LogFilter&) const = default;
};

struct KeyAnyValue;

/// Exactly one member is set. Source: AnyValue (OpenTelemetry).
struct AnyValue {
  std::optional<std::string> string_value;
  std::optional<std::vector<AnyValue>> array_value;
  std::optional<std::vector<KeyAnyValue>> kv_list_value;  // its `values`
  bool operator==(const AnyValue& other) const;
};
struct KeyAnyValue {
  std::string key;
  AnyValue value;
  bool operator==(const KeyAnyValue&) const = default;
};

/// Source: AccessLog.
struct AccessLog {
  struct FileSink {  // exactly one format
    std::string path;
    std::optional<std::string> string_format;
    std::optional<boost::json::value> json_format;  // an object
    bool operator==(const FileSink&) const = default;
  };
  struct GrpcSink : LogService {
    std::vector<std::string> additional_request_headers_to_log;
    std::vector<std::string> additional_response_headers_to_log;
    std::vector<std::string> additional_response_trailers_to_log;
    bool operator==(const GrpcSink&) const = default;
  };
  struct Attributes {
    std::vector<KeyAnyValue> values;
    bool operator==(const Attributes&) const = default;
  };
  struct OpenTelemetry {
    LogService grpc_service;
    std::optional<std::string> body;
    bool disable_builtin_labels = false;
    std::optional<Attributes> attributes;
    std::optional<Attributes> resource_attributes;
    bool operator==(const OpenTelemetry&) const = default;
  };
  std::optional<FileSink> file_sink;
  std::optional<GrpcSink> grpc_service;
  std::optional<OpenTelemetry> open_telemetry;
  std::optional<LogFilter> filter;
  bool operator==(const AccessLog&) const = default;
};

}  // namespace tidegate::config::kgateway
