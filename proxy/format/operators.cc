#include "proxy/format/operators.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "proxy/format/format.h"
#include "proxy/format/names.h"

namespace tidegate::proxy::format {
namespace {

namespace json = boost::json;

using Parts = std::vector<std::string_view>;

Parts split(std::string_view text, char at) {
  Parts out;
  while (true) {
    const std::size_t next = text.find(at);
    out.push_back(text.substr(0, next));
    if (next == text.npos) return out;
    text.remove_prefix(next + 1);
  }
}

/// X?Y of REQ and its like.
void set_fields(std::string_view parameter, Operation& out, Problem& problem) {
  const Parts names = split(parameter, '?');
  if (names.size() > 2) {
    problem.message =
        fmt::format("More than 1 alternative header specified in token: {}", parameter);
    return;
  }
  out.text = names[0];
  if (names.size() == 2) out.alternative = names[1];
}

void set_path(std::string_view parameter, Operation& out, Problem& problem) {
  const Parts parts = split(parameter, ':');
  bool right = parts.size() <= 2 && (parts[0] == "WQ" || parts[0] == "NQ" || parts[0].empty());
  std::string_view which = parts.size() == 2 ? parts[1] : "ORIG_OR_PATH";
  right = right && (which == "ORIG" || which == "PATH" || which == "ORIG_OR_PATH");
  if (!right) {
    problem.message =
        fmt::format("PATH takes WQ or NQ and ORIG, PATH or ORIG_OR_PATH. Got: {}", parameter);
    return;
  }
  out.detail = static_cast<std::uint8_t>((parts[0] == "NQ" ? kPathWithoutQuery : 0) |
                                         (which == "PATH" ? kPathNow : 0) |
                                         (which == "ORIG" ? kPathOriginal : 0));
}

void set_server_name(std::string_view parameter, Operation& out, Problem& problem) {
  const Parts parts = split(parameter, ':');
  out.detail = parts[0] == "SNI_FIRST" ? 1 : parts[0] == "HOST_FIRST" ? 2 : 0;
  const bool right =
      parts.size() <= 2 && (out.detail != 0 || parts[0] == "SNI_ONLY" || parts[0].empty()) &&
      (parts.size() == 1 || parts[1] == "ORIG" || parts[1] == "HOST" || parts[1] == "ORIG_OR_HOST");
  if (!right) {
    problem.message = fmt::format(
        "REQUESTED_SERVER_NAME takes SNI_ONLY, SNI_FIRST or HOST_FIRST and ORIG, HOST or "
        "ORIG_OR_HOST. Got: {}",
        parameter);
  }
}

void set_grpc(std::string_view parameter, Operation& out, Problem& problem) {
  if (parameter.empty() || parameter == "CAMEL_STRING") return;
  if (parameter == "SNAKE_STRING") {
    out.detail = 1;
  } else if (parameter == "NUMBER") {
    out.detail = 2;
    out.type = Type::kNumber;
  } else {
    problem.message = fmt::format(
        "GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: {}",
        parameter);
  }
}

void set_between(std::string_view parameter, Operation& out, Problem& problem) {
  const Parts parts = split(parameter, ':');
  if (parts.size() != 3) {
    problem.message = fmt::format("COMMON_DURATION takes FROM:TO:UNIT. Got: {}", parameter);
    return;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const std::optional<Point> point = point_from(parts[i]);
    if (!point) {
      problem.message = fmt::format("{} is not a time point", parts[i]);
      problem.suggestion = nearest_point(parts[i]);
      return;
    }
    (i == 0 ? out.from : out.to) = static_cast<std::uint8_t>(*point);
  }
  if (parts[2] == "ms") {
    out.divisor = 1000000;
  } else if (parts[2] == "us") {
    out.divisor = 1000;
  } else if (parts[2] == "ns") {
    out.divisor = 1;
  } else {
    problem.message = fmt::format("COMMON_DURATION's unit is ms, us or ns. Got: {}", parts[2]);
  }
}

/// NS:KEY:KEY, of one kind of metadata.
void set_metadata(std::string_view kind, Parts keys, Operation& out, Problem& problem) {
  if (keys.empty() || keys[0].empty()) {
    problem.message = "metadata needs a name space";
    return;
  }
  out.type = Type::kJson;
  if (kind == "DYNAMIC") {
    out.what = Operator::kMetadata;
    out.keys.assign(keys.begin(), keys.end());
  } else if (kind == "ROUTE" && keys[0] == "dev.kgateway.route_source") {
    out.what = Operator::kRouteSource;
    out.text = keys.size() > 1 ? keys[1] : std::string_view();
    if (keys.size() > 2) out.what = Operator::kMissing;
  } else if (kind == "ROUTE" || kind == "CLUSTER" || kind == "UPSTREAM_HOST" ||
             kind == "LISTENER" || kind == "VIRTUAL_HOST") {
    out.what = Operator::kMissing;  // none of them has any with us
  } else {
    problem.message = fmt::format("{} is not supported type of metadata", kind);
  }
}

void set_mask(std::string_view parameter, Operation& out, Problem& problem) {
  if (parameter.empty()) return;
  auto [end, bad] =
      std::from_chars(parameter.data(), parameter.data() + parameter.size(), out.mask);
  if (bad != std::errc() || end != parameter.data() + parameter.size() || out.mask < 0 ||
      out.mask > 128)
    problem.message = fmt::format("{} is not a length of a network's prefix", parameter);
}

void set_environment(std::string_view parameter, Operation& out) {
  out.what = Operator::kLiteral;
  const char* value = may_show(parameter) ? std::getenv(std::string(parameter).c_str()) : nullptr;
  out.text = value != nullptr ? value : "-";
}

void set_host_name(Operation& out) {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  out.what = Operator::kLiteral;
  out.text = name;
}

void set_expression(std::string_view name, std::string_view parameter, Operation& out,
                    Problem& problem) {
  std::string wrong;
  out.expression = compile_cel(parameter, wrong);
  if (!out.expression) problem.message = fmt::format("{}: {}", name, wrong);
}

/// {"operators": ["HOSTNAME", {"command": "REQ", "param": "x", "max_length": 5}]}
void set_coalesce(std::string_view parameter, Operation& out, Problem& problem) {
  boost::system::error_code failed;
  const json::value parsed =
      json::parse(json::string_view(parameter.data(), parameter.size()), failed);
  const json::array* list = nullptr;
  if (!failed && parsed.is_object()) {
    const json::value* found = parsed.get_object().if_contains("operators");
    if (found != nullptr) list = found->if_array();
  }
  if (list == nullptr || list->empty()) {
    problem.message = "COALESCE requires a JSON object with a non-empty list \"operators\"";
    return;
  }
  for (const json::value& one : *list) {
    std::string name, value;
    std::optional<std::string_view> argument;
    std::size_t bytes_max = Operation::kUnbounded;
    if (one.is_string()) {
      name = one.get_string().c_str();
    } else if (one.is_object()) {
      const json::object& object = one.get_object();
      if (const json::value* command = object.if_contains("command");
          command && command->is_string())
        name = command->get_string().c_str();
      if (const json::value* param = object.if_contains("param"); param && param->is_string()) {
        value = param->get_string().c_str();
        argument = value;
      }
      if (const json::value* most = object.if_contains("max_length"); most && most->is_int64())
        bytes_max = static_cast<std::size_t>(std::max<std::int64_t>(0, most->get_int64()));
    }
    Written written;
    written.name = name;
    written.position = problem.position;
    if (argument) written.parameter = &*argument;
    written.has_length = bytes_max != Operation::kUnbounded;
    Operation operation = compile_operator(written, problem);
    if (problem) return;
    operation.bytes_max = bytes_max;
    out.operations.push_back(std::move(operation));
  }
}

void set_parameter(const OperatorName& known, std::string_view parameter, Operation& out,
                   Problem& problem) {
  switch (known.what) {
    case Operator::kStartTime:
    case Operator::kEmitTime:
    case Operator::kPeerValidFrom:
    case Operator::kPeerValidUntil:
      out.time = TimeFormat(parameter, (known.detail & kLocalZone) != 0);
      return;
    case Operator::kDetails:
      if (parameter == "ALLOW_WHITESPACES") {
        out.detail = 1;
      } else if (!parameter.empty()) {
        problem.message = fmt::format(
            "RESPONSE_CODE_DETAILS only supports ALLOW_WHITESPACES. Got: {}", parameter);
      }
      return;
    case Operator::kRequestField:
    case Operator::kRequestFieldWithoutQuery:
    case Operator::kResponseField:
    case Operator::kTrailerField:
      return set_fields(parameter, out, problem);
    case Operator::kQueryParameter:
      out.text = parameter;
      return;
    case Operator::kQuery:
      if (!parameter.empty() && parameter != "ORIG" && parameter != "DECODED")
        problem.message =
            fmt::format("QUERY_PARAMS only supports ORIG or DECODED. Got: {}", parameter);
      out.detail = parameter == "DECODED" ? 1 : 0;
      return;
    case Operator::kPath:
      return set_path(parameter, out, problem);
    case Operator::kServerName:
      return set_server_name(parameter, out, problem);
    case Operator::kGrpcStatus:
      if (out.detail != 2) set_grpc(parameter, out, problem);
      return;
    case Operator::kAddress:
      out.address = known.address;
      return set_mask(parameter, out, problem);
    case Operator::kExpression:
      return set_expression(known.name, parameter, out, problem);
    case Operator::kCoalesce:
      return set_coalesce(parameter, out, problem);
    case Operator::kMetadata: {
      Parts keys = split(parameter, ':');
      std::string_view kind = known.detail == kMetadataDynamic ? "DYNAMIC"
                              : known.detail == kMetadataOther ? "CLUSTER"
                                                               : keys[0];
      if (known.detail == kMetadataAny) keys.erase(keys.begin());
      return set_metadata(kind, std::move(keys), out, problem);
    }
    case Operator::kBetween:
      if (known.detail == 1) {
        set_between(parameter, out, problem);
      } else {
        out.from = static_cast<std::uint8_t>(known.from);
        out.to = static_cast<std::uint8_t>(known.to);
      }
      return;
    case Operator::kLiteral:
      return known.detail == 1 ? set_environment(parameter, out) : set_host_name(out);
    default:
      return;
  }
}

}  // namespace

bool may_show(std::string_view variable) {
  std::string name(variable);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (name.starts_with("TIDEGATE_")) return false;
  for (const std::string_view word : {"SECRET", "TOKEN", "PASSWORD", "KEY"}) {
    if (name.find(word) != name.npos) return false;
  }
  return true;
}

Operation compile_operator(const Written& written, Problem& problem) {
  problem.position = written.position;
  Operation out;
  const OperatorName* known = find_operator(written.name);
  if (known == nullptr) {
    problem.message = fmt::format("Not supported field in StreamInfo: {}", written.name);
    problem.suggestion = nearest_operator(written.name);
    return out;
  }
  const std::string_view parameter =
      written.parameter != nullptr ? *written.parameter : std::string_view();
  if (known->takes == Takes::kNothing && (!parameter.empty() || written.has_length)) {
    problem.message = fmt::format("{} does not take any parameters or length", written.name);
    return out;
  }
  if (known->takes == Takes::kRequired && parameter.empty()) {
    problem.message = fmt::format("{} requires parameters", written.name);
    return out;
  }
  out.what = known->what;
  out.type = known->type;
  out.detail = known->detail;
  set_parameter(*known, parameter, out, problem);
  return out;
}

}  // namespace tidegate::proxy::format
