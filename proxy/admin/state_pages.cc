#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <ctime>
#include <optional>

#include "base/log.h"
#include "proxy/admin/page_parts.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

#ifdef NDEBUG
constexpr char kBuild[] = "RELEASE";
#else
constexpr char kBuild[] = "DEBUG";
#endif

/// The whole page: no outside resources.
constexpr std::string_view kHome =
#include "proxy/admin/home.inc"
    ;

Page page(std::string path, std::string what,
          std::function<PageResponse(const PageRequest&)> serve) {
  Page out;
  out.path = std::move(path);
  out.what = std::move(what);
  out.serve = std::move(serve);
  return out;
}

Page action(std::string path, std::string what,
            std::function<PageResponse(const PageRequest&)> serve) {
  Page out = page(std::move(path), std::move(what), std::move(serve));
  out.changes_state = true;
  return out;
}

PageResponse as_text(std::string body, int status) {
  return {status, "text/plain; charset=UTF-8", std::move(body)};
}

namespace {

void indent(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(depth, ' ');
}

void print(std::string& out, const json::value& value, std::size_t depth) {
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    const char* separator = "";
    for (const auto& member : *object) {
      out += separator;
      separator = ",";
      indent(out, depth + 1);
      out += json::serialize(json::value(member.key())) + ": ";
      print(out, member.value(), depth + 1);
    }
    indent(out, depth);
    out += '}';
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    const char* separator = "";
    for (const json::value& one : *array) {
      out += separator;
      separator = ",";
      indent(out, depth + 1);
      print(out, one, depth + 1);
    }
    indent(out, depth);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

PageResponse as_json(const json::value& value) {
  std::string out;
  print(out, value, 0);
  return {200, "application/json", out + "\n"};
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t whole = static_cast<std::time_t>(since.count() / 1000);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const auto rest = since.count() % 1000;
  return rest == 0 ? fmt::format("{}Z", text) : fmt::format("{}.{:03d}Z", text, rest);
}

json::object node_json(const AdminContext& context) {
  std::string gateway;
  for (const auto& [name, value] : context.options) {
    if (name == "gateway") gateway = value;
  }
  const std::size_t slash = gateway.find('/');
  json::object numbers;
  std::size_t at = 0;
  for (const char* part : {"major_number", "minor_number", "patch"}) {
    const std::size_t end = std::min(context.version.find('.', at), context.version.size());
    numbers[part] = std::atoi(context.version.substr(at, end - at).c_str());
    at = std::min(end + 1, context.version.size());
  }
  json::object build{{"version", std::move(numbers)}};
  build["metadata"] = json::object{{"build.type", kBuild}};
  json::object out;
  out["id"] = gateway.empty() ? "tidegate" : gateway;
  out["cluster"] = slash == std::string::npos
                       ? "tidegate"
                       : gateway.substr(slash + 1) + "." + gateway.substr(0, slash);
  out["user_agent_name"] = "tidegate";
  out["user_agent_build_version"] = std::move(build);
  out["extensions"] = json::array();
  return out;
}

std::string state_of(const AdminContext& context) {
  if (context.server->draining() || !*context.healthy) return "DRAINING";
  return context.server->serving() ? "LIVE" : "INITIALIZING";
}

PageResponse ready(const AdminContext& context) {
  const std::string state = state_of(context);
  return as_text(state + "\n", state == "LIVE" ? 200 : 503);
}

namespace {

std::string loggers() {
  std::string out = "active loggers:\n";
  for (std::size_t i = 0; i < log::kComponentCount; ++i) {
    const auto component = static_cast<log::Component>(i);
    out += fmt::format("  {}: {}\n", log::name(component), log::name(log::level_of(component)));
  }
  return out;
}

PageResponse wrong_logging(const char* what) {
  return as_text(
      fmt::format("error: {}\n\nusage: /logging?<name>=<level> (change single level)\n"
                  "usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n"
                  "usage: /logging?level=<level> (change all levels)\n"
                  "usage: /logging (query levels)\n{}",
                  what, loggers()),
      400);
}

/// All of what is asked for, or nothing where some of it is wrong.
PageResponse logging(const PageRequest& request) {
  std::vector<std::pair<std::string, std::string>> wanted;
  std::optional<log::Level> everywhere;
  for (const auto& [name, value] : request.query) {
    if (name == "level") {
      everywhere = log::level_from(value);
      if (!everywhere) return wrong_logging("unknown logger level");
    } else if (name == "paths" || name == "group") {
      for (std::size_t at = 0; at < value.size();) {
        const std::size_t end = std::min(value.find(',', at), value.size());
        const std::string term = value.substr(at, end - at);
        const std::size_t colon = term.find(':');
        if (colon == std::string::npos) return wrong_logging("unknown logger name");
        wanted.emplace_back(term.substr(0, colon), term.substr(colon + 1));
        at = end + 1;
      }
    } else {
      wanted.emplace_back(name, value);
    }
  }
  for (const auto& [name, value] : wanted) {
    if (!log::component_from(name)) return wrong_logging("unknown logger name");
    if (!log::level_from(value)) return wrong_logging("unknown logger level");
  }
  if (everywhere) log::set_level_everywhere(*everywhere);
  for (const auto& [name, value] : wanted)
    log::set_level(*log::component_from(name), *log::level_from(value));
  return as_text(loggers());
}

PageResponse server_info(const AdminContext& context) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - context.started);
  json::object options;
  for (const auto& [name, value] : context.options) {
    std::string key = name;
    for (char& c : key) c = c == '-' ? '_' : c;
    if (value.empty()) continue;
    if (key == "workers") options["concurrency"] = std::stoi(value);
    if (key == "config") {
      options["config_path"] = value.substr(0, value.find(','));
      json::array& paths = options["config_paths"].emplace_array();
      for (std::size_t at = 0; at <= value.size(); at = value.find(',', at) + 1) {
        paths.emplace_back(value.substr(at, value.find(',', at) - at));
        if (value.find(',', at) == std::string::npos) break;
      }
    }
    if (key == "drain_timeout") options["drain_time"] = value;
    if (value == "true" || value == "false") {
      options[key] = value == "true";
    } else {
      options[key] = value;
    }
  }
  options["mode"] = "Serve";
  options["file_flush_interval"] = "0.100s";  // of access logs (telemetry/log_file.cc)
  options["disable_hot_restart"] = true;
  options["drain_strategy"] = "Gradual";
  json::object out;
  out["version"] = fmt::format("{}/{}/{}/{}/OpenSSL", context.commit, context.version,
                               context.modified ? "Modified" : "Clean", kBuild);
  out["state"] = state_of(context);
  out["uptime_current_epoch"] = fmt::format("{}s", uptime.count());
  out["uptime_all_epochs"] = fmt::format("{}s", uptime.count());
  out["hot_restart_version"] = "disabled";
  out["command_line_options"] = std::move(options);
  out["node"] = node_json(context);
  return as_json(out);
}

}  // namespace

