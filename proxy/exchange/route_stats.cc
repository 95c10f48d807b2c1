#include "proxy/exchange/route_stats.h"

namespace tidegate::proxy::exchange {

void count_route(const Context& context, const router::Router::Found& found, int status,
                 std::string_view flag, std::uint32_t tries,
                 std::chrono::steady_clock::duration took) {
  PerWorker<RouteStats>* workers = nullptr;
  for (const Plans& one : context.plans) {
    if (&one.table() == found.table) workers = one.counters(found);
  }
  if (!workers) return;
  RouteStats& counted = *(*workers)[context.loop.index];
  counted.upstream_rq_total.add();
  if (tries > 1) counted.upstream_rq_retry.add(tries - 1);
  if (flag == "UT") counted.upstream_rq_timeout.add();
  if (status < 100 || status > 599) return;
  counted.upstream_rq_completed.add();
  counted.upstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
  counted.upstream_rq_time.record(std::chrono::duration<double, std::milli>(took).count());
}

}  // namespace tidegate::proxy::exchange
