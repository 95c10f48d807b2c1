#include "proxy/telemetry/log_format.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <optional>

namespace tidegate::proxy::telemetry {

const char LogFormat::kDefault[] =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" "
    "\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

LogFormat LogFormat::compile(std::string_view text, std::string& problem) {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"START_TIME", Operator::kStartTime},
      {"PROTOCOL", Operator::kProtocol},
      {"RESPONSE_CODE", Operator::kResponseCode},
      {"RESPONSE_FLAGS", Operator::kResponseFlags},
      {"BYTES_RECEIVED", Operator::kBytesReceived},
      {"BYTES_SENT", Operator::kBytesSent},
      {"DURATION", Operator::kDuration},
      {"REQ", Operator::kRequestField},
      {"UPSTREAM_HOST", Operator::kUpstreamHost},
      {"UPSTREAM_CLUSTER", Operator::kUpstreamCluster},
      {"ROUTE_NAME", Operator::kRouteName},
      {"DOWNSTREAM_REMOTE_ADDRESS", Operator::kRemoteAddress},
      {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", Operator::kRemoteAddressWithoutPort},
      {"DOWNSTREAM_LOCAL_ADDRESS", Operator::kLocalAddress},
      {"REQUESTED_SERVER_NAME", Operator::kServerName},
      {"DOWNSTREAM_TLS_VERSION", Operator::kTlsVersion},
      {"DOWNSTREAM_TLS_CIPHER", Operator::kTlsCipher},
  };
  LogFormat out;
  problem.clear();
  auto literal = [&out](std::string_view more) {
    if (out.parts_.empty() || out.parts_.back().what != Operator::kText) out.parts_.emplace_back();
    out.parts_.back().text += more;
  };
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t percent = text.find('%', at);
    literal(text.substr(at, percent - at));
    if (percent == text.npos) break;
    if (text.substr(percent).starts_with("%%")) {
      literal("%");
      at = percent + 2;
      continue;
    }
    std::size_t name_end = percent + 1;
    while (name_end < text.size() &&
           ((text[name_end] >= 'A' && text[name_end] <= 'Z') || text[name_end] == '_'))
      ++name_end;
    std::string_view name = text.substr(percent + 1, name_end - percent - 1);
    std::optional<std::string_view> parameter;
    std::size_t end = name_end;
    if (end < text.size() && text[end] == '(') {
      std::size_t close = text.find(')', end);
      if (close == text.npos) close = text.size();
      parameter = text.substr(end + 1, close - end - 1);
      end = close + 1;
    }
    Part part;
    if (end < text.size() && text[end] == ':') {
      std::size_t value = 0;
      auto [last, bad] = std::from_chars(text.data() + end + 1, text.data() + text.size(), value);
      if (bad == std::errc()) part.bytes_max = value;
      end = bad == std::errc() ? static_cast<std::size_t>(last - text.data()) : text.size();
    }
    if (name.empty() || end >= text.size() || text[end] != '%') {
      problem = fmt::format("couldn't find valid command at position {}", percent);
      return out;
    }
    const std::pair<std::string_view, Operator>* known = nullptr;
    for (const auto& one : kOperators) {
      if (one.first == name) known = &one;
    }
    if (known == nullptr) {
      problem = fmt::format("position {}: %{}% is not known", percent, name);
      return out;
    }
    part.what = known->second;
    if (part.what == Operator::kRequestField) {
      if (!parameter || parameter->empty()) {
        problem = fmt::format("position {}: REQ requires parameters", percent);
        return out;
      }
      std::size_t mark = parameter->find('?');
      part.text = parameter->substr(0, mark);
      if (mark != parameter->npos) part.alternative = parameter->substr(mark + 1);
      if (part.alternative.find('?') != std::string::npos) {
        problem = fmt::format("position {}: more than 1 alternative header specified in token: {}",
                              percent, *parameter);
        return out;
      }
    } else if (parameter) {
      problem = fmt::format("position {}: {} does not take any parameters", percent, name);
      return out;
    }
    out.parts_.push_back(std::move(part));
    at = end + 1;
  }
  return out;
}

void LogFormat::render(const LogEntry& entry, std::string& out) const {
  for (const Part& part : parts_) {
    if (part.what == Operator::kText) {
      out += part.text;
      continue;
    }
    std::size_t before = out.size();
    render_part(part, entry, out);
    if (out.size() - before > part.bytes_max) out.resize(before + part.bytes_max);
  }
}

std::string_view LogFormat::request_value(const LogEntry& entry, std::string_view name) {
  if (entry.request == nullptr) return {};
  if (name.starts_with(':')) {
    if (http::iequals(name, ":method")) return entry.request->method;
    if (http::iequals(name, ":path")) return entry.request->path;
    if (http::iequals(name, ":authority")) return entry.request->authority;
    if (http::iequals(name, ":scheme")) return entry.request->scheme;
    return {};
  }
  return entry.request->fields.get(name);
}

void LogFormat::render_part(const Part& part, const LogEntry& entry, std::string& out) {
  auto text = [&out](std::string_view value) {
    out += value.empty() ? std::string_view("-") : value;
  };
  auto number = [&out](auto value) { fmt::format_to(std::back_inserter(out), "{}", value); };
  const net::ConnectionFacts& facts = *entry.facts;
  switch (part.what) {
    case Operator::kText:
      break;
    case Operator::kStartTime: {
      auto since = entry.started.time_since_epoch();
      auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
      std::time_t seconds = static_cast<std::time_t>(ms / 1000);
      std::tm parts{};
      ::gmtime_r(&seconds, &parts);
      fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec, ms % 1000);
      break;
    }
    case Operator::kProtocol: {
      constexpr std::string_view names[] = {"HTTP/1.0", "HTTP/1.1", "HTTP/2"};
      text(entry.request ? names[static_cast<std::size_t>(entry.request->version)]
                         : std::string_view());
      break;
    }
    case Operator::kResponseCode:
      number(entry.status);
      break;
    case Operator::kResponseFlags:
      text(entry.flags);
      break;
    case Operator::kBytesReceived:
      number(entry.bytes_received);
      break;
    case Operator::kBytesSent:
      number(entry.bytes_sent);
      break;
    case Operator::kDuration:
      number(static_cast<std::uint64_t>(entry.duration_ms));
      break;
    case Operator::kRequestField: {
      std::string_view value = request_value(entry, part.text);
      if (value.empty() && !part.alternative.empty())
        value = request_value(entry, part.alternative);
      text(value);
      break;
    }
    case Operator::kUpstreamHost:
      text(entry.upstream_host);
      break;
    case Operator::kUpstreamCluster:
      text(entry.upstream_cluster);
      break;
    case Operator::kRouteName:
      text(entry.route_name);
      break;
    case Operator::kRemoteAddress:
      text(facts.remote_ip);
      out += ':';
      number(facts.remote.port());
      break;
    case Operator::kRemoteAddressWithoutPort:
      text(facts.remote_ip);
      break;
    case Operator::kLocalAddress:
      out += facts.local.address().to_string();
      out += ':';
      number(facts.local.port());
      break;
    case Operator::kServerName:
      text(facts.sni);
      break;
    case Operator::kTlsVersion:
      text(facts.tls_version);
      break;
    case Operator::kTlsCipher:
      text(facts.tls_cipher);
      break;
  }
}

}  // namespace tidegate::proxy::telemetry
