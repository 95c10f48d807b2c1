#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/exchange/plan.h"
#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/route.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::exchange {

/// What a client has been given to show: which endpoint (upstream::Host::session), and since when.
/// It is a hint, not a secret: whoever makes one up chooses among endpoints that anybody may get.
/// Written as 16 hexadecimal digits, "-", and the seconds since 1970.
struct SessionToken {
  std::uint64_t endpoint = 0;  // 0: none
  std::int64_t since = 0;
};

/// The token that a request shows; none where it is malformed, from the future or too old.
/// Source: RFC 6265 section 5.4 for the cookie.
SessionToken read_session(const SessionPersistence& session, const http::RequestHead& request,
                          std::int64_t now);

/// Adds the token to an answer. `secure`: the client's connection is.
void write_session(const SessionPersistence& session, SessionToken token, bool secure,
                   http::ResponseHead& head, Arena& arena);
/// Tells the client its session: a cookie once, a field with every answer. `shown` is what the
/// client had, `now` what it has where that is another endpoint.
void keep_session(const SessionPersistence& session, SessionToken shown, SessionToken now,
                  bool secure, http::ResponseHead& head, Arena& arena);

/// The backend of a rule that the endpoint belongs to, and the endpoint; null where none does.
const PlannedCluster* find_endpoint(upstream::Clusters& clusters, const Plan& plan,
                                    std::uint64_t endpoint, std::shared_ptr<upstream::Host>& host);

}  // namespace tidegate::proxy::exchange
