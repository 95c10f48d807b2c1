#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"

namespace tidegate::proxy::telemetry {

class LogWriter;

/// A file that workers append lines to: each to a buffer of its own, which the writer's thread
/// takes away. Where the writer does not keep up (a full disk, a slow pipe) lines are lost and
/// counted; a worker never waits for the file.
class LogFile {
 public:
  /// What a worker may be ahead of the writer, in bytes.
  static constexpr std::size_t kBufferMax = 4 * 1024 * 1024;

  LogFile(LogWriter& writer, std::string path, std::size_t workers);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Has `print` append one line to the worker's buffer.
  template <class Print>
  void append(std::size_t worker, Print print) {
    Buffer& mine = *buffers_[worker];
    std::size_t size = 0;
    {
      std::lock_guard lock(mine.mutex);
      if (mine.lines.size() >= kBufferMax) {
        lost_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      print(mine.lines);
      size = mine.lines.size();
    }
    if (size >= kWakeAt) wake();
  }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }
  const std::string& path() const { return path_; }

 private:
  friend class LogWriter;
  static constexpr std::size_t kWakeAt = 256 * 1024;
  struct alignas(64) Buffer {
    std::mutex mutex;  // taken by one worker, and now and then by the writer
    std::string lines;
  };
  void wake();
  error_code open();
  void write_out();

  LogWriter& writer_;
  const std::string path_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::atomic<std::uint64_t> lost_{0};
  std::mutex file_mutex_;  // of what follows
  std::string writing_;
  int fd_ = -1;
};

/// Writes all log files, on a thread of its own, ten times a second and whenever one has much to
/// write. Outlives its files.
class LogWriter {
 public:
  explicit LogWriter(std::size_t workers);
  /// Writes what is there.
  ~LogWriter();

  /// The file at `path`, opened for appending (created with mode 0640); one object a path. "-" and
  /// /dev/stdout are standard output, /dev/stderr is standard error. It is closed when nobody has
  /// it any more.
  Result<std::shared_ptr<LogFile>> file(const std::string& path);
  /// Lines that were lost, by path, since the file was first opened.
  std::map<std::string, std::uint64_t> lost();
  /// Opens all files anew, after somebody has moved them away.
  void reopen();

 private:
  friend class LogFile;
  void run();
  void write_all();

  const std::size_t workers_;
  std::mutex mutex_;  // of what follows
  std::condition_variable wanted_;
  std::map<std::string, std::weak_ptr<LogFile>> files_;
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tidegate::proxy::telemetry
