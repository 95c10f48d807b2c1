#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <mutex>

namespace tidegate::log {
namespace {

constexpr std::array<std::string_view, kComponentCount> kComponents = {
    "admin",    "config", "configfile", "connection", "conn_handler", "dns",        "ext_authz",
    "ext_proc", "filter", "grpc",       "hc",         "http",         "http2",      "init",
    "jwt",      "kube",   "main",       "oauth2",     "pool",         "rbac",       "router",
    "runtime",  "secret", "stats",      "status",     "tracing",      "translator", "upstream"};
constexpr std::array<std::string_view, 7> kLevels = {"trace", "debug",    "info", "warning",
                                                     "error", "critical", "off"};

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr char kJsonPattern[] = "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}";

std::atomic<Format> current_format{Format::kText};

spdlog::logger& sink() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("tidegate",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->set_pattern(kTextPattern, spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

/// A message is one line: what came from elsewhere cannot begin another.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::value(text));
}

spdlog::level::level_enum to_spdlog(Level level) {
  return static_cast<spdlog::level::level_enum>(level);
}

}  // namespace

namespace detail {

std::array<LevelCell, kComponentCount> levels;

void write(Component component, Level level, std::string_view message) {
  if (current_format.load(std::memory_order_relaxed) == Format::kText) {
    sink().log(to_spdlog(level), "{} [{}] {}", name(level), name(component), one_line(message));
  } else {
    sink().log(to_spdlog(level), "\"level\":\"{}\",\"component\":\"{}\",\"message\":{}",
               name(level), name(component), quoted(message));
  }
}

}  // namespace detail

void tell(Component component, Level level, const About& about, std::string_view message) {
  if (!enabled(component, level)) return;
  std::string text;
  if (current_format.load(std::memory_order_relaxed) == Format::kText) {
    text = about.file;
    if (about.line > 0) text += fmt::format(":{}", about.line);
    if (!text.empty()) text += ": ";
    if (!about.object.empty()) text += about.object + ": ";
    return detail::write(component, level, text.append(message));
  }
  if (!about.object.empty()) text += fmt::format(",\"object\":{}", quoted(about.object));
  if (!about.file.empty()) text += fmt::format(",\"file\":{}", quoted(about.file));
  if (about.line > 0) text += fmt::format(",\"line\":{}", about.line);
  sink().log(to_spdlog(level), "\"level\":\"{}\",\"component\":\"{}\",\"message\":{}{}",
             name(level), name(component), quoted(message), text);
}

std::optional<std::uint64_t> due(std::string_view key, std::chrono::steady_clock::time_point now) {
  struct State {
    std::chrono::steady_clock::time_point last;
    std::uint64_t kept = 0;
  };
  constexpr std::size_t kKeysMax = 1024;
  static std::mutex mutex;
  static std::map<std::string, State, std::less<>> states;
  const std::scoped_lock lock(mutex);
  auto found = states.find(key);
  if (found == states.end() && states.size() >= kKeysMax) {
    std::erase_if(states, [now](const auto& one) { return now - one.second.last >= kSeldom; });
    if (states.size() >= kKeysMax) found = states.try_emplace("").first;
  }
  if (found == states.end()) {
    states.emplace(key, State{now, 0});
    return 0;
  }
  if (now - found->second.last < kSeldom) {
    ++found->second.kept;
    return std::nullopt;
  }
  found->second.last = now;
  return std::exchange(found->second.kept, 0);
}

std::string kept_back(std::uint64_t count) {
  return count == 0 ? "" : fmt::format(" ({} more since the last such message)", count);
}

void configure(Level level, Format format) {
  current_format.store(format);
  sink().set_pattern(format == Format::kText ? kTextPattern : kJsonPattern,
                     spdlog::pattern_time_type::utc);
  set_level_everywhere(level);
}

std::string_view name(Component component) {
  return kComponents[static_cast<std::size_t>(component)];
}
std::string_view name(Level level) { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<Level> level_from(std::string_view text) {
  if (text == "warn") return Level::kWarning;
  if (text == "err") return Level::kError;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::optional<Component> component_from(std::string_view text) {
  for (std::size_t i = 0; i < kComponents.size(); ++i) {
    if (kComponents[i] == text) return static_cast<Component>(i);
  }
  return std::nullopt;
}

void set_level(Component component, Level level) {
  detail::levels[static_cast<std::size_t>(component)].value.store(level, std::memory_order_relaxed);
}

void set_level_everywhere(Level level) {
  for (auto& one : detail::levels) one.value.store(level, std::memory_order_relaxed);
}

Level level_of(Component component) {
  return detail::levels[static_cast<std::size_t>(component)].value.load(std::memory_order_relaxed);
}

}  // namespace tidegate::log
