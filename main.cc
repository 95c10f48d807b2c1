// Options, signals, and the wiring of the three houses: config, controlloop, proxy.
#include <fmt/format.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>

#include "base/commit.h"
#include "base/log.h"
#include "base/process_limits.h"
#include "base/quantity.h"
#include "base/version.h"
#include "config/problem.h"
#include "controlloop/control_loop.h"
#include "controlloop/kubeapi/pages.h"
#include "controlloop/pages.h"
#include "controlloop/translate/address_pool.h"
#include "controlloop/translate/aws_environment.h"
#include "controlloop/unserved.h"
#include "proxy/admin/explain.h"
#include "proxy/admin/health_client.h"
#include "proxy/admin/page_server.h"
#include "proxy/admin/pages.h"
#include "proxy/exchange/site_options.h"
#include "proxy/runtime/run.h"
#include "proxy/server/echo.h"
#include "proxy/server/overload_manager.h"
#include "proxy/server/server.h"
#include "proxy/server/service_manager.h"
#include "proxy/telemetry/access_log.h"

namespace {

namespace asio = boost::asio;
using namespace tidegate;
using std::chrono::milliseconds;

constexpr char kHelp[] = R"(
`run` is meant where no command is given. Each of its options can be given as an environment variable
too: TIDEGATE_ and the name in capitals with underscores. `tidegate COMMAND --help` lists the options.

Examples:
  tidegate run --config /etc/tidegate            serve what is there, and follow its changes
  tidegate validate /etc/tidegate                what is wrong, one line a problem: FILE:LINE: ...
  tidegate explain --config /etc/tidegate GET http://www.example.com/api -H 'x-version: 2'
  curl http://127.0.0.1:19000/help               the admin port; a web page is at /
  kubectl --server http://127.0.0.1:19000 get gateways,httproutes -A

Signals: SIGTERM, SIGINT: drain and stop. SIGHUP: read the directory now. SIGUSR1: reopen log files.
Exit status: 0 clean stop, 1 a configuration or start-up error, 2 wrong usage.)";

struct RunOptions {
  std::vector<std::string> paths;
  std::string gateway;
  controlloop::translate::Options translate;
  std::string bind_address;
  std::string admin_address = "127.0.0.1:19000";
  std::string readiness_address = "0.0.0.0:8082";
  std::string metrics_address = "0.0.0.0:9091";
  std::size_t workers = 0;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string drain_timeout = "30s";
  std::string access_log;
  std::string access_log_format = proxy::format::Format::kDefault;
  std::string memory_limit;
  std::optional<std::size_t> connections_max;
  bool strict = false;
  bool admin_read_only = false;
};

int fail(const std::string& message) {
  std::fputs(("tidegate: " + message + "\n").c_str(), stderr);
  return 1;
}

/// As fail(), once the log is set up: whoever reads it as JSON reads this as well.
int fail_running(const std::string& message, const std::string& format) {
  if (format != "json") return fail(message);
  log::write(log::Component::kMain, log::Level::kCritical, "{}", message);
  return 1;
}

/// The CPUs that this process may use, cgroup quota included.
std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::size_t count =
      ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<std::size_t>(CPU_COUNT(&set)) : 1;
  std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (quota_file >> quota >> period && quota != "max" && period > 0) {
    const auto allowed = static_cast<std::size_t>(std::max(1.0, std::stod(quota) / period + 0.5));
    count = std::min(count, allowed);
  }
  return std::max<std::size_t>(count, 1);
}

void add_config_options(CLI::App& app, RunOptions& options) {
  app.add_option("--config", options.paths,
                 "directory or file with Gateway API YAML; may be repeated")
      ->required()
      ->envname("TIDEGATE_CONFIG");
  app.add_option("--gateway", options.gateway, "serve only this Gateway: NAMESPACE/NAME")
      ->envname("TIDEGATE_GATEWAY");
  app.add_option("--controller-name", options.translate.controller_name,
                 "GatewayClasses with this controller are ours")
      ->capture_default_str()
      ->envname("TIDEGATE_CONTROLLER_NAME");
}

