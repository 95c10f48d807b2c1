#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/format/filter.h"
#include "proxy/format/json_format.h"
#include "proxy/snapshot/http_options.h"
#include "proxy/telemetry/log_file.h"
#include "proxy/telemetry/remote_log.h"

namespace tidegate::proxy::telemetry {

/// The access logs that one listener's exchanges and connections go to. Immutable, shared by all
/// workers; lines are appended to the worker's own buffers.
class AccessLogs {
 public:
  /// What is wrong leaves that log out and is told in `problems`. `sinks`: for those that are no
  /// files; null: there are none.
  static std::shared_ptr<const AccessLogs> compile(const std::vector<AccessLog>& config,
                                                   LogWriter& writer,
                                                   std::vector<std::string>& problems,
                                                   Sinks* sinks = nullptr);

  /// Tells what is wrong with a log's format and filter; opens nothing.
  static void check(const AccessLog& config, std::vector<std::string>& problems);

  void write(std::size_t worker, const format::Values& values) const;
  const format::Needs& needs() const { return needs_; }

 private:
  struct Sink {
    std::optional<format::EntryFilter> filter;
    format::Format text;
    std::optional<format::JsonFormat> json;
    std::shared_ptr<LogFile> file;
    std::optional<RemoteLogWriter> remote;  // instead of a file
  };
  static Sink compile_sink(const AccessLog& config, std::string& wrong);

  std::vector<Sink> sinks_;
  format::Needs needs_;
};

}  // namespace tidegate::proxy::telemetry
