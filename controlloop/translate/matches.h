#pragma once

#include <string>
#include <vector>

#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "controlloop/translate/precedence.h"

namespace tidegate::controlloop::translate {

/// Source: HTTPRouteMatch.
RankedMatch http_match(const config::HttpRouteMatch& from);

/// A gRPC call is a POST of /SERVICE/METHOD. The longer service name goes first, then the longer
/// method name, then the number of headers. Source: GRPCRouteMatch, GRPCRouteRule.matches.
RankedMatch grpc_match(const config::GrpcRouteMatch& from);

/// What is wrong with the match's regular expressions, each with its own words; empty: nothing.
/// Such a match is never taken.
std::string wrong_expressions(const proxy::Match& match);

}  // namespace tidegate::controlloop::translate
