#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/router/host_table.h"
#include "proxy/router/path_table.h"
#include "proxy/snapshot/route.h"

namespace re2 {
class RE2;
}

namespace tidegate::proxy::router {

/// Finds the rule for a request. Compiled from one RouteTable, which outlives it; immutable, shared
/// by all workers.
class Router {
 public:
  explicit Router(const RouteTable& table);
  ~Router();
  Router(Router&&) noexcept;

  struct Found {
    const Rule* rule = nullptr;  // null: nothing matches, 404
    const RouteEntry* entry = nullptr;
    const VirtualHost* host = nullptr;
  };
  /// `host` as host_of() makes it.
  Found route(const http::RequestHead& request, std::string_view host) const;

  /// An entry that was looked at, and what did not fit. The last one may be the one that was taken.
  struct Tried {
    const VirtualHost* host = nullptr;
    const RouteEntry* entry = nullptr;
    std::string mismatch;  // "method is GET, not POST"; empty: it matches
    bool path_fits = false;
  };
  /// Every entry of every host name that matches, in the order of precedence, until one fits: for
  /// people who wonder.
  std::vector<Tried> explain(const http::RequestHead& request, std::string_view host) const;

 private:
  struct Condition {
    std::string_view name;
    std::string_view value;
    std::unique_ptr<re2::RE2> regex;  // null: exact
  };
  struct Entry {
    const RouteEntry* source = nullptr;
    std::unique_ptr<re2::RE2> path;  // null: the table's business
    std::vector<Condition> headers;
    std::vector<Condition> query;
    bool unconditional = false;  // the path decides alone
  };
  struct Host {
    const VirtualHost* source = nullptr;
    std::vector<Entry> entries;
    PathTable paths;
  };
  static bool matches(const Condition& condition, std::string_view value);
  bool fits(const Entry& entry, const http::RequestHead& request) const;
  static bool path_fits(const Entry& entry, std::string_view path);
  std::string mismatch(const Entry& entry, const http::RequestHead& request) const;

  const RouteTable& table_;
  HostTable names_;
  std::vector<Host> hosts_;
};

}  // namespace tidegate::proxy::router
