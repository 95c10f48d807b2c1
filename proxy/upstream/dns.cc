#include "proxy/upstream/dns.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <random>

#include "base/log.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
constexpr seconds kShortest{1};  // whatever a TTL says
constexpr seconds kLongest{300};
constexpr seconds kUnknownTtl{10};  // of /etc/hosts
constexpr seconds kBackoffMax{30};
}  // namespace

struct Resolver::Name {
  explicit Name(asio::io_context& io) : again(io) {}
  std::string text;
  OnChange changed;
  std::vector<asio::ip::address> addresses;
  asio::steady_timer again;
  std::vector<DnsRefresh> refresh;
  seconds backoff{1};
  bool watched = true;
  bool answered = false;  // no look-up is under way
};

/// c-ares on an asio loop: it says which sockets it waits on, the loop says when they are ready.
struct Resolver::Channel {
  explicit Channel(asio::io_context& io_in) : io(io_in), timer(io_in) {
    ares_options options{};
    options.timeout = 2000;
    options.tries = 3;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Channel*>(self)->sockets(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    good = ares_init_options(&handle, &options,
                             ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) ==
           ARES_SUCCESS;
  }
  ~Channel() {
    if (good) ares_destroy(handle);
    for (auto& [fd, socket] : waiting) socket->descriptor.release();
  }

  struct Socket {
    Socket(asio::io_context& io, ares_socket_t fd) : descriptor(io, fd) {}
    asio::posix::stream_descriptor descriptor;  // borrowed: c-ares closes it
    bool read = false;
    bool write = false;
  };

  void sockets(ares_socket_t fd, bool readable, bool writable) {
    auto found = waiting.find(fd);
    if (!readable && !writable) {
      if (found == waiting.end()) return;
      found->second->read = found->second->write = false;
      found->second->descriptor.release();
      waiting.erase(found);
      return;
    }
    if (found == waiting.end()) found = waiting.emplace(fd, std::make_shared<Socket>(io, fd)).first;
    const std::shared_ptr<Socket>& socket = found->second;
    if (readable && !socket->read) wait(fd, socket, true);
    if (writable && !socket->write) wait(fd, socket, false);
    socket->read = readable;
    socket->write = writable;
  }

  void wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket, bool read) {
    using Descriptor = asio::posix::stream_descriptor;
    socket->descriptor.async_wait(read ? Descriptor::wait_read : Descriptor::wait_write,
                                  [this, fd, socket, read](error_code failed) {
                                    bool& wanted = read ? socket->read : socket->write;
                                    if (failed || !wanted) return;
                                    ares_process_fd(handle, read ? fd : ARES_SOCKET_BAD,
                                                    read ? ARES_SOCKET_BAD : fd);
                                    if (wanted && waiting.contains(fd) && waiting[fd] == socket)
                                      wait(fd, socket, read);
                                    tick();
                                  });
  }

  /// Timeouts and retries are c-ares's; it wants to be asked.
  void tick() {
    if (waiting.empty() || ticking) return;
    ticking = true;
    timer.expires_after(milliseconds(500));
    timer.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      ticking = false;
      ares_process_fd(handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      tick();
    });
  }

  asio::io_context& io;
  asio::steady_timer timer;
  ares_channel handle = nullptr;
  bool good = false;
  bool ticking = false;
  std::map<ares_socket_t, std::shared_ptr<Socket>> waiting;
};

milliseconds next_look_up(const std::vector<DnsRefresh>& wanted, seconds ttl,
                          std::uint64_t random) {
  if (wanted.empty()) return std::clamp(ttl, kShortest, kLongest);
  milliseconds out = milliseconds::max();
  for (const DnsRefresh& one : wanted) {
    milliseconds next = one.refresh;
    if (one.respect_ttl) next = std::min<milliseconds>(next, std::max(ttl, kShortest));
    if (one.jitter.count() > 0)
      next += milliseconds(
          static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(one.jitter.count()) + 1)));
    out = std::min(out, next);
  }
  return std::max(out, milliseconds(1));
}

Resolver::Resolver(asio::io_context& io, DnsStats* counted, const std::string& servers)
    : io_(io), counted_(counted), random_(std::random_device{}()) {
  static const int ready = ares_library_init(ARES_LIB_INIT_ALL);
  channel_ = std::make_unique<Channel>(io);
  if (channel_->good && !servers.empty())
    ares_set_servers_ports_csv(channel_->handle, servers.c_str());
  if (ready != ARES_SUCCESS || !channel_->good) {
    log::error(log::Component::kDns,
               "the DNS client does not start: endpoints that are names are not resolved");
  }
}

void Resolver::begin() {
  if (counted_ == nullptr) return;
  counted_->resolve_total.add();
  counted_->pending_resolutions.add();
}