void add_run_options(CLI::App& app, RunOptions& options) {
  auto option = [&app](const std::string& name, auto& value, const std::string& what) {
    std::string variable = "TIDEGATE_";
    for (const char c : name.substr(2))
      variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return app.add_option(name, value, what)->envname(variable);
  };
  option("--bind-address", options.bind_address, "where listeners bind (default: 0.0.0.0 and ::)");
  option("--address-pool", options.translate.address_pool,
         "CIDR; gives every Gateway an address of its own");
  option("--global-policy-namespace", options.translate.global_policy_namespace,
         "policies of this namespace may select objects of all namespaces by label");
  option("--port-offset", options.translate.port_offset,
         "added to every listener's port when it is bound");
  option("--admin-address", options.admin_address, "admin")->capture_default_str();
  option("--readiness-address", options.readiness_address, "readiness")->capture_default_str();
  option("--metrics-address", options.metrics_address, "Prometheus metrics")->capture_default_str();
  option("--workers", options.workers, "event loops (default: the CPUs that the process may use)")
      ->check(CLI::Range(1, 1024));
  option("--log-level", options.log_level, "trace, debug, info, warning, error, critical or off")
      ->capture_default_str();
  option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  option("--drain-timeout", options.drain_timeout, "how long SIGTERM waits for work in flight")
      ->capture_default_str();
  option("--access-log", options.access_log, "file, or - for standard output (default: off)");
  option("--access-log-format", options.access_log_format, "a line with Envoy's operators");
  option("--memory-limit", options.memory_limit,
         "such as 512MiB; new work is refused before so much is in use; 0: never "
         "(default: what the cgroup, ulimit -v or the machine allows)");
  option("--max-connections", options.connections_max,
         "of clients; further ones are closed; 0: any number "
         "(default: three quarters of the file descriptors)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--strict", options.strict, "a problem in the first load is a start-up error")
      ->envname("TIDEGATE_STRICT");
  app.add_flag("--admin-read-only", options.admin_read_only,
               "refuse what changes state on the admin port")
      ->envname("TIDEGATE_ADMIN_READ_ONLY");
}

/// What of the options cannot be said to CLI11; empty where all is well.
std::string finish(RunOptions& options) {
  if (!options.gateway.empty()) {
    const std::size_t slash = options.gateway.find('/');
    if (slash == std::string::npos) return "--gateway must be NAMESPACE/NAME";
    options.translate.gateway =
        config::NamespacedName{options.gateway.substr(0, slash), options.gateway.substr(slash + 1)};
  }
  const std::string& pool = options.translate.address_pool;
  if (!pool.empty() && controlloop::translate::assign_addresses(pool, {{"any", "any"}}).empty())
    return "--address-pool must be a range of IPv4 addresses such as 127.1.0.0/24, not " + pool;
  if (!options.bind_address.empty()) {
    error_code failed;
    asio::ip::make_address(options.bind_address, failed);
    if (failed) return "--bind-address must be an IP address";
    options.translate.bind_addresses = {options.bind_address};
  }
  if (!log::level_from(options.log_level))
    return "--log-level: no level is called " + options.log_level;
  if (!parse_duration(options.drain_timeout))
    return "--drain-timeout must be a duration such as 30s";
  if (!options.memory_limit.empty() && !parse_bytes(options.memory_limit))
    return "--memory-limit must be a size such as 512MiB";
  if (const char* zone = std::getenv("KGATEWAY_NODE_ZONE")) options.translate.zone = zone;
  options.translate.check_http = [](const proxy::HttpOptions& http) {
    return proxy::exchange::problems_of(http);
  };
  if (std::string wrong = controlloop::translate::read_aws_environment(
          [](const char* name) {
            const char* value = std::getenv(name);
            return std::string(value ? value : "");
          },
          options.translate.aws);
      !wrong.empty())
    return wrong;
  if (const char* often = std::getenv("KGW_AWS_EC2_REFRESH_INTERVAL")) {
    const auto interval = parse_duration(often);
    if (!interval || interval->count() <= 0)
      return "KGW_AWS_EC2_REFRESH_INTERVAL must be a duration such as 30s";
    options.translate.aws.ec2_refresh = *interval;
  }
  options.translate.reserved_ports.clear();
  for (const auto& [name, address] : {std::pair{"admin", &options.admin_address},
                                      std::pair{"readiness", &options.readiness_address},
                                      std::pair{"metrics", &options.metrics_address}}) {
    Result<asio::ip::tcp::endpoint> at = proxy::admin::parse_address(*address);
    if (!at) return fmt::format("--{}-address must be IP:PORT, not {}", name, *address);
    options.translate.reserved_ports.push_back(at->port());
  }
  if (options.workers == 0) options.workers = usable_cpus();
  return {};
}

