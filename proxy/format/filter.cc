#include "proxy/format/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tidegate::proxy::format {
namespace {

using Kind = LogFilter::Kind;

bool compare(LogFilter::Comparison how, std::uint64_t value, std::uint64_t with) {
  switch (how) {
    case LogFilter::Comparison::kEqual:
      return value == with;
    case LogFilter::Comparison::kAtLeast:
      return value >= with;
    case LogFilter::Comparison::kAtMost:
      return value <= with;
  }
  return false;
}

}  // namespace

EntryFilter EntryFilter::compile(const LogFilter& filter, std::string& problem) {
  EntryFilter out;
  out.config_ = filter;
  if (filter.kind == Kind::kFlags) {
    for (const std::string& flag : filter.flags) {
      if (!is_response_flag(flag)) problem = fmt::format("{} is not a response flag", flag);
      out.flags_.add(ResponseFlags::parse(flag));
    }
  } else if (filter.kind == Kind::kHeader && filter.regex) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    out.regex_ = std::make_shared<const re2::RE2>(filter.text, options);
    if (!out.regex_->ok()) problem = fmt::format("{}: {}", filter.text, out.regex_->error());
  } else if (filter.kind == Kind::kCel) {
    out.expression_ = compile_cel(filter.text, problem);
  }
  for (const LogFilter& one : filter.filters) out.filters_.push_back(compile(one, problem));
  return out;
}

/// Taken from the request's id, so that all sinks and all proxies on the way agree; else by chance.
bool EntryFilter::sampled(const Values& values) const {
  if (config_.denominator == 0) return false;
  std::uint64_t number = 0;
  bool several = false;
  const std::string_view id = request_field(values, "x-request-id", several);
  bool from_id = !config_.independent && id.size() >= 8;
  if (from_id) {
    std::uint32_t leading = 0;
    auto [end, bad] = std::from_chars(id.data(), id.data() + 8, leading, 16);
    from_id = bad == std::errc() && end == id.data() + 8;
    number = leading % config_.denominator;
  }
  if (!from_id) number = values.random ? values.random->below(config_.denominator) : 0;
  return number < config_.numerator;
}

bool EntryFilter::grpc(const Values& values) const {
  const int status = grpc_status(values);
  const bool listed = std::find(config_.grpc_statuses.begin(), config_.grpc_statuses.end(),
                                status) != config_.grpc_statuses.end();
  return listed != config_.exclude;
}

bool EntryFilter::matches(const Values& values) const {
  switch (config_.kind) {
    case Kind::kStatus:
      return compare(config_.comparison, static_cast<std::uint64_t>(values.status), config_.value);
    case Kind::kDuration:
      return compare(
          config_.comparison,
          static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(values.duration).count()),
          config_.value);
    case Kind::kNotHealthCheck:
      return !values.health_check;
    case Kind::kTraceable:
      return values.traced;
    case Kind::kHeader: {
      bool several = false;
      const std::string_view value = request_field(values, config_.header, several);
      if (value.data() == nullptr) return false;
      return regex_ ? re2::RE2::FullMatch({value.data(), value.size()}, *regex_)
                    : value == config_.text;
    }
    case Kind::kFlags:
      return config_.flags.empty() ? values.flags.any() : values.flags.has(flags_);
    case Kind::kGrpcStatus:
      return grpc(values);
    case Kind::kCel: {
      Arena arena;
      return expression_ && expression_->matches(ValueAttributes(values), arena);
    }
    case Kind::kSample:
      return sampled(values);
    case Kind::kAll:
      return std::all_of(filters_.begin(), filters_.end(),
                         [&](const EntryFilter& one) { return one.matches(values); });
    case Kind::kAny:
      return std::any_of(filters_.begin(), filters_.end(),
                         [&](const EntryFilter& one) { return one.matches(values); });
  }
  return false;
}

Needs EntryFilter::needs() const {
  Needs out;
  if (config_.kind == Kind::kGrpcStatus) out.response = out.response_trailers = true;
  if (expression_) {
    out.response = expression_->uses("response.");
    out.response_trailers = out.response;
    out.upstream = expression_->uses("upstream.");
  }
  for (const EntryFilter& one : filters_) out.add(one.needs());
  return out;
}

}  // namespace tidegate::proxy::format
