#include "proxy/exchange/session.h"

#include <fmt/format.h>

#include <charconv>

namespace tidegate::proxy::exchange {
namespace {

/// The value of one cookie in a Cookie field: "a=1; b=2".
std::string_view cookie(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(';'), field.size());
    std::string_view pair = field.substr(0, end);
    field.remove_prefix(std::min(end + 1, field.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
      return pair.substr(name.size() + 1);
  }
  return {};
}

bool parse(std::string_view text, SessionToken& out) {
  if (text.size() < 18 || text[16] != '-') return false;
  const char* end = text.data() + text.size();
  auto endpoint = std::from_chars(text.data(), text.data() + 16, out.endpoint, 16);
  auto since = std::from_chars(text.data() + 17, end, out.since);
  return endpoint.ec == std::errc() && endpoint.ptr == text.data() + 16 &&
         since.ec == std::errc() && since.ptr == end && out.since >= 0;
}

}  // namespace

SessionToken read_session(const SessionPersistence& session, const http::RequestHead& request,
                          std::int64_t now) {
  std::string_view text;
  if (session.type == SessionPersistence::Type::kHeader) {
    text = request.fields.get(session.name);
  } else {
    for (const http::Field& field : request.fields) {
      if (!http::iequals(field.name, "cookie")) continue;
      text = cookie(field.value, session.name);
      if (!text.empty()) break;
    }
  }
  SessionToken out;
  if (!parse(text, out) || out.since > now ||
      (session.absolute_timeout && now - out.since >= session.absolute_timeout->count())) {
    return {};
  }
  return out;
}

void write_session(const SessionPersistence& session, SessionToken token, bool secure,
                   http::ResponseHead& head, Arena& arena) {
  std::string value = fmt::format("{:016x}-{}", token.endpoint, token.since);
  if (session.type == SessionPersistence::Type::kHeader) {
    head.fields.set(session.name, arena.copy(value));
    return;
  }
  value = fmt::format("{}={}; Path=/; HttpOnly", session.name, value);
  if (secure) value += "; Secure";
  if (session.permanent && session.absolute_timeout)
    value += fmt::format("; Max-Age={}", session.absolute_timeout->count());
  head.fields.add("set-cookie", arena.copy(value));
}

void keep_session(const SessionPersistence& session, SessionToken shown, SessionToken now,
                  bool secure, http::ResponseHead& head, Arena& arena) {
  const bool same = shown.endpoint == now.endpoint;
  if (same && session.type == SessionPersistence::Type::kCookie) return;
  write_session(session, same ? shown : now, secure, head, arena);
}

const PlannedCluster* find_endpoint(upstream::Clusters& clusters, const Plan& plan,
                                    std::uint64_t endpoint, std::shared_ptr<upstream::Host>& host) {
  const std::size_t count = std::get<Forward>(plan.rule->action).clusters.size();
  const PlannedCluster* all = plan.clusters ? plan.clusters : &plan.cluster;
  for (std::size_t i = 0; i < count; ++i) {
    const std::shared_ptr<upstream::ClusterState> cluster = clusters.by_id(all[i].cluster);
    if (!cluster) continue;
    for (const std::shared_ptr<upstream::Host>& one : cluster->hosts()) {
      if (one->session != endpoint) continue;
      host = one;
      return &all[i];
    }
  }
  return nullptr;
}

}  // namespace tidegate::proxy::exchange
