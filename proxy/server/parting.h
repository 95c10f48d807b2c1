#pragma once

#include <string_view>

#include "proxy/server/compiled.h"
#include "proxy/server/connection.h"

namespace tidegate::proxy::server {

/// Whether clients whose connections began with the one listener would have to show the same to
/// the other: TLS or none, and the same certificate for each name.
bool same_demands(const CompiledListener& before, const CompiledListener& now);

/// The same for a client with this SNI.
bool same_demand(const CompiledListener& before, const CompiledListener& now, std::string_view sni);

/// Whether a connection may go on, once what was `before` in its slot has been replaced. One in the
/// middle of its handshake may: it is asked again at its end.
bool may_stay(const Connection& one, const CompiledListener& before);

}  // namespace tidegate::proxy::server
