#pragma once

#include <fmt/core.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// The program's own log, on standard error. A message says what happened, to which object, in
/// which file and line, and what to do. Any thread may write. spdlog is behind it, in log.cc only.
namespace tidegate::log {

enum class Level : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kCritical, kOff };

/// Who speaks. Names are Envoy's where it has the component, so that `POST /logging?http=debug` of
/// old runbooks works.
enum class Component : std::uint8_t {
  kAdmin,
  kConfig,
  kConfigfile,
  kConnection,
  kConnHandler,
  kDns,
  kExtAuthz,
  kExtProc,
  kFilter,
  kGrpc,
  kHc,
  kHttp,
  kHttp2,
  kInit,
  kJwt,
  kKube,
  kMain,
  kOauth2,
  kPool,
  kRbac,
  kRouter,
  kRuntime,
  kSecret,
  kStats,
  kStatus,
  kTracing,
  kTranslator,
  kUpstream,
};
inline constexpr std::size_t kComponentCount = 28;

enum class Format : std::uint8_t { kText, kJson };

/// Before this call messages go to standard error as text at level info.
void configure(Level level, Format format);

std::string_view name(Component component);
std::string_view name(Level level);
/// Also takes "warn" and "err".
std::optional<Level> level_from(std::string_view name);
std::optional<Component> component_from(std::string_view name);

void set_level(Component component, Level level);
void set_level_everywhere(Level level);
Level level_of(Component component);

/// What a message is about; what is not known stays empty. Text has it in front of the message,
/// JSON as fields of its own.
struct About {
  std::string object;  // "HTTPRoute default/www"
  std::string file;    // as the user gave the directory
  int line = 0;        // from 1; 0: the whole file
};

void tell(Component component, Level level, const About& about, std::string_view message);

/// Whether a message that traffic can cause is to be written now: once in `kSeldom` for each `key`,
/// such as a cluster's name. The value says how many were kept back since the last one; absent:
/// this one is too. Keys are remembered up to a bound; beyond it, all that are new share one.
inline constexpr std::chrono::seconds kSeldom{30};
std::optional<std::uint64_t> due(std::string_view key, std::chrono::steady_clock::time_point now =
                                                           std::chrono::steady_clock::now());
/// "" or " (17 more since the last such message)".
std::string kept_back(std::uint64_t count);

namespace detail {
struct LevelCell {
  std::atomic<Level> value{Level::kInfo};
};
extern std::array<LevelCell, kComponentCount> levels;
void write(Component component, Level level, std::string_view message);
}  // namespace detail

inline bool enabled(Component component, Level level) {
  return level >=
         detail::levels[static_cast<std::size_t>(component)].value.load(std::memory_order_relaxed);
}

template <class... Args>
void write(Component component, Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(component, level)) {
    detail::write(component, level, fmt::vformat(format, fmt::make_format_args(args...)));
  }
}
template <class... Args>
void debug(Component component, fmt::format_string<Args...> format, Args&&... args) {
  write<Args...>(component, Level::kDebug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(Component component, fmt::format_string<Args...> format, Args&&... args) {
  write<Args...>(component, Level::kInfo, format, std::forward<Args>(args)...);
}
template <class... Args>
void warning(Component component, fmt::format_string<Args...> format, Args&&... args) {
  write<Args...>(component, Level::kWarning, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(Component component, fmt::format_string<Args...> format, Args&&... args) {
  write<Args...>(component, Level::kError, format, std::forward<Args>(args)...);
}

}  // namespace tidegate::log
