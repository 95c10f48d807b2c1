#include "controlloop/control_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <utility>

#include "base/log.h"
#include "config/kinds/gateway/gateway.h"
#include "controlloop/read_files.h"
#include "controlloop/unserved.h"

namespace tidegate::controlloop {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

bool is_error(const config::Problem& problem) {
  return problem.severity == config::Severity::kError;
}

log::About about(const config::Problem& problem) {
  log::About out{problem.kind, problem.file, problem.line};
  if (problem.name.empty()) return out;
  out.object += ' ';
  if (!problem.namespace_.empty()) out.object += problem.namespace_ + '/';
  out.object += problem.name;
  return out;
}

}  // namespace

ControlLoop::ControlLoop(boost::asio::io_context& io, std::vector<std::string> paths,
                         translate::Options options, Publish publish)
    : io_(io),
      paths_(paths),
      options_(std::move(options)),
      publish_(std::move(publish)),
      directory_(std::move(paths)),
      again_(io),
      statuses_again_(io) {}

std::vector<config::Problem> ControlLoop::start() {
  // Watch first: what changes while we read is seen again.
  watcher_ =
      std::make_unique<watch::Watcher>(io_, paths_, [this] { reload(); }, watch::Watcher::Timing());
  take(directory_.load());
  if (loaded_.again) try_again();
  return problems();
}

void ControlLoop::stop() {
  again_.cancel();
  statuses_again_.cancel();
  if (watcher_) watcher_->stop();
  if (files_watcher_) files_watcher_->stop();
}

void ControlLoop::reload() {
  try {
    read_and_take();
    if (!loaded_.again) wait_ = kAgain;
  } catch (const std::exception& failed) {  // memory, above all: what is served stays
    log::error(log::Component::kConfig, "the configuration could not be taken: {}; trying again",
               failed.what());
    unfinished_ = true;
    loaded_.again = true;
  }
  if (loaded_.again) try_again();
}

/// Nothing tells that what could not be read can be read now.
void ControlLoop::try_again() {
  again_.expires_after(wait_);
  wait_ = std::min(wait_ * 2, kAgainMost);
  again_.async_wait([this](auto cancelled) {
    if (!cancelled) reload();
  });
}

bool ControlLoop::wait_for_writer(std::chrono::steady_clock::time_point now) {
  if (!watcher_->writing()) return false;
  if (!wait_until_) wait_until_ = now + kWritingMost;
  unfinished_ = unfinished_ || now < *wait_until_;
  return now < *wait_until_;
}

void ControlLoop::read_and_take() {
  const auto started = std::chrono::steady_clock::now();
  // Half of a file, once read, would be the last good one of what follows.
  if (counters_.reloads > 0 && wait_for_writer(started)) return;
  config::LoadResult loaded = directory_.load();
  ++counters_.reloads;
  loaded_.again = loaded.again;
  // What was read may be half of what somebody writes now. The watcher tells when it is whole; for
  // who takes long nobody waits.
  if (wait_for_writer(started)) return;
  wait_until_.reset();
  if (!loaded.changed && !unfinished_) {
    if (named_files_.empty() || read_files(named_files_) == options_.files) return;
    loaded = loaded_;
  }
  unfinished_ = true;
  take(std::move(loaded));
  unfinished_ = false;
  counters_.last_reload_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
}

void ControlLoop::take_files() {
  std::vector<std::string> named = named_files(*loaded_.objects);
  if (named != named_files_) {
    named_files_ = std::move(named);
    // Watch first, as above.
    files_watcher_.reset();
    if (!named_files_.empty())
      files_watcher_ = std::make_unique<watch::Watcher>(
          io_, named_files_, [this] { reload(); }, watch::Watcher::Timing());
  }
  options_.files = read_files(named_files_);
}