void Resolver::ended(int status) {
  if (counted_ == nullptr) return;
  counted_->pending_resolutions.sub();
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA) {
    counted_->not_found.add();
  } else if (status == ARES_ETIMEOUT) {
    counted_->timeouts.add();
  } else if (status != ARES_SUCCESS) {
    counted_->get_addr_failure.add();
  }
}

Resolver::~Resolver() {
  for (auto& [text, name] : names_) name->watched = false;
}

void Resolver::watch(const std::string& text, OnChange changed) {
  auto name = std::make_shared<Name>(io_);
  name->text = text;
  name->changed = std::move(changed);
  names_[text] = name;
  look_up(name);
}

void Resolver::refresh(const std::string& text, std::vector<DnsRefresh> wanted) {
  auto found = names_.find(text);
  if (found == names_.end() || found->second->refresh == wanted) return;
  const bool sooner =
      next_look_up(wanted, kLongest, 0) < next_look_up(found->second->refresh, kLongest, 0);
  found->second->refresh = std::move(wanted);
  // An answer that came under a longer time would keep it.
  if (sooner && found->second->answered) look_up(found->second);
}

void Resolver::unwatch(const std::string& text) {
  auto found = names_.find(text);
  if (found == names_.end()) return;
  found->second->watched = false;
  found->second->again.cancel();
  names_.erase(found);
}

void Resolver::look_up(const std::shared_ptr<Name>& name) {
  if (!channel_->good) return;
  name->answered = false;
  name->again.cancel();
  struct Query {
    Resolver* self;
    std::shared_ptr<Name> name;
  };
  begin();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(
      channel_->handle, name->text.c_str(), nullptr, &hints,
      [](void* data, int status, int, ares_addrinfo* found) {
        std::unique_ptr<Query> query(static_cast<Query*>(data));
        if (status != ARES_EDESTRUCTION) query->self->ended(status);
        if (query->name->watched && status != ARES_EDESTRUCTION)
          query->self->answered(query->name, status, found);
        if (found != nullptr) ares_freeaddrinfo(found);
      },
      new Query{this, name});
  channel_->tick();
}

namespace {
/// The addresses of an answer, sorted, and how long they hold.
std::pair<std::vector<asio::ip::address>, seconds> read_answer(const ares_addrinfo* found) {
  std::vector<asio::ip::address> addresses;
  seconds ttl = kLongest;
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      addresses.emplace_back(asio::ip::address_v4(ntohl(in->sin_addr.s_addr)));
    } else if (node->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(in->sin6_addr.s6_addr), std::end(in->sin6_addr.s6_addr), bytes.begin());
      addresses.emplace_back(asio::ip::address_v6(bytes, in->sin6_scope_id));
    } else {
      continue;
    }
    ttl = std::min(ttl, node->ai_ttl > 0 ? seconds(node->ai_ttl) : kUnknownTtl);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return {std::move(addresses), std::max(ttl, kShortest)};
}
}  // namespace

void Resolver::find(const std::string& name, OnFound on_found) {
  if (!channel_->good) return on_found({}, kShortest);
  struct Query {
    Resolver* self;
    OnFound found;
  };
  begin();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(
      channel_->handle, name.c_str(), nullptr, &hints,
      [](void* data, int status, int, ares_addrinfo* found) {
        std::unique_ptr<Query> query(static_cast<Query*>(data));
        const OnFound* call = &query->found;
        if (status != ARES_EDESTRUCTION) query->self->ended(status);
        if (status == ARES_SUCCESS && found != nullptr) {
          auto [addresses, ttl] = read_answer(found);
          (*call)(std::move(addresses), ttl);
        } else if (status != ARES_EDESTRUCTION) {
          (*call)({}, kShortest);
        }
        if (found != nullptr) ares_freeaddrinfo(found);
      },
      new Query{this, std::move(on_found)});
  channel_->tick();
}

void Resolver::answered(const std::shared_ptr<Name>& name, int status, ares_addrinfo* found) {
  milliseconds next = kLongest;
  name->answered = true;
  if (status == ARES_SUCCESS && found != nullptr) {
    auto [addresses, ttl] = read_answer(found);
    next = next_look_up(name->refresh, ttl, random_.next());
    name->backoff = kShortest;
    if (addresses != name->addresses) {
      name->addresses = addresses;
      // Later, not from inside watch(): the caller's state is whole by then.
      asio::post(io_, [name] {
        if (name->watched) name->changed(name->addresses);
      });
    }
  } else {
    log::warning(log::Component::kDns, "{}: {}; {} addresses are kept, trying again in {} s",
                 name->text, ares_strerror(status), name->addresses.size(), name->backoff.count());
    next = name->backoff;
    name->backoff = std::min(name->backoff * 2, kBackoffMax);
  }
  name->again.expires_after(next);
  name->again.async_wait([this, name](error_code cancelled) {
    if (!cancelled && name->watched) look_up(name);
  });
}

}  // namespace tidegate::proxy::upstream
