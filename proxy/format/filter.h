#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/format/cel_attributes.h"
#include "proxy/format/format.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::proxy::format {

/// Whether an exchange that has ended is meant: by an access log, by a mapper of local replies.
/// Immutable. An expression without a value means no.
class EntryFilter {
 public:
  /// `problem` is empty where all is right.
  static EntryFilter compile(const LogFilter& filter, std::string& problem);

  bool matches(const Values& values) const;
  Needs needs() const;

 private:
  bool sampled(const Values& values) const;
  bool grpc(const Values& values) const;

  LogFilter config_;
  ResponseFlags flags_;
  std::shared_ptr<const re2::RE2> regex_;
  ExpressionPtr expression_;
  std::vector<EntryFilter> filters_;
};

}  // namespace tidegate::proxy::format
