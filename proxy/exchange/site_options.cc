#include "proxy/exchange/site_options.h"

#include <algorithm>
#include <charconv>

#include "proxy/filters/header_modifier.h"

namespace tidegate::proxy::exchange {
namespace {

constexpr std::string_view kServerName = "envoy";  // what clients of kgateway know

/// "a:80" without its port where that is to go; an IPv6 address keeps its brackets.
std::string_view without_port(std::string_view authority, HttpOptions::StripPort which,
                              std::uint16_t own) {
  const std::size_t colon = authority.rfind(':');
  if (colon == authority.npos || authority.ends_with(']')) return authority;
  std::uint16_t port = 0;
  const char* end = authority.data() + authority.size();
  auto [last, bad] = std::from_chars(authority.data() + colon + 1, end, port);
  if (bad != std::errc() || last != end) return authority;
  if (which == HttpOptions::StripPort::kMatching && port != own) return authority;
  return authority.substr(0, colon);
}

/// "a.example.:80" without the dot that ends the name.
std::string_view without_dot(std::string_view authority, Arena& arena) {
  const std::size_t colon = authority.ends_with(']') ? authority.npos : authority.rfind(':');
  const std::string_view name = authority.substr(0, colon);
  if (!name.ends_with('.')) return authority;
  if (colon == authority.npos) return name.substr(0, name.size() - 1);
  std::string whole(name.substr(0, name.size() - 1));
  whole += authority.substr(colon);
  return arena.copy(whole);
}

}  // namespace

SiteOptions SiteOptions::compile(const HttpOptions* config, std::uint16_t port,
                                 std::shared_ptr<const telemetry::AccessLogs> default_logs,
                                 telemetry::LogWriter& writer, telemetry::Sinks& sinks,
                                 std::vector<std::string>& problems) {
  SiteOptions out;
  out.source = config;
  out.port = port;
  out.logs = std::move(default_logs);
  if (!config) return out;
  if (!config->access_logs.empty())
    out.logs = telemetry::AccessLogs::compile(config->access_logs, writer, problems, &sinks);
  if (config->tracing) out.tracer = std::make_shared<telemetry::Tracer>(*config->tracing, sinks);
  for (const std::string& one : config->trusted_cidrs) {
    const ReadCidr read = parse_cidr(one);
    if (read.cidr) {
      out.trusted.add(*read.cidr, 0);
    } else {
      problems.push_back("trusted range " + one + ": " + read.problem);
    }
  }
  out.replies = LocalReplyRules::compile(config->local_replies, problems);
  return out;
}

std::vector<std::string> problems_of(const HttpOptions& config) {
  std::vector<std::string> out;
  for (const AccessLog& log : config.access_logs) telemetry::AccessLogs::check(log, out);
  LocalReplyRules::compile(config.local_replies, out);
  for (const std::string& one : config.trusted_cidrs) {
    const ReadCidr read = parse_cidr(one);
    if (!read.cidr) out.push_back("trusted range " + one + ": " + read.problem);
  }
  return out;
}

Prepared prepare(const SiteOptions& options, http::RequestHead& request, Arena& arena) {
  const HttpOptions& config = *options.source;
  if (request.version == http::Version::kHttp10) {
    if (config.http10 && !*config.http10) return Prepared::kOldVersion;
    if (request.authority.empty()) request.authority = config.default_host;
  }
  if (config.strip_port != HttpOptions::StripPort::kNever)
    request.authority = without_port(request.authority, config.strip_port, options.port);
  if (config.strip_host_dot) request.authority = without_dot(request.authority, arena);
  const std::string_view host = filters::apply(config.early_changes, request.fields);
  if (!host.empty()) request.authority = host;
  if (!config.health_check_path.empty() && request.path == config.health_check_path)
    return Prepared::kHealthCheck;
  if (!request.upgrade.empty() && config.restrict_upgrades &&
      std::none_of(config.upgrades.begin(), config.upgrades.end(),
                   [&](const std::string& one) { return http::iequals(one, request.upgrade); }))
    return Prepared::kUnknownUpgrade;
  return Prepared::kGoOn;
}

void name_server(const HttpOptions& options, http::ResponseHead& head) {
  if (!options.server_field) return;
  using Server = HttpOptions::ServerField;
  const std::string_view name = options.server_name.empty() ? kServerName : options.server_name;
  if (*options.server_field == Server::kOverwrite) {
    head.fields.set("server", name);
  } else if (*options.server_field == Server::kAppendIfAbsent && !head.fields.has("server")) {
    head.fields.append("server", name);
  }
}

}  // namespace tidegate::proxy::exchange
