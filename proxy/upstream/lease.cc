#include "proxy/upstream/cluster.h"
#include "proxy/upstream/http2_client.h"

namespace tidegate::proxy::upstream {

Host::Host() = default;
Host::~Host() = default;

void Host::note(int status) {
  OutlierWatch* watch = address.watch.get();
  if (watch == nullptr) return;
  // Read first: the cache line is everybody's as long as all goes well.
  auto well = [](std::atomic<std::uint32_t>& failures) {
    if (failures.load(std::memory_order_relaxed) != 0) failures.store(0, std::memory_order_relaxed);
  };
  auto failed = [watch](std::atomic<std::uint32_t>& failures,
                        const std::atomic<std::uint32_t>& limit, bool local) {
    if (failures.fetch_add(1, std::memory_order_relaxed) + 1 ==
        limit.load(std::memory_order_relaxed))
      watch->tripped(local);
  };
  const bool answered = status > 0;
  if (answered) well(watch->consecutive_local);
  if (answered && status < 500) {
    well(watch->consecutive_5xx);
  } else if (!answered && watch->split.load(std::memory_order_relaxed)) {
    failed(watch->consecutive_local, watch->limit_local, true);
  } else {
    failed(watch->consecutive_5xx, watch->limit, false);
  }
}

void Host::wake(Loop& loop) {
  if (queue.empty()) return;
  Waiting* first = queue.front();
  queue.erase(queue.begin());
  first->over.notify_later(loop.io);
}

Lease::Lease(std::shared_ptr<ClusterState> cluster, std::shared_ptr<Host> host,
             std::unique_ptr<Http1Client> http1, std::unique_ptr<http::ClientStream> http2)
    : cluster_(std::move(cluster)),
      host_(std::move(host)),
      http1_(std::move(http1)),
      http2_(std::move(http2)),
      epoch_(host_->epoch) {
  if (ClusterLimits* limits = cluster_->limits_) request_ = Slot(&limits->requests);
  ++host_->active;
  ++cluster_->active_;
  cluster_->stats().upstream_rq_active.add();
  cluster_->stats().upstream_rq_total.add();
  if (host_->counted) {
    host_->counted->rq_total.add();
    host_->counted->rq_active.add();
  }
}

void Lease::count(int status) {
  if (!host_) return;
  host_->note(status);
  if (!host_->counted) return;
  (status > 0 && status < 500 ? host_->counted->rq_success : host_->counted->rq_error).add();
}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    finish();
    cluster_ = std::move(other.cluster_);
    host_ = std::move(other.host_);
    http1_ = std::move(other.http1_);
    http2_ = std::move(other.http2_);
    request_ = std::move(other.request_);
    epoch_ = other.epoch_;
  }
  return *this;
}

void Lease::finish() {
  if (!host_) return;
  --host_->active;
  if (host_->counted) host_->counted->rq_active.sub();
  --cluster_->active_;
  cluster_->stats().upstream_rq_active.sub();
  if (http1_ && http1_->reusable() && !host_->removed && host_->epoch == epoch_) {
    http1_->rest();
    host_->idle.push_back(std::move(http1_));
    cluster_->sweep_soon();
  }
  http1_.reset();
  http2_.reset();
  request_ = Slot();
  host_->wake(cluster_->loop());
  host_.reset();
  cluster_.reset();
}

}  // namespace tidegate::proxy::upstream
