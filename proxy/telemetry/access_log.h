#pragma once

#include <mutex>
#include <string>

#include "base/result.h"
#include "proxy/telemetry/log_format.h"

namespace tidegate::proxy::telemetry {

/// One line an exchange, to a file or standard output. Any worker writes; lines are gathered and
/// written whole, when 16 KiB are there or flush() is called (the control thread does, ten times a
/// second).
class AccessLog {
 public:
  explicit AccessLog(LogFormat format) : format_(std::move(format)) {}
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// "-" is standard output; a file is appended to.
  error_code open(const std::string& path);
  /// Opens the file anew, after somebody has moved it away.
  void reopen();
  void write(const LogEntry& entry);
  void flush();

 private:
  void write_out();

  LogFormat format_;
  std::mutex mutex_;
  std::string path_;
  std::string lines_;
  int fd_ = -1;
};

}  // namespace tidegate::proxy::telemetry
