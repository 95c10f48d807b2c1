#include "controlloop/translate/access_log.h"

#include <boost/json/serialize.hpp>

#include "controlloop/policy/text.h"

namespace tidegate::controlloop::translate {

namespace kgateway = config::kgateway;

namespace {

using Kind = proxy::LogFilter::Kind;

proxy::LogFilter comparison(Kind kind, const kgateway::LogCondition::Comparison& from) {
  using Op = kgateway::LogCondition::Op;
  using To = proxy::LogFilter::Comparison;
  proxy::LogFilter out;
  out.kind = kind;
  out.comparison = from.op == Op::kEq   ? To::kEqual
                   : from.op == Op::kGe ? To::kAtLeast
                                        : To::kAtMost;
  out.value = static_cast<std::uint64_t>(from.value);
  return out;
}

proxy::LogFilter sample(const kgateway::LogCondition::Runtime& from) {
  using Denominator = kgateway::LogCondition::Denominator;
  proxy::LogFilter out;
  out.kind = Kind::kSample;
  out.independent = from.use_independent_randomness;
  if (!from.percent_sampled) return out;
  out.numerator = static_cast<std::uint32_t>(from.percent_sampled->numerator);
  switch (from.percent_sampled->denominator) {
    case Denominator::kHundred:
      out.denominator = 100;
      break;
    case Denominator::kTenThousand:
      out.denominator = 10'000;
      break;
    case Denominator::kMillion:
      out.denominator = 1'000'000;
      break;
  }
  return out;
}

/// A condition that says "false" of what it filters is none.
proxy::LogFilter condition(const kgateway::LogCondition& from) {
  proxy::LogFilter out;
  if (from.status_code_filter) return comparison(Kind::kStatus, *from.status_code_filter);
  if (from.duration_filter) return comparison(Kind::kDuration, *from.duration_filter);
  if (from.not_health_check_filter.value_or(false)) out.kind = Kind::kNotHealthCheck;
  if (from.traceable_filter.value_or(false)) out.kind = Kind::kTraceable;
  if (from.header_filter) {
    const config::HttpValueMatch& header = from.header_filter->header;
    out.kind = Kind::kHeader;
    out.header = policy::lower(header.name);
    out.text = header.value;
    out.regex = header.type == config::ValueMatchType::kRegularExpression;
  }
  if (from.response_flag_filter) {
    out.kind = Kind::kFlags;
    out.flags = from.response_flag_filter->flags;
  }
  if (from.grpc_status_filter) {
    out.kind = Kind::kGrpcStatus;
    out.exclude = from.grpc_status_filter->exclude;
    for (const auto status : from.grpc_status_filter->statuses)
      out.grpc_statuses.push_back(static_cast<int>(status));
  }
  if (from.cel_filter) {
    out.kind = Kind::kCel;
    out.text = from.cel_filter->match;
  }
  if (from.runtime_filter) return sample(*from.runtime_filter);
  return out;
}

}  // namespace

proxy::LogFilter log_filter(const kgateway::LogFilter& from) {
  if (from.and_filter.empty() && from.or_filter.empty()) return condition(from);
  proxy::LogFilter out;
  out.kind = from.and_filter.empty() ? Kind::kAny : Kind::kAll;
  for (const kgateway::LogCondition& one :
       from.and_filter.empty() ? from.or_filter : from.and_filter)
    out.filters.push_back(condition(one));
  return out;
}

std::optional<proxy::AccessLog> access_log(const kgateway::AccessLog& from,
                                           const WarnOfSetting& warn) {
  if (!from.file_sink) return std::nullopt;
  proxy::AccessLog out;
  out.path = from.file_sink->path;
  out.text = from.file_sink->string_format.value_or("");
  if (from.file_sink->json_format) {
    out.json = boost::json::serialize(*from.file_sink->json_format);
  } else if (!out.text.empty() && !out.text.ends_with('\n')) {
    warn("fileSink.stringFormat",
         "the format does not end in a newline: all entries come in one line");
  }
  if (from.filter) out.filter = log_filter(*from.filter);
  return out;
}

}  // namespace tidegate::controlloop::translate