/// The running program: one of everything, on the control thread.
class Program {
 public:
  explicit Program(RunOptions options)
      : options_(std::move(options)),
        stats_(options_.workers),
        log_writer_(options_.workers),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        intervals_(std::make_shared<proxy::telemetry::Intervals>(io_, stats_)),
        drain_timer_(io_) {
    signals_.add(SIGUSR1);
  }

  int run() {
    if (std::string wrong = open_access_log(); !wrong.empty()) return give_up(wrong);
    server_.emplace(
        io_, stats_, log_writer_, access_logs_,
        proxy::server::Server::Options{options_.workers, *parse_duration(options_.drain_timeout),
                                       options_.translate.reserved_ports},
        [this](const proxy::Applied& applied) {
          loop_->applied(applied);
          if (!stopping_) proxy::server::tell_service_manager("READY=1");
        });
    loop_.emplace(io_, options_.paths, options_.translate,
                  [this](proxy::SnapshotPtr snapshot, std::uint64_t version) {
                    server_->publish(std::move(snapshot), version);
                  });
    watch_memory();
    intervals_->start();
    if (std::string wrong = open_ports(); !wrong.empty()) return give_up(wrong);
    wait_for_signal();
    server_->start();
    log::info(log::Component::kMain, "tidegate {}: {} workers", kVersion, options_.workers);
    const std::vector<config::Problem> problems = loop_->start();
    const bool wrong = std::any_of(
        problems.begin(), problems.end(),
        [](const config::Problem& one) { return one.severity == config::Severity::kError; });
    if (options_.strict && wrong)
      return give_up("the configuration has errors, which are above, and --strict is given");
    proxy::run(io_);
    for (auto& port : ports_) port->stop();
    return 0;
  }

 private:
  void watch_memory() {
    proxy::server::OverloadManager::Options limits;
    limits.memory_bytes_max = options_.memory_limit.empty() ? proxy::server::memory_limit()
                                                            : *parse_bytes(options_.memory_limit);
    limits.connections_max =
        options_.connections_max.value_or(proxy::server::usual_connections_max());
    overload_.emplace(stats_.overload(), limits,
                      proxy::server::OverloadManager::Hooks{
                          [this](std::uint64_t bytes) { server_->close_most(bytes); },
                          [this] { server_->trim(); }});
    overload_->start();
  }
  int give_up(const std::string& why) const { return fail_running(why, options_.log_format); }

  std::string open_access_log() {
    if (options_.access_log.empty()) return {};
    proxy::format::Problem wrong;
    proxy::format::Format::compile(options_.access_log_format, wrong);
    if (wrong) {
      return "--access-log-format: " + wrong.text() + "\n" +
             wrong.caret(options_.access_log_format);
    }
    proxy::AccessLog log;
    log.path = options_.access_log;
    log.text = options_.access_log_format;
    std::vector<std::string> problems;
    access_logs_ = proxy::telemetry::AccessLogs::compile({log}, log_writer_, problems);
    return problems.empty() ? "" : problems[0];
  }

