#include "proxy/aws/ec2_watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "proxy/aws/backoff.h"
#include "proxy/aws/ec2.h"
#include "proxy/aws/requests.h"

namespace tidegate::proxy::aws {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Outcome = AppliedDiscovery::Outcome;

namespace {

constexpr std::size_t kAnswerMax = 8UL * 1024 * 1024;  // bytes, of a page
constexpr std::size_t kPagesMax = 64;
constexpr std::size_t kEndpointsMax = 4096;
constexpr seconds kWhole{60};  // for all pages
constexpr milliseconds kRetry{1000};
constexpr seconds kTellAgain{60};
constexpr milliseconds kStopTimeout{200};

/// Codes by which Amazon says that it is the asker's rights that are wrong.
bool is_refusal(std::string_view code) {
  static constexpr std::array<std::string_view, 9> kCodes{
      "AuthFailure",           "UnauthorizedOperation", "AccessDenied",
      "AccessDeniedException", "InvalidClientTokenId",  "SignatureDoesNotMatch",
      "RequestExpired",        "OptInRequired",         "Blocked"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

}  // namespace

Ec2Watcher::Ec2Watcher(OnFound on_found)
    : on_found_(std::move(on_found)), loop_(0, 0x9e3779b97f4a7c15), clusters_(loop_) {
  stats_.push_back(std::make_unique<ClusterStats>());
  thread_ = std::thread([this] { loop_.run(); });
}

Ec2Watcher::~Ec2Watcher() {
  auto expired = [this] { loop_.stop(); };
  CallTimer<decltype(expired)> late(expired);
  loop_.post([this, &late] {
    stopping_ = true;
    clusters_.close_idle();
    for (auto& [cluster, watch] : watches_) stop(*watch);
    if (running_ == 0) {
      loop_.stop();
    } else {
      loop_.wheel.arm(late, kStopTimeout);
    }
  });
  thread_.join();
  late.cancel();
}

void Ec2Watcher::update(std::map<std::string, Wanted> wanted,
                        std::map<std::string, upstream::CompiledClusterPtr> apis,
                        std::map<std::string, std::vector<upstream::Address>> addresses) {
  loop_.post([this, wanted = std::move(wanted), apis = std::move(apis),
              addresses = std::move(addresses)]() mutable {
    apply(std::move(wanted), std::move(apis), addresses);
  });
}

void Ec2Watcher::apply(std::map<std::string, Wanted> wanted,
                       std::map<std::string, upstream::CompiledClusterPtr> apis,
                       const std::map<std::string, std::vector<upstream::Address>>& addresses) {
  if (stopping_) return;
  std::map<std::string, std::vector<upstream::Address>> plain;
  for (auto& [name, cluster] : apis) {
    // Ours: no limits, and no counters of the traffic.
    auto own = std::make_shared<upstream::CompiledCluster>(*cluster);
    own->stats = &stats_;
    own->limits = nullptr;
    cluster = std::move(own);
    auto found = addresses.find(name);
    if (found == addresses.end()) continue;
    for (const upstream::Address& address : found->second) {
      upstream::Address one;
      one.at = address.at;
      plain[name].push_back(std::move(one));
    }
  }
  clusters_.update(apis, plain);
  std::map<std::string, std::shared_ptr<Watch>> watches;
  for (auto& [name, one] : wanted) {
    std::shared_ptr<Watch>& watch = watches[name];
    auto known = watches_.find(name);
    if (known != watches_.end() && known->second->wanted.what == one.what &&
        known->second->wanted.identity == one.identity) {
      watch = std::move(known->second);
      watches_.erase(known);
      // Perhaps it is the address that it failed for.
      if (watch->failed && watch->wake.awaited()) watch->wake.notify_later(loop_.io);
      continue;
    }
    watch = std::make_shared<Watch>();
    watch->cluster = name;
    watch->wanted = std::move(one);
    ++running_;
    spawn(loop_.io, run(watch));
  }
  for (auto& [name, gone] : watches_) stop(*gone);
  watches_ = std::move(watches);
}

void Ec2Watcher::stop(Watch& watch) {
  watch.stopped = true;
  if (watch.wake.awaited()) watch.wake.notify_later(loop_.io);
}

Task<void> Ec2Watcher::run(std::shared_ptr<Watch> watch) {
  auto again = [&watch] { watch->wake.notify(); };
  CallTimer<decltype(again)> timer(again);
  const milliseconds refresh = std::max(watch->wanted.what.refresh, milliseconds(10));
  Backoff retry(kRetry, refresh);
  while (!watch->stopped) {
    Found found;
    found.cluster = watch->cluster;
    found.what = watch->wanted.what;
    co_await ask_for(watch->wanted, found);
    if (watch->stopped) break;
    tell(*watch, found);
    watch->failed = !found.problem.empty();
    if (!watch->failed) retry.reset();
    const milliseconds next = watch->failed ? retry.next(loop_.random) : refresh;
    on_found_(found);
    watch->wake.clear();
    loop_.wheel.arm(timer, next);
    co_await watch->wake.wait();
  }
  timer.cancel();
  if (--running_ == 0 && stopping_) loop_.stop();
}

/// What is new at once, what stays as it is once a minute.
void Ec2Watcher::tell(Watch& watch, const Found& found) {
  const steady_clock::time_point now = steady_clock::now();
  if (found.problem == watch.told && (found.problem.empty() || now < watch.told_at + kTellAgain))
    return;
  if (found.problem.empty()) {
    log::info(log::Component::kUpstream, "{}: EC2 answers again", found.cluster);
  } else {
    log::warning(log::Component::kUpstream,
                 "{}: its instances are not known anew, endpoints stay as they were: {}",
                 found.cluster, found.problem);
  }
  watch.told = found.problem;
  watch.told_at = now;
}

Task<void> Ec2Watcher::ask_for(const Wanted& wanted, Found& found) {
  const Ec2Discovery& what = wanted.what;
  const steady_clock::time_point end = steady_clock::now() + kWhole;
  std::vector<Endpoint> all;
  std::string token;
  for (std::size_t pages = 0;; ++pages) {
    const CredentialsPtr credentials = co_await wanted.identity->credentials(clusters_);
    if (!credentials) {
      found.outcome = Outcome::kNoCredentials;
      found.problem = wanted.identity->problem();
      co_return;
    }
    QueryApi api{what.api_cluster, what.api_authority, "ec2", kAnswerMax};
    std::string form = describe_instances(what, token);
    const QueryAnswer answer =
        co_await ask(clusters_, std::move(api), what.identity.region, credentials, std::move(form));
    if (!answer.problem.empty()) {
      found.problem = answer.problem;
      if (is_refusal(answer.code)) found.outcome = Outcome::kNotAllowed;
      co_return;
    }
    std::optional<Ec2Page> page = page_of(answer.body, what);
    if (!page) found.problem = "the answer is none of DescribeInstances";
    if (page && (all.size() + page->endpoints.size() > kEndpointsMax || pages == kPagesMax))
      found.problem = fmt::format("there are too many: more than {} endpoints or {} pages",
                                  kEndpointsMax, kPagesMax);
    if (!found.problem.empty()) co_return;
    std::move(page->endpoints.begin(), page->endpoints.end(), std::back_inserter(all));
    token = page->next_token;
    if (token.empty()) break;
    if (steady_clock::now() < end) continue;
    found.problem = "the answers took too long";
    co_return;
  }
  auto key = [](const Endpoint& one) { return std::tie(one.zone, one.host); };
  std::sort(all.begin(), all.end(),
            [&key](const Endpoint& a, const Endpoint& b) { return key(a) < key(b); });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  found.outcome = all.empty() ? Outcome::kNothing : Outcome::kFound;
  found.endpoints = std::move(all);
}

}  // namespace tidegate::proxy::aws