void add_state_pages(std::vector<Page>& out, const AdminContext& context) {
  out.push_back(page("/ready", "print server state, return 200 if LIVE, otherwise return 503",
                     [context](const PageRequest&) { return ready(context); }));
  out.push_back(page("/server_info", "print server version/status information",
                     [context](const PageRequest&) { return server_info(context); }));
  out.push_back(action("/healthcheck/fail", "cause the server to fail health checks",
                       [context](const PageRequest&) {
                         *context.healthy = false;
                         context.server->set_healthy(false);
                         return as_text("OK\n");
                       }));
  out.push_back(action("/healthcheck/ok", "cause the server to pass health checks",
                       [context](const PageRequest&) {
                         *context.healthy = true;
                         context.server->set_healthy(true);
                         return as_text("OK\n");
                       }));
  out.push_back(action("/quitquitquit", "drain and exit", [context](const PageRequest&) {
    context.quit();
    return as_text("OK\n");
  }));
  Page drain = action("/drain_listeners", "drain listeners", [context](const PageRequest& request) {
    context.drain_listeners(request.parameter("graceful") != nullptr,
                            request.parameter("skip_exit") != nullptr);
    return as_text("OK\n");
  });
  drain.parameters = {
      {"graceful", "Keep accepting for the drain time, then close the listening sockets"},
      {"inboundonly", "All listeners are"},
      {"skip_exit", "Ask connections to close, and go on listening"}};
  out.push_back(std::move(drain));
  out.push_back(action("/reopen_logs", "open the access log anew, like SIGUSR1",
                       [context](const PageRequest&) {
                         context.reopen_logs();
                         return as_text("OK\n");
                       }));
  Page awaited = page("/init_dump", "what start-up still waits for", [context](const PageRequest&) {
    if (context.server->serving()) return as_json(json::object());
    json::object one{{"name", "snapshot"}};
    one["target_names"] = json::array{"first snapshot"};
    return as_json(json::object{{"unready_targets_dumps", json::array{std::move(one)}}});
  });
  awaited.parameters = {{"mask", "There is one thing to wait for: nothing is left out"}};
  out.push_back(std::move(awaited));
  Page levels = action("/logging", "query or change logging levels", logging);
  levels.parameters = {{"group", "Change several: NAME:LEVEL,NAME:LEVEL"},
                       {"level", "Change the current log level of all components"},
                       {"paths", "Change several: NAME:LEVEL,NAME:LEVEL"}};
  out.push_back(std::move(levels));
}

std::vector<Page> readiness_pages(const AdminContext& context) {
  return {page("/ready", "200 while the gateway takes traffic, otherwise 503",
               [context](const PageRequest&) { return ready(context); })};
}

std::vector<Page> admin_pages(const AdminContext& context) {
  std::vector<Page> out;
  add_state_pages(out, context);
  add_memory_pages(out);
  add_config_pages(out, context);
  add_stats_pages(out, context);
  add_explain_page(out, context);
  add_cert_pages(out, context);
  add_absent_pages(out);
  out.push_back(page("/", "Admin home page", [](const PageRequest&) {
    return PageResponse{200, "text/html; charset=UTF-8", std::string(kHome)};
  }));
  return out;
}

}  // namespace tidegate::proxy::admin
