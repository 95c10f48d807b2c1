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

  /// Where a request goes; false: nowhere, 404.
  struct Found {
    const RouteTable* table = nullptr;
    std::uint32_t host = 0;   // index into RouteTable::hosts
    std::uint32_t entry = 0;  // index into VirtualHost::entries
    std::uint32_t rule = 0;   // index into RouteTable::rules

    explicit operator bool() const { return table != nullptr; }
    /// What led there; looking costs cache misses that most requests need not have.
    const Match& match() const { return table->hosts[host].entries[entry].match; }
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
    std::uint32_t next = PathTable::kNone;  // of the same path
  };
  static bool matches(const Condition& condition, std::string_view value);
  bool fits(const Entry& entry, const http::RequestHead& request) const;
  static bool path_fits(const Entry& entry, std::string_view path);
  std::string mismatch(const Entry& entry, const http::RequestHead& request) const;

  const RouteTable& table_;
  HostTable names_;
  PathTable paths_;
  std::vector<Entry> entries_;  // of all hosts
};

}  // namespace tidegate::proxy::router
