#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidegate::controlloop::watch {

/// Tells when something below some paths may have changed: files written, renamed, removed; folders
/// that come and go; symbolic links that are swapped, as kubelet does with a ConfigMap; a path that
/// does not exist yet. It does not say what: the reader of the directory finds out by itself, and a
/// call too many costs little.
class Watcher {
 public:
  struct Timing {
    std::chrono::milliseconds settle{10};    // after the last event of a burst
    std::chrono::milliseconds longest{50};   // after the first one
    std::chrono::milliseconds writing{500};  // where somebody has written and not closed yet
    std::chrono::milliseconds poll{2000};    // where inotify is not to be had
  };

  /// `changed` is called on `io`'s thread.
  Watcher(boost::asio::io_context& io, std::vector<std::string> paths,
          std::function<void()> changed, Timing timing);
  ~Watcher();
  void stop();
  /// Whether somebody writes a file at this moment, or has since this was asked or `changed` was
  /// called; `changed` is called when it is closed, or when that takes long.
  bool writing();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tidegate::controlloop::watch
