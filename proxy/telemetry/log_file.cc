#include "proxy/telemetry/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/log.h"

namespace tidegate::proxy::telemetry {

LogFile::LogFile(LogWriter& writer, std::string path, std::size_t workers)
    : writer_(writer), path_(std::move(path)) {
  for (std::size_t i = 0; i < workers; ++i) buffers_.push_back(std::make_unique<Buffer>());
}

LogFile::~LogFile() {
  write_out();
  if (fd_ >= 0) ::close(fd_);
}

error_code LogFile::open() {
  int fd = -1;
  if (path_ == "-" || path_ == "/dev/stdout") {
    fd = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  } else if (path_ == "/dev/stderr") {
    fd = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  } else {
    // Not to wait for the reader of a FIFO: without one that is an error (ENXIO).
    fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  }
  if (fd < 0) return {errno, boost::system::system_category()};
  std::lock_guard lock(file_mutex_);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return {};
}

void LogFile::write_out() {
  std::lock_guard lock(file_mutex_);
  for (const std::unique_ptr<Buffer>& buffer : buffers_) {
    writing_.clear();
    {
      std::lock_guard taking(buffer->mutex);
      writing_.swap(buffer->lines);
    }
    std::string_view rest = writing_;
    while (!rest.empty() && fd_ >= 0) {
      const ssize_t written = ::write(fd_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {  // a full disk or a closed pipe: these lines are lost
        lost_.fetch_add(1, std::memory_order_relaxed);
        break;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
}

void LogFile::wake() {
  std::lock_guard lock(writer_.mutex_);
  if (writer_.asked_) return;
  writer_.asked_ = true;
  writer_.wanted_.notify_one();
}

LogWriter::LogWriter(std::size_t workers) : workers_(workers), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    wanted_.notify_one();
  }
  thread_.join();
}

Result<std::shared_ptr<LogFile>> LogWriter::file(const std::string& path) {
  std::lock_guard lock(mutex_);
  std::weak_ptr<LogFile>& known = files_[path];
  if (std::shared_ptr<LogFile> there = known.lock()) return there;
  auto made = std::make_shared<LogFile>(*this, path, workers_);
  if (error_code failed = made->open()) return failed;
  known = made;
  return made;
}

std::map<std::string, std::uint64_t> LogWriter::lost() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::uint64_t> out;
  for (const auto& [path, file] : files_) {
    if (const std::shared_ptr<LogFile> open = file.lock()) out[path] = open->lost();
  }
  return out;
}

void LogWriter::reopen() {
  write_all();
  std::vector<std::shared_ptr<LogFile>> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [path, one] : files_) all.push_back(one.lock());
  }
  for (const std::shared_ptr<LogFile>& one : all) {
    if (!one) continue;
    if (error_code failed = one->open()) {
      log::error(log::Component::kMain, "access log {}: {}; the old file is written on",
                 one->path(), failed.message());
    }
  }
}

void LogWriter::write_all() {
  std::vector<std::shared_ptr<LogFile>> all;
  {
    std::lock_guard lock(mutex_);
    for (auto one = files_.begin(); one != files_.end();) {
      all.push_back(one->second.lock());
      one = all.back() ? std::next(one) : files_.erase(one);
    }
  }
  for (const std::shared_ptr<LogFile>& one : all) {
    if (one) one->write_out();
  }
}

void LogWriter::run() {
  constexpr std::chrono::milliseconds kPeriod{100};
  while (true) {
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      wanted_.wait_for(lock, kPeriod, [this] { return asked_ || stopping_; });
      asked_ = false;
      stop = stopping_;
    }
    write_all();
    if (stop) return;
  }
}

}  // namespace tidegate::proxy::telemetry
