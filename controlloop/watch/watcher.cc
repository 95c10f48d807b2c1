#include "controlloop/watch/watcher.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/folder.h"
#include "base/log.h"
#include "base/surely.h"

namespace tidegate::controlloop::watch {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ATTRIB;
constexpr int kDepthMax = 32;

/// A wait that is not begun is a change that nobody hears of.
template <class Handler>
void surely_wait(asio::steady_timer& timer, Handler handler) {
  surely([&] { timer.async_wait(handler); });
}

}  // namespace

class Watcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, std::vector<std::string> paths, std::function<void()> changed,
       Timing timing)
      : paths_(std::move(paths)),
        changed_(std::move(changed)),
        timing_(timing),
        descriptor_(io),
        settle_(io),
        poll_(io) {}

  void start() {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
      log::warning(log::Component::kConfigfile, "inotify: {}; looking every {} ms instead",
                   std::strerror(errno), timing_.poll.count());
      poll();
      return;
    }
    descriptor_.assign(fd);
    cover();
    wait();
  }

  bool writing() {
    if (polling_ || stopped_) return false;
    written_ = false;
    if (take_events()) settle();
    return written_ || !writing_.empty();
  }

  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    settle_.cancel();
    poll_.cancel();
  }

 private:
  /// Watches every folder below the paths, and of each path its parent, where the path itself is
  /// replaced. Cheap to repeat: the kernel knows what is watched already.
  void cover() {
    std::set<std::string> seen;
    for (const std::string& path : paths_) {
      fs::path child = fs::absolute(path).lexically_normal();
      if (!child.has_filename()) child = child.parent_path();
      std::error_code bad;
      while (!fs::is_directory(child.parent_path(), bad) && child.parent_path().has_relative_path())
        child = child.parent_path();
      add(child.parent_path().string(), child.filename().string());
      below(path, 0, seen);
    }
  }

  /// What is not covered now is when the next thing happens.
  void cover_surely() noexcept {
    try {
      cover();
    } catch (const std::exception&) {  // memory
    }
  }

  /// Why something could not be looked at, if not because it is not there.
  void told(const std::error_code& why) {
    if (why && why != std::errc::no_such_file_or_directory &&
        why != std::errc::too_many_symbolic_link_levels)
      cover_later();
  }

  /// What could not be looked at may be there, and nothing would tell of it.
  void cover_later() {
    if (polling_ || std::exchange(covering_, true)) return;
    poll_.expires_after(timing_.poll);
    surely_wait(poll_, [self = shared_from_this()](auto cancelled) {
      self->covering_ = false;
      if (cancelled || self->stopped_) return;
      self->cover_surely();
      self->changed_();
    });
  }

  void below(const fs::path& path, int depth, std::set<std::string>& seen) {
    std::error_code bad;
    if (!fs::exists(path, bad)) return told(bad);
    fs::path real = fs::canonical(path, bad);
    if (bad) return told(bad);
    if (depth > kDepthMax || !seen.insert(real.string()).second) return;
    const bool folder = fs::is_directory(real, bad);
    if (bad) return told(bad);
    if (!folder) {
      add(real.parent_path().string(), real.filename().string());  // where a link's target lives
      return;
    }
    add(real.string());
    // Of thousands of files only the folders and links are looked at.
    std::vector<FolderEntry> entries;
    if (const int why = Folder(real.string()).list(entries); why != 0 && why != ENOTDIR)
      told({why, std::generic_category()});
    for (const FolderEntry& entry : entries) {
      if (entry.type == DT_DIR || entry.type == DT_LNK || entry.type == DT_UNKNOWN)
        below(real / entry.name, depth + 1, seen);
    }
  }

  /// Of a folder that is not ours only `name` matters: others may write beside it all the time.
  void add(const std::string& path, const std::string& name = {}) {
    const int watch = ::inotify_add_watch(descriptor_.native_handle(), path.c_str(), kEvents);
    if (watch >= 0) {
      Wanted& wanted = wanted_[watch];
      wanted.all = wanted.all || name.empty();
      if (!name.empty()) wanted.names.insert(name);
      return;
    }
    if (errno == ENOENT || errno == ENOTDIR) return;
    if (!polling_) {
      log::warning(log::Component::kConfigfile,
                   "cannot watch {}: {}{}; looking every {} ms as well", path, std::strerror(errno),
                   errno == ENOSPC ? " (raise fs.inotify.max_user_watches)" : "",
                   timing_.poll.count());
      poll();
    }
  }

  void wait() {
    surely([this] {
      descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                             [self = shared_from_this()](auto failed) {
                               if (failed || self->stopped_) return;
                               self->wait();
                               if (self->take_events()) self->settle();
                             });
    });
  }

  bool concerns_us(const inotify_event& event) const {
    const auto wanted = wanted_.find(event.wd);
    if (wanted == wanted_.end() || wanted->second.all || event.len == 0) return true;
    return wanted->second.names.contains(event.name);
  }

  /// A file that is written in place is not read before its writer closes it: half of it may be
  /// YAML as well, of fewer objects.
  void note_writer(const inotify_event& event) {
    if (event.len == 0) return;
    if ((event.mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0) {
      writing_.erase({event.wd, event.name});
    } else if ((event.mask & IN_MODIFY) != 0 && is_read(event)) {
      written_ = true;
      writing_.emplace(event.wd, event.name);
    }
  }
  bool is_read(const inotify_event& event) const {
    const auto wanted = wanted_.find(event.wd);
    if (wanted != wanted_.end() && wanted->second.names.contains(event.name)) return true;
    const std::string_view name = event.name;
    return !name.starts_with('.') &&
           (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
  }

  /// What exactly happened is of no interest, only that something did: whether it concerns us.
  bool take_events() {
    alignas(inotify_event) char buffer[16 * 1024];
    bool ours = false;
    ssize_t size = 0;
    while ((size = ::read(descriptor_.native_handle(), buffer, sizeof buffer)) > 0) {
      for (const char* at = buffer; at < buffer + size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        try {
          if (concerns_us(*event)) {
            ours = true;
            note_writer(*event);
          }
        } catch (const std::bad_alloc&) {
          ours = true;
        }
        if ((event->mask & IN_IGNORED) != 0) wanted_.erase(event->wd);
        at += sizeof(inotify_event) + event->len;
      }
    }
    return ours;
  }

  void settle() {
    const auto now = std::chrono::steady_clock::now();
    if (!burst_since_) burst_since_ = now;
    settle_.expires_at(writing_.empty() ? std::min(now + timing_.settle, latest()) : latest());
    surely_wait(settle_, [self = shared_from_this()](auto cancelled) {
      if (!cancelled && !self->stopped_) self->settled();
    });
  }
  std::chrono::steady_clock::time_point latest() const {
    return *burst_since_ + (writing_.empty() ? timing_.longest : timing_.writing);
  }

  void settled() {
    const auto now = std::chrono::steady_clock::now();
    // It was put off when it was over already: another wait ends then, or has.
    if (!burst_since_ || now < settle_.expiry()) return;
    // Somebody may have begun to write just now, and what is empty or half is not to be read.
    if (take_events() && now < latest()) return settle();
    burst_since_.reset();
    writing_.clear();
    cover_surely();  // folders may be new; before the call, so that nothing is missed in between
    changed_();
  }

  void poll() {
    polling_ = true;
    poll_.expires_after(timing_.poll);
    surely_wait(poll_, [self = shared_from_this()](auto cancelled) {
      if (cancelled || self->stopped_) return;
      self->changed_();
      self->poll();
    });
  }

  /// What of a watched folder concerns us.
  struct Wanted {
    bool all = false;
    std::set<std::string> names;
  };

  std::vector<std::string> paths_;
  std::function<void()> changed_;
  Timing timing_;
  std::map<int, Wanted> wanted_;                   // by watch descriptor
  std::set<std::pair<int, std::string>> writing_;  // watch descriptor and name: not closed yet
  bool written_ = false;                           // since somebody asked
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer settle_;
  asio::steady_timer poll_;
  std::optional<std::chrono::steady_clock::time_point> burst_since_;
  bool polling_ = false;
  bool covering_ = false;  // soon, for what could not be covered
  bool stopped_ = false;
};

Watcher::Watcher(asio::io_context& io, std::vector<std::string> paths,
                 std::function<void()> changed, Timing timing)
    : impl_(std::make_shared<Impl>(io, std::move(paths), std::move(changed), timing)) {
  impl_->start();
}

Watcher::~Watcher() { stop(); }

void Watcher::stop() { impl_->stop(); }
bool Watcher::writing() { return impl_->writing(); }

}  // namespace tidegate::controlloop::watch
