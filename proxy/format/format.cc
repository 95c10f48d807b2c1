#include "proxy/format/format.h"

#include <fmt/format.h>

#include <charconv>

namespace tidegate::proxy::format {

const char Format::kDefault[] =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    "\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" "
    "\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

namespace {

bool in_name(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// "%req(x)%": what would have been an operator in capitals.
std::string in_capitals(std::string_view rest) {
  std::string name;
  for (std::size_t i = 1; i < rest.size() && i < 64; ++i) {
    const char c = rest[i] >= 'a' && rest[i] <= 'z' ? static_cast<char>(rest[i] - 32) : rest[i];
    if (!in_name(c)) break;
    name += c;
  }
  return name;
}

/// One operator, whose % is at `at`; moves `at` behind it.
Operation read_operator(std::string_view text, std::size_t& at, Problem& problem) {
  Written written;
  written.position = at;
  std::size_t end = at + 1;
  while (end < text.size() && in_name(text[end])) ++end;
  written.name = text.substr(at + 1, end - at - 1);
  std::string_view parameter;
  bool closed = true;
  if (end < text.size() && text[end] == '(') {
    const std::size_t close = text.find(')', end);
    closed = close != text.npos;
    if (closed) {
      parameter = text.substr(end + 1, close - end - 1);
      written.parameter = &parameter;
      end = close + 1;
    }
  }
  std::size_t bytes_max = Operation::kUnbounded;
  if (closed && end < text.size() && text[end] == ':') {
    auto [last, bad] = std::from_chars(text.data() + end + 1, text.data() + text.size(), bytes_max);
    closed = bad == std::errc();
    written.has_length = closed;
    end = static_cast<std::size_t>(last - text.data());
  }
  if (written.name.empty() || !closed || end >= text.size() || text[end] != '%') {
    problem.position = at;
    problem.message = fmt::format(
        "Incorrect configuration: {}. Couldn't find valid command at position {}", text, at);
    if (written.name.empty()) {
      const std::string name = in_capitals(text.substr(at));
      Written guess;
      Problem none;
      guess.name = name;
      if (!name.empty()) {
        compile_operator(guess, none);
        problem.suggestion =
            none.message.starts_with("Not supported") ? none.suggestion : "%" + name + "%";
      }
    }
    return {};
  }
  Operation out = compile_operator(written, problem);
  out.bytes_max = bytes_max;
  at = end + 1;
  return out;
}

}  // namespace

Format Format::compile(std::string_view text, Problem& problem) {
  Format out;
  problem = Problem();
  auto literal = [&out](std::string_view more) {
    if (more.empty()) return;
    std::vector<Operation>& all = out.operations_;
    if (all.empty() || all.back().what != Operator::kLiteral ||
        all.back().bytes_max != Operation::kUnbounded)
      all.emplace_back();
    all.back().text += more;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t percent = text.find('%', at);
    literal(text.substr(at, percent - at));
    if (percent == text.npos) break;
    at = percent;
    if (text.substr(at).starts_with("%%")) {
      literal("%");
      at += 2;
      continue;
    }
    Operation one = read_operator(text, at, problem);
    if (problem) return Format();
    if (one.what == Operator::kLiteral && one.bytes_max == Operation::kUnbounded) {
      literal(one.text);
    } else {
      out.operations_.push_back(std::move(one));
    }
  }
  return out;
}

void Format::render(const Values& values, Missing missing, std::string& out) const {
  for (const Operation& operation : operations_) {
    if (operation.what == Operator::kLiteral && operation.bytes_max == Operation::kUnbounded) {
      out += operation.text;
    } else if (!print_value(operation, values, false, out) && missing == Missing::kDash) {
      out += '-';
    }
  }
}

Needs Format::needs() const {
  Needs out;
  for (const Operation& operation : operations_) out.add(needs_of(operation));
  return out;
}

void Needs::add(const Needs& other) {
  points = points || other.points;
  response = response || other.response;
  response_trailers = response_trailers || other.response_trailers;
  hosts = hosts || other.hosts;
  upstream = upstream || other.upstream;
}

Needs needs_of(const Operation& operation) {
  Needs out;
  switch (operation.what) {
    case Operator::kBetween:
      out.points = true;
      break;
    case Operator::kResponseField:
    case Operator::kResponseHeaderBytes:
      out.response = true;
      break;
    case Operator::kTrailerField:
    case Operator::kResponseTrailerBytes:
      out.response_trailers = true;
      break;
    case Operator::kGrpcStatus:
      out.response = out.response_trailers = true;
      break;
    case Operator::kHostsAttempted:
    case Operator::kHostNamesAttempted:
      out.hosts = true;
      break;
    case Operator::kUpstreamServerName:
    case Operator::kUpstreamConnectionId:
      out.upstream = true;
      break;
    case Operator::kAddress:
      out.upstream = operation.address.upstream;
      break;
    case Operator::kTlsVersion:
    case Operator::kTlsCipher:
    case Operator::kTlsGroup:
    case Operator::kPeer:
    case Operator::kPeerValidFrom:
    case Operator::kPeerValidUntil:
      out.upstream = operation.detail >= 64;
      break;
    case Operator::kExpression:
      out.response = out.response_trailers = operation.expression->uses("response.");
      out.upstream = operation.expression->uses("upstream.");
      break;
    case Operator::kCoalesce:
      for (const Operation& one : operation.operations) out.add(needs_of(one));
      break;
    default:
      break;
  }
  return out;
}

}  // namespace tidegate::proxy::format
