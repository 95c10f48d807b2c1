#include "proxy/filters/path_modifier.h"

#include <charconv>

namespace tidegate::proxy::filters {
namespace {

/// The host of "host:port" or "[v6]:port".
std::string_view without_port(std::string_view authority) {
  auto colon = authority.rfind(':');
  if (colon == authority.npos || authority.find(']', colon) != authority.npos) return authority;
  return authority.substr(0, colon);
}

std::uint16_t port_of(std::string_view authority) {
  std::string_view host = without_port(authority);
  std::uint16_t port = 0;
  if (host.size() + 1 < authority.size()) {
    std::from_chars(authority.data() + host.size() + 1, authority.data() + authority.size(), port);
  }
  return port;
}

}  // namespace

std::string_view modified_path(const PathModifier& modifier, const Match& match,
                               std::string_view path, Arena& arena) {
  auto mark = path.find('?');
  std::string_view query = mark == path.npos ? std::string_view() : path.substr(mark);
  std::string_view only = path.substr(0, mark);
  if (modifier.kind == PathModifier::Kind::kFull) {
    return arena.join(
        modifier.value.empty() ? std::string_view("/") : std::string_view(modifier.value), query);
  }
  std::string_view prefix = match.path.value;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  std::string_view rest =
      only.size() >= prefix.size() ? only.substr(prefix.size()) : std::string_view();
  std::string_view value = modifier.value;
  while (value.ends_with('/')) value.remove_suffix(1);
  if (value.empty() && rest.empty()) return arena.join("/", query);
  if (rest == "/" && !value.empty() && prefix.empty())
    rest = {};  // "/" -> "/xyz" makes "/xyz" of "/"
  return arena.join(value, rest, query);
}

std::string_view location(const Redirect& redirect, const Match& match,
                          const http::RequestHead& request, Arena& arena) {
  std::string_view scheme = redirect.scheme ? std::string_view(*redirect.scheme) : request.scheme;
  std::string_view host =
      redirect.hostname ? std::string_view(*redirect.hostname) : without_port(request.authority);
  // No port given: the well-known port of a given scheme, else the listener's (the one the client
  // came to, where its Host says so, since a port offset or a port mapping may lie between).
  std::uint16_t port = redirect.listener_port;
  if (redirect.port) {
    port = *redirect.port;
  } else if (redirect.scheme) {
    port = scheme == "https" ? 443 : 80;
  } else if (!redirect.hostname && port_of(request.authority)) {
    port = port_of(request.authority);
  }
  char text[8] = ":";
  std::string_view suffix;
  if (!((scheme == "http" && port == 80) || (scheme == "https" && port == 443) || port == 0)) {
    auto end = std::to_chars(text + 1, text + sizeof text, port).ptr;
    suffix = std::string_view(text, static_cast<std::size_t>(end - text));
  }
  std::string_view path =
      redirect.path ? modified_path(*redirect.path, match, request.path, arena) : request.path;
  return arena.join(scheme, "://", host, suffix, path);
}

}  // namespace tidegate::proxy::filters