  std::string open_ports() {
    proxy::admin::AdminContext context;
    context.version = kVersion;
    context.commit = kCommit;
    context.modified = kModified;
    context.started = std::chrono::system_clock::now();
    context.server = &*server_;
    context.stats = &stats_;
    context.healthy = &healthy_;
    context.quit = [this] { stop("POST /quitquitquit"); };
    context.drain_listeners = [this](bool graceful, bool skip_exit) {
      drain_listeners(graceful, skip_exit);
    };
    context.intervals = intervals_;
    context.reopen_logs = [this] { log_writer_.reopen(); };
    context.options = {{"config", fmt::format("{}", fmt::join(options_.paths, ","))},
                       {"workers", std::to_string(options_.workers)},
                       {"admin-address", options_.admin_address},
                       {"readiness-address", options_.readiness_address},
                       {"metrics-address", options_.metrics_address},
                       {"drain-timeout", options_.drain_timeout},
                       {"log-level", options_.log_level},
                       {"log-format", options_.log_format},
                       {"gateway", options_.gateway},
                       {"controller-name", options_.translate.controller_name},
                       {"bind-address", options_.bind_address},
                       {"global-policy-namespace", options_.translate.global_policy_namespace},
                       {"access-log", options_.access_log},
                       {"access-log-format", options_.access_log_format},
                       {"memory-limit", std::to_string(stats_.overload().memory_bytes_max)},
                       {"max-connections", std::to_string(stats_.overload().connections_max)},
                       {"strict", options_.strict ? "true" : "false"},
                       {"admin-read-only", options_.admin_read_only ? "true" : "false"},
                       {"address-pool", options_.translate.address_pool},
                       {"port-offset", std::to_string(options_.translate.port_offset)}};
    context.extra_metrics = [this] {
      std::vector<Metric> out = controlloop::metrics(*loop_);
      for (const auto& [path, lost] : log_writer_.lost()) {
        out.push_back({"tidegate_access_log_lines_dropped_total",
                       "lines of access logs that were lost because the file was too slow",
                       Metric::Type::kCounter,
                       {{"sink", path}},
                       static_cast<double>(lost)});
      }
      return out;
    };
    context.problems = [this] {
      std::vector<std::string> out;
      for (const config::Problem& problem : loop_->problems()) out.push_back(to_string(problem));
      return out;
    };
    context.last_change = [this] {
      return std::chrono::system_clock::from_time_t(loop_->counters().last_change_seconds);
    };
    context.unserved = [this] {
      return controlloop::unserved(*loop_->loaded().objects, loop_->statuses().all());
    };
    std::vector<Page> admin = proxy::admin::admin_pages(context);
    for (Page& page : controlloop::pages(*loop_)) admin.push_back(std::move(page));
    controlloop::kubeapi::Source source{
        [this]() -> const config::ObjectSet& { return *loop_->loaded().objects; },
        [this]() -> const controlloop::status::StatusStore& { return loop_->statuses(); },
        [this] { return loop_->resource_version(); },
        [this]() -> const std::vector<boost::json::object>& { return loop_->generated(); },
        [this] { return loop_->problems(); }};
    for (Page& page : controlloop::kubeapi::pages(source, kVersion))
      admin.push_back(std::move(page));
    loop_->on_change([this] {
      for (auto& port : ports_) port->wake();
    });
    for (auto& [name, address, pages] :
         {std::tuple{"admin", options_.admin_address, std::move(admin)},
          std::tuple{"readiness", options_.readiness_address,
                     proxy::admin::readiness_pages(context)},
          std::tuple{"metrics", options_.metrics_address, proxy::admin::metrics_pages(context)}}) {
      ports_.push_back(std::make_unique<proxy::admin::PageServer>(
          io_, pages,
          proxy::admin::PageServer::Options{options_.admin_read_only,
                                            std::string_view(name) == "admin"}));
      Result<asio::ip::tcp::endpoint> at = ports_.back()->listen(address);
      if (!at) {
        return fmt::format("cannot listen on {}, the {} port: {}; --{}-address gives it another",
                           address, name, at.error().message(), name);
      }
      log::info(log::Component::kAdmin, "{}: http://{}:{}", name, at->address().to_string(),
                at->port());
    }
    return {};
  }

