#include "proxy/telemetry/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"

namespace tidegate::proxy::telemetry {

namespace {
constexpr std::size_t kGathered = 16 * 1024;
}

AccessLog::~AccessLog() {
  flush();
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

error_code AccessLog::open(const std::string& path) {
  int fd = path == "-" ? STDOUT_FILENO
                       : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return {errno, boost::system::system_category()};
  std::lock_guard lock(mutex_);
  if (fd_ > STDERR_FILENO) ::close(fd_);
  fd_ = fd;
  path_ = path;
  return {};
}

void AccessLog::reopen() {
  flush();
  if (path_.empty() || path_ == "-") return;
  if (error_code failed = open(std::string(path_))) {
    log::error(log::Component::kMain, "access log {}: {}; the old file is written on", path_,
               failed.message());
  }
}

void AccessLog::write(const LogEntry& entry) {
  thread_local std::string line;
  line.clear();
  format_.render(entry, line);
  std::lock_guard lock(mutex_);
  lines_ += line;
  if (lines_.size() >= kGathered) write_out();
}

void AccessLog::flush() {
  std::lock_guard lock(mutex_);
  write_out();
}

void AccessLog::write_out() {
  std::string_view rest = lines_;
  while (!rest.empty() && fd_ >= 0) {
    ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;  // a full disk or a closed pipe must not stop the traffic
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  lines_.clear();
}

}  // namespace tidegate::proxy::telemetry
