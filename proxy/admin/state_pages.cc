#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "proxy/admin/page_parts.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

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

PageResponse as_json(const json::value& value) {
  return {200, "application/json", json::serialize(value) + "\n"};
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

PageResponse logging(const PageRequest& request) {
  std::vector<std::pair<std::string, std::string>> wanted;
  for (const auto& [name, value] : request.query) {
    if (name == "level") {
      auto level = log::level_from(value);
      if (!level) return wrong_logging("unknown logger level");
      log::set_level_everywhere(*level);
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
    auto component = log::component_from(name);
    if (!component) return wrong_logging("unknown logger name");
    auto level = log::level_from(value);
    if (!level) return wrong_logging("unknown logger level");
    log::set_level(*component, *level);
  }
  return as_text(loggers());
}

PageResponse server_info(const AdminContext& context) {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() - context.started);
  json::object options;
  for (const auto& [name, value] : context.options) {
    std::string key = name;
    for (char& c : key) c = c == '-' ? '_' : c;
    options[key] = value;
  }
  options["mode"] = "Serve";
  json::object node;
  node["id"] = "tidegate";
  node["user_agent_name"] = "tidegate";
  json::object out;
  out["version"] = fmt::format("0/{}/Clean/RELEASE/OpenSSL", context.version);
  out["state"] = state_of(context);
  out["uptime_current_epoch"] = fmt::format("{}s", uptime.count());
  out["uptime_all_epochs"] = fmt::format("{}s", uptime.count());
  out["hot_restart_version"] = "disabled";
  out["command_line_options"] = std::move(options);
  out["node"] = std::move(node);
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
                         return as_text("OK\n");
                       }));
  out.push_back(action("/healthcheck/ok", "cause the server to pass health checks",
                       [context](const PageRequest&) {
                         *context.healthy = true;
                         return as_text("OK\n");
                       }));
  out.push_back(action("/quitquitquit", "drain and exit", [context](const PageRequest&) {
    context.quit();
    return as_text("OK\n");
  }));
  out.push_back(
      action("/drain_listeners", "close all listening sockets", [context](const PageRequest&) {
        context.drain_listeners();
        return as_text("OK\n");
      }));
  Page levels = action("/logging", "query or change logging levels", logging);
  levels.parameters = {{"level", "Change the current log level of all components"},
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
  out.push_back(page("/", "Admin home page", [](const PageRequest&) {
    return PageResponse{
        200, "text/html; charset=UTF-8",
        "<!doctype html><title>Tidegate</title><h1>Tidegate</h1><ul>"
        "<li><a href=\"/server_info\">/server_info</a><li><a href=\"/config_dump\">/config_dump</a>"
        "<li><a href=\"/configfiles\">/configfiles</a><li><a href=\"/clusters\">/clusters</a>"
        "<li><a href=\"/listeners\">/listeners</a><li><a href=\"/stats\">/stats</a>"
        "<li><a href=\"/memory\">/memory</a><li><a href=\"/apis\">/apis</a><li><a "
        "href=\"/help\">/help</a></ul>\n"};
  }));
  return out;
}

}  // namespace tidegate::proxy::admin