  void wait_for_signal() {
    signals_.async_wait([this](error_code failed, int signal) {
      if (failed) return;
      wait_for_signal();
      if (signal == SIGHUP) {
        loop_->reload();
      } else if (signal == SIGUSR1) {
        log_writer_.reopen();
      } else {
        stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
      }
    });
  }

  void drain_listeners(bool graceful, bool skip_exit) {
    if (!graceful && !skip_exit) return server_->close_listeners();
    server_->close_connections_gently();
    if (skip_exit) return;
    drain_timer_.expires_after(*parse_duration(options_.drain_timeout));
    drain_timer_.async_wait([this](error_code cancelled) {
      if (!cancelled) server_->close_listeners();
    });
  }

  /// Once: drains; twice: at once.
  void stop(const char* why) {
    if (stopping_) {
      io_.stop();
      return;
    }
    stopping_ = true;
    log::info(log::Component::kMain, "{}: draining", why);
    proxy::server::tell_service_manager("STOPPING=1");
    loop_->stop();
    server_->drain([this] {
      log::info(log::Component::kMain, "stopped");
      io_.stop();
    });
  }

  RunOptions options_;
  asio::io_context io_{1};
  proxy::StatsStore stats_;
  proxy::telemetry::LogWriter log_writer_;
  std::shared_ptr<const proxy::telemetry::AccessLogs> access_logs_;  // null: none by default
  std::optional<proxy::server::Server> server_;
  std::optional<proxy::server::OverloadManager> overload_;
  std::optional<controlloop::ControlLoop> loop_;
  std::vector<std::unique_ptr<proxy::admin::PageServer>> ports_;
  asio::signal_set signals_;
  std::shared_ptr<proxy::telemetry::Intervals> intervals_;
  asio::steady_timer drain_timer_;  // of POST /drain_listeners?graceful
  bool healthy_ = true;
  bool stopping_ = false;
};

/// Exit status as INTERFACE says: 1 where there was any error, 0 with only warnings.
int validate(const std::vector<std::string>& paths,
             const controlloop::translate::Options& options) {
  bool wrong = false;
  for (const config::Problem& problem : controlloop::preview(paths, options).problems) {
    std::printf("%s\n", to_string(problem).c_str());
    wrong = wrong || problem.severity == config::Severity::kError;
  }
  return wrong ? 1 : 0;
}

struct ExplainOptions {
  std::vector<std::string> paths;
  std::vector<std::string> words;  // [METHOD] URL
  std::vector<std::string> headers;
  std::string gateway;
  std::string format = "text";
};

/// Exit status: 0 where something takes the request, 1 where nothing does, 2 where the question is
/// wrong.
int explain(const ExplainOptions& options, const controlloop::translate::Options& translate) {
  proxy::admin::Question question;
  question.gateway = options.gateway;
  if (options.words.size() > 1) question.method = options.words.front();
  question.url = options.words.back();
  for (const std::string& header : options.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      std::fputs("tidegate: -H must be 'name: value'\n", stderr);
      return 2;
    }
    const std::size_t first = header.find_first_not_of(' ', colon + 1);
    question.headers.emplace_back(header.substr(0, colon),
                                  first == std::string::npos ? "" : header.substr(first));
  }
  controlloop::Preview preview = controlloop::preview(options.paths, translate);
  proxy::admin::ExplainContext context;
  context.unserved = std::move(preview.unserved);
  const boost::json::object answer = proxy::admin::explain(*preview.snapshot, question, context);
  if (const boost::json::value* wrong = answer.if_contains("error")) {
    std::fputs(("tidegate: " + std::string(wrong->get_string()) + "\n").c_str(), stderr);
    return 2;
  }
  for (const config::Problem& problem : preview.problems) {
    if (problem.severity == config::Severity::kError)
      std::fputs((to_string(problem) + "\n").c_str(), stderr);
  }
  std::fputs(options.format == "json" ? (boost::json::serialize(answer) + "\n").c_str()
                                      : proxy::admin::explain_text(answer).c_str(),
             stdout);
  return proxy::admin::is_served(answer) ? 0 : 1;
}

