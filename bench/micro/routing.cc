// From a request's host and path to its rule: 100 hosts, so many routes in all.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/router/router.h"

using namespace tidegate::proxy;

namespace {

constexpr std::size_t kHosts = 100;

RouteTable table_of(std::size_t routes) {
  RouteTable table;
  const std::size_t hosts = std::min(routes, kHosts);
  for (std::size_t host = 0; host < hosts; ++host) {
    VirtualHost one;
    one.hostname = "host" + std::to_string(host) + ".example.com";
    for (std::size_t path = 0; path < routes / hosts; ++path) {
      Match match;
      match.path = {PathMatch::Kind::kPrefix, "/service" + std::to_string(path)};
      one.entries.push_back({std::move(match), static_cast<std::uint32_t>(table.rules.size())});
      table.rules.emplace_back();
    }
    table.hosts.push_back(std::move(one));
  }
  return table;
}

void route(benchmark::State& state) {
  const auto routes = static_cast<std::size_t>(state.range(0));
  const RouteTable table = table_of(routes);
  const router::Router router(table);
  const std::size_t hosts = std::min(routes, kHosts);
  struct Asked {
    std::string host, path;
  };
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < 4096; ++i) {  // all over the table
    const std::size_t at = i * 2654435761U % routes;
    asked.push_back({"host" + std::to_string(at % hosts) + ".example.com",
                     "/service" + std::to_string(at / hosts) + "/items"});
  }
  http::RequestHead request;
  request.method = "GET";
  std::size_t next = 0;
  for (auto _ : state) {
    const Asked& one = asked[next++ % asked.size()];
    request.path = one.path;
    const router::Router::Found found = router.route(request, one.host);
    if (!found) throw std::runtime_error("there is no route to " + one.path);
    benchmark::DoNotOptimize(found);
  }
}

BENCHMARK(route)->Arg(1)->Arg(1000)->Arg(10000);

}  // namespace

BENCHMARK_MAIN();
