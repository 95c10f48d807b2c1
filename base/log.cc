#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

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

spdlog::level::level_enum to_spdlog(Level level) {
  return static_cast<spdlog::level::level_enum>(level);
}

}  // namespace

namespace detail {

std::array<LevelCell, kComponentCount> levels;

void write(Component component, Level level, std::string_view message) {
  if (current_format.load(std::memory_order_relaxed) == Format::kText) {
    sink().log(to_spdlog(level), "{} [{}] {}", name(level), name(component), message);
  } else {
    sink().log(to_spdlog(level), "\"level\":\"{}\",\"component\":\"{}\",\"message\":{}",
               name(level), name(component), boost::json::serialize(boost::json::value(message)));
  }
}

}  // namespace detail

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
