#include <catch2/catch.hpp>

#include "proxy/upstream/cluster.h"
#include "tests/protocol/loopback.h"

using namespace tidegate;
using namespace tidegate::test;

namespace {

/// A port of loopback that takes connections, or refuses them.
struct Port {
  explicit Port(bool listening)
      : fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), size);
    if (listening) ::listen(fd, 512);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  }
  ~Port() {
    for (const int one : taken) ::close(one);
    ::close(fd);
  }
  void take() {
    for (int one = ::accept(fd, nullptr, nullptr); one >= 0; one = ::accept(fd, nullptr, nullptr))
      taken.push_back(one);
  }
  int fd;
  sockaddr_in at{};
  std::vector<int> taken;
};

Task<void> acquire(std::shared_ptr<upstream::ClusterState> cluster,
                   std::vector<upstream::Lease>& leases, int& failures) {
  Result<upstream::Lease> lease = co_await cluster->acquire(false, false);
  if (lease) {
    leases.push_back(std::move(*lease));
  } else {
    ++failures;
  }
}

}  // namespace

TEST_CASE("a burst of requests shares connections, and their failure", "[http2][protocol]") {
  const bool listening = GENERATE(true, false);
  Port port(listening);
  Loop loop(0, 1);
  PerWorker<ClusterStats> stats;
  stats.push_back(std::make_unique<ClusterStats>());
  auto compiled = std::make_shared<upstream::CompiledCluster>();
  compiled->config.name = "one";
  compiled->config.protocol = UpstreamProtocol::kHttp2;
  compiled->stats = &stats;
  auto cluster = std::make_shared<upstream::ClusterState>(loop, compiled);
  upstream::Address address;
  address.at = {boost::asio::ip::make_address("127.0.0.1"), ntohs(port.at.sin_port)};
  cluster->set_addresses({address});
  std::vector<upstream::Lease> leases;
  int failures = 0;
  for (int i = 0; i < 250; ++i) {
    spawn(loop.io, acquire(cluster, leases, failures));
  }
  CHECK(drive(
      loop, [&] { port.take(); },
      [&] { return leases.size() + static_cast<std::size_t>(failures) == 250; }));
  if (listening) {
    CHECK(leases.size() == 250);
    CHECK(stats[0]->upstream_cx_http2_total.get() == 3);  // 100 streams each
  } else {
    CHECK(failures == 250);
    CHECK(stats[0]->upstream_cx_total.get() == 3);
  }
  leases.clear();
  cluster->set_addresses({});
  cluster.reset();
  CHECK(drive(loop, [] {}, [&] { return stats[0]->upstream_cx_active.get() == 0; }));
}
