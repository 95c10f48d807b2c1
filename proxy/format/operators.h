#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/format/cel_attributes.h"
#include "proxy/format/problem.h"
#include "proxy/format/time_format.h"
#include "proxy/format/values.h"

namespace tidegate::proxy::format {

/// What an operation of a compiled format prints. Several operators of the language share one where
/// they differ in a Detail only.
enum class Operator : std::uint8_t {
  kLiteral,
  kMissing,  // accepted, and never known to us
  kZero,     // accepted, and always 0 with us
  kStartTime,
  kEmitTime,
  kPeerValidFrom,
  kPeerValidUntil,
  kProtocol,
  kUpstreamProtocol,
  kStatus,
  kDetails,
  kFlags,
  kFlagsLong,
  kTermination,
  kBytesReceived,
  kBytesSent,
  kRequestHeaderBytes,
  kResponseHeaderBytes,
  kResponseTrailerBytes,
  kDuration,
  kBetween,  // two points
  kRequestField,
  kRequestFieldWithoutQuery,
  kResponseField,
  kTrailerField,
  kPath,
  kQueryParameter,
  kQuery,
  kUpstreamHost,
  kUpstreamHostName,
  kHostsAttempted,
  kHostNamesAttempted,
  kUpstreamCluster,
  kAttempts,
  kAddress,
  kUpstreamFailure,
  kDownstreamFailure,
  kTlsVersion,
  kTlsCipher,
  kTlsGroup,
  kServerName,
  kUpstreamServerName,
  kPeer,
  kRouteName,
  kListenerName,
  kConnectionId,
  kUpstreamConnectionId,
  kStreamId,
  kUniqueId,
  kTraceId,
  kSpanId,
  kGrpcStatus,
  kMetadata,
  kRouteSource,
  kExpression,
  kCoalesce,
  kLogType,
  kLocalReplyBody,
};

/// How the value stands in a typed JSON format.
enum class Type : std::uint8_t {
  kText,
  kNumber,
  kJson,  // as the value is
};

/// Which address of which connection.
struct AddressDetail {
  enum Side : std::uint8_t { kRemote, kLocal, kDirectRemote, kDirectLocal };
  enum Shape : std::uint8_t { kWhole, kIp, kPort };
  Side side = kRemote;
  Shape shape = kWhole;
  bool upstream = false;
};

/// One operation: its operator, and what its parameters mean.
struct Operation {
  static constexpr std::size_t kUnbounded = static_cast<std::size_t>(-1);

  Operator what = Operator::kLiteral;
  Type type = Type::kText;
  std::uint8_t detail = 0;  // depends on the operator
  std::uint8_t from = 0;    // kBetween: points
  std::uint8_t to = 0;
  std::uint32_t divisor = 1000000;     // kBetween: of nanoseconds
  int mask = -1;                       // kAddress: bits of the network
  std::size_t bytes_max = kUnbounded;  // of the value
  std::string text;                    // literal; name of a field
  std::string alternative;             // REQ(X?Y)
  std::vector<std::string> keys;       // kMetadata: name space and keys
  AddressDetail address;
  TimeFormat time;
  ExpressionPtr expression;
  std::vector<Operation> operations;  // kCoalesce
};

/// Reads what stands between two %: name, parameter (null: no brackets), and whether a length was
/// given. `position` is that of the %, for the problem.
struct Written {
  std::string_view name;
  const std::string_view* parameter = nullptr;
  bool has_length = false;
  std::size_t position = 0;
};
Operation compile_operator(const Written& written, Problem& problem);

/// Appends the value. False: it is missing, and nothing was appended. The length limit is applied.
/// `typed`: what has a JSON type of its own is written as JSON, and then whole.
bool print_value(const Operation& operation, const Values& values, bool typed, std::string& out);

/// Whether an environment variable may be printed. Secrets live in the environment, and who writes
/// a route is not who runs the process.
bool may_show(std::string_view variable);

}  // namespace tidegate::proxy::format