void ControlLoop::take(config::LoadResult loaded) {
  // What was before goes when all is done: freeing thousands of objects takes its time.
  const config::LoadResult before = std::exchange(loaded_, std::move(loaded));
  take_files();
  change_seen_ = std::chrono::steady_clock::now();
  translate::Translation fresh = translate::translate(*loaded_.objects, options_);
  metrics_.translated(*loaded_.objects, fresh, seconds_since(change_seen_));
  const bool same =
      !unpublished_ && translation_.snapshot && *translation_.snapshot == *fresh.snapshot;
  if (same) fresh.snapshot = translation_.snapshot;
  std::swap(translation_, fresh);
  unpublished_ = !same;
  tell_new_problems();
  const std::vector<config::Problem> all = problems();
  if (std::any_of(all.begin(), all.end(), is_error)) {
    ++counters_.reloads_with_errors;
  } else {
    counters_.last_success_seconds = std::time(nullptr);
  }
  if (!same) {
    applied_.reset();
    ++version_;
    ++counters_.snapshots;
    counters_.last_change_seconds = std::time(nullptr);
    log::info(log::Component::kConfig, "snapshot {}: {} listeners, {} clusters", version_,
              translation_.snapshot->listeners.size(), translation_.snapshot->clusters.size());
    if (translation_.snapshot->listeners.empty()) tell_that_nothing_is_served();
    publish_(translation_.snapshot, version_);
    unpublished_ = false;
  }
  refresh_statuses();
}

void ControlLoop::applied(const proxy::Applied& applied) {
  if (applied.version != version_) return;  // of an older snapshot
  try {
    if (!applied_) metrics_.applied(seconds_since(change_seen_));
    metrics_.opened(*translation_.snapshot, applied);
    applied_ = applied;
    refresh_statuses();
  } catch (const std::exception& failed) {
    log::error(log::Component::kConfig, "statuses could not be made: {}; trying again",
               failed.what());
    statuses_again_.expires_after(kAgain);
    statuses_again_.async_wait([this, applied](auto cancelled) {
      if (!cancelled) this->applied(applied);
    });
  }
}

void ControlLoop::refresh_statuses() {
  // Between publication and its echo from the workers the old word on a listener stands, so that
  // statuses do not flicker.
  if (!applied_ && version_ > 1) return;
  statuses_.update(translate::statuses_of(translation_, applied_ ? &*applied_ : nullptr),
                   utc_now());
  metrics_.synced(seconds_since(change_seen_));
  ++resource_version_;
  if (on_change_) on_change_();
}

std::vector<config::Problem> ControlLoop::problems() const {
  std::vector<config::Problem> out = loaded_.problems;
  out.insert(out.end(), translation_.problems.begin(), translation_.problems.end());
  return out;
}

void ControlLoop::tell_new_problems() {
  std::unordered_set<std::string> now;
  for (const config::Problem& problem : problems()) {
    std::string text = (is_error(problem) ? "E" : "W") + to_string(problem);
    const bool told = told_.contains(text);
    if (!now.insert(std::move(text)).second || told) continue;
    log::tell(log::Component::kConfig,
              is_error(problem) ? log::Level::kError : log::Level::kWarning, about(problem),
              problem.message);
  }
  told_ = std::move(now);
}

void ControlLoop::tell_that_nothing_is_served() const {
  std::string why = "there is no Gateway";
  if (!loaded_.objects->all<config::Gateway>().empty())
    why = "no Gateway has a listener that can be served";
  if (options_.gateway &&
      !loaded_.objects->find<config::Gateway>(options_.gateway->namespace_, options_.gateway->name))
    why = fmt::format("there is no Gateway {}/{}, which --gateway asks for",
                      options_.gateway->namespace_, options_.gateway->name);
  log::warning(log::Component::kConfig,
               "nothing is served: {}; the directory is followed, and what comes is served", why);
}

Preview preview(std::vector<std::string> paths, const translate::Options& options) {
  config::Directory directory(std::move(paths));
  config::LoadResult loaded = directory.load();
  translate::Options with_files = options;
  with_files.files = read_files(named_files(*loaded.objects));
  translate::Translation translation = translate::translate(*loaded.objects, with_files);
  Preview out;
  out.snapshot = translation.snapshot;
  out.problems = std::move(loaded.problems);
  out.problems.insert(out.problems.end(), translation.problems.begin(), translation.problems.end());
  std::stable_sort(out.problems.begin(), out.problems.end(),
                   [](const config::Problem& a, const config::Problem& b) {
                     return std::tie(a.file, a.line) < std::tie(b.file, b.line);
                   });
  out.unserved = unserved(*loaded.objects, translate::statuses_of(translation, nullptr));
  return out;
}

}  // namespace tidegate::controlloop
