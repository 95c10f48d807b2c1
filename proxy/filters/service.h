#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/filters/filter.h"
#include "proxy/rpc/call.h"
#include "proxy/snapshot/external_auth.h"

/// What filters share that ask a service.
namespace tidegate::proxy::filters {

/// A unary gRPC call, tried again as the service's settings say where nothing came back.
Task<rpc::GrpcAnswer> ask(Call& call, const ServiceCall& service, std::string_view path,
                          std::string_view message);

/// Waits before a try that is made again, and doubles `pause` for the next.
Task<void> pause_between(Call& call, const ServiceCall& service, std::chrono::milliseconds& pause);

/// Adds fields that a service named. What is no field (RFC 9110 section 5), or frames the message,
/// is left out. Names become lower case.
void add_fields(const std::vector<std::pair<std::string, std::string>>& from, http::Fields& to,
                Arena& arena);

/// What a service says of a request is charged to the cluster that its route is for, the first one
/// where it has several; null: none.
ClusterStats* charged(Call& call);

/// Whether a service may give a message this field.
bool acceptable(std::string_view name, std::string_view value);

/// In lower case, in the arena.
std::string_view lower(std::string_view text, Arena& arena);

}  // namespace tidegate::proxy::filters
