#pragma once

#include "config/kinds/gateway/descriptions.h"

/// What http_route.cc takes from http_route_filters.cc.
namespace tidegate::config::fields {

template <>
const Description& description<HttpRouteFilter>();
template <>
const Description& description<HttpValueMatch>();

}  // namespace tidegate::config::fields
