#pragma once

#include <vector>

#include "proxy/filters/table.h"
#include "proxy/upstream/cluster.h"

/// One exchange as a filter sees it, without sockets.
namespace tidegate::proxy::filters {

struct OneCall {
  Loop loop{0, 1};
  upstream::Clusters clusters{loop};
  HttpStats stats;
  net::ConnectionFacts facts;
  http::RequestHead head;
  http::NoBody body;
  Call call{loop, clusters, stats, facts, head, body};

  explicit OneCall(std::string_view method = "GET", std::string_view path = "/") {
    head.method = method;
    head.scheme = "http";
    head.authority = "www.example.com";
    head.path = call.arena.copy(path);
  }
  OneCall& with(std::string_view name, std::string_view value) {
    head.fields.append(call.arena.copy(name), call.arena.copy(value));
    return *this;
  }
  OneCall& from(const char* address) {
    facts.remote = {boost::asio::ip::make_address(address), 1234};
    facts.remote_ip = address;
    return *this;
  }
  Verdict request(const Filter& filter) { return filter.request(call); }
};

/// The run-time filter of one struct.
template <class Config>
FilterPtr made(const Config& config) {
  static const Snapshot snapshot;
  static Kept kept;
  static std::vector<FilterPtr> all;  // as a snapshot's filters, they outlive what they act on
  return all.emplace_back(compile(config, {snapshot, kept}));
}

}  // namespace tidegate::proxy::filters