int echo(const std::string& address) {
  Result<asio::ip::tcp::endpoint> at = proxy::admin::parse_address(address);
  if (!at) return fail(address + " is not IP:PORT");
  proxy::server::EchoServer server;
  at = server.listen(*at);
  if (!at) return fail(fmt::format("echo: {}: {}", address, at.error().message()));
  asio::io_context io;
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&server](error_code, int) { server.stop(); });
  std::thread waiting([&io] { io.run(); });
  log::info(log::Component::kMain, "echo: http://{}:{}", at->address().to_string(), at->port());
  server.run();
  io.stop();
  waiting.join();
  return 0;
}

int start(int count, char** arguments) {
  CLI::App app("Tidegate: a gateway proxy that runs Gateway API YAML from a directory", "tidegate");
  app.require_subcommand(1);
  app.footer(kHelp);
  RunOptions options;
  CLI::App* run = app.add_subcommand("run", "serve (the default)");
  add_config_options(*run, options);
  add_run_options(*run, options);
  std::vector<std::string> paths;
  CLI::App* check =
      app.add_subcommand("validate", "load, translate and report, without opening a port");
  check->add_option("DIR", paths, "directories or files")->required();
  check->add_option("--controller-name", options.translate.controller_name,
                    "GatewayClasses with this controller are ours");
  ExplainOptions question;
  CLI::App* why = app.add_subcommand(
      "explain", "which listener, route, rule and backend a request would take, and why");
  why->add_option("--config", question.paths, "directory or file; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->envname("TIDEGATE_CONFIG");
  why->add_option("WORDS", question.words, "[METHOD] URL")->required()->expected(1, 2);
  why->add_option("-H,--header", question.headers, "'name: value'; may be repeated")
      ->allow_extra_args(false);
  why->add_option("--gateway", question.gateway,
                  "NAMESPACE/NAME, where several listen on the port");
  why->add_option("--format", question.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  why->add_option("--controller-name", options.translate.controller_name,
                  "GatewayClasses with this controller are ours");
  std::string echo_address = "127.0.0.1:9000";
  CLI::App* echo_command =
      app.add_subcommand("echo", "a small server that answers with what it received, as JSON");
  echo_command->add_option("--address", echo_address, "IP:PORT")->capture_default_str();
  std::string ready_address = options.readiness_address;
  CLI::App* health = app.add_subcommand(
      "healthcheck", "ask a running gateway whether it takes traffic; exit status 0 or 1");
  health->add_option("--readiness-address", ready_address, "its readiness port")
      ->capture_default_str()
      ->envname("TIDEGATE_READINESS_ADDRESS");
  CLI::App* version = app.add_subcommand("version", "print the version");

  std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.empty() || (words[0].starts_with("-") && words[0] != "--help" && words[0] != "-h"))
    words.insert(words.begin(), "run");
  std::reverse(words.begin(), words.end());  // CLI11 takes them off the end
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (version->parsed()) {
    fmt::print("tidegate {} (commit {:.12}{})\n", kVersion, kCommit, kModified ? ", modified" : "");
    return 0;
  }
  if (check->parsed()) return validate(paths, options.translate);
  if (why->parsed()) return explain(question, options.translate);
  if (health->parsed()) {
    std::string says;
    const bool ready = proxy::admin::ask_ready(ready_address, says);
    fmt::print("{}\n", says);
    return ready ? 0 : 1;
  }
  std::signal(SIGPIPE, SIG_IGN);
  set_process_limits();
  if (echo_command->parsed()) return echo(echo_address);
  if (std::string wrong = finish(options); !wrong.empty()) {
    std::fputs(("tidegate: " + wrong + "\n").c_str(), stderr);
    return 2;
  }
  log::configure(*log::level_from(options.log_level),
                 options.log_format == "json" ? log::Format::kJson : log::Format::kText);
  Program program(std::move(options));
  return program.run();
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return start(count, arguments);
  } catch (const std::exception& error) {  // memory, threads: nothing of a request's or a file's
    return fail(error.what());
  }
}
