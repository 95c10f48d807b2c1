#pragma once

#include <string_view>

#include "proxy/http/message.h"
#include "proxy/rpc/ext_proc.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/counters.h"

/// What an external processor may do to heads and trailers.
namespace tidegate::proxy::filters {

/// Where a mutation goes: one of the heads, or trailers alone.
struct MutationTarget {
  http::Fields* fields = nullptr;
  http::RequestHead* request = nullptr;    // :path, and with `replacing` :method
  http::ResponseHead* response = nullptr;  // :status
  bool replacing = false;                  // the body too
};

/// Carries it out; texts go into the arena. What the rules forbid is left out and counted: host,
/// :authority, :scheme, :method, x-envoy*, and what frames the message.
/// Errors: nothing may be made of a mutation that is no HTTP, or makes the head too large: its
///         RESPONSE_CODE_DETAILS; empty: there was none.
/// Source: Envoy's HeaderMutationRules, as they are where none are given.
std::string_view mutate(const rpc::HeaderMutation& mutation, const MutationTarget& target,
                        Arena& arena, Counter& rejected);

}  // namespace tidegate::proxy::filters
