#include "proxy/aws/temporary.h"

#include <utility>

#include "base/log.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::aws {

namespace {
constexpr std::chrono::minutes kEarly{5};  // before credentials expire, new ones are asked for
constexpr std::chrono::seconds kRetry{2};  // from one call to the next
}  // namespace

Task<CredentialsPtr> Temporary::get(upstream::Clusters& clusters, CredentialsPtr own) {
  std::shared_ptr<Event> over;
  {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    const bool valid = given_ && now < expires_;
    if (valid && (asking_ || now < expires_ - kEarly || now < not_before_)) co_return given_;
    if (!valid && now < not_before_) co_return nullptr;
    if (asking_) {
      over = std::make_shared<Event>();
      waiting_.push_back({&clusters.loop(), over});
    }
    asking_ = true;
  }
  if (over) {
    co_await over->wait();
    co_return current();
  }
  Fresh fresh = co_await fetch(clusters, std::move(own));
  if (!fresh.problem.empty()) log::warning(log::Component::kUpstream, "AWS: {}", fresh.problem);
  answered(std::move(fresh));
  co_return current();
}

void Temporary::answered(Fresh fresh) {
  const std::lock_guard lock(mutex_);
  asking_ = false;
  problem_ = std::move(fresh.problem);
  if (problem_.empty()) {
    given_ = std::move(fresh.credentials);
    expires_ = fresh.expires;
  }
  not_before_ = Clock::now() + kRetry;  // also where those that came do not last
  for (const Waiting& one : std::exchange(waiting_, {}))
    one.loop->post([over = one.over] { over->notify(); });
}

CredentialsPtr Temporary::current() const {
  const std::lock_guard lock(mutex_);
  return given_ && Clock::now() < expires_ ? given_ : nullptr;
}

std::string Temporary::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace tidegate::proxy::aws
