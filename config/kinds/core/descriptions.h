#pragma once

#include "config/fields/fields.h"
#include "config/kinds/core/config_map.h"
#include "config/kinds/core/endpoint_slice.h"
#include "config/kinds/core/namespace.h"
#include "config/kinds/core/secret_object.h"
#include "config/kinds/core/service.h"

/// The descriptions of the core kinds, for the kind table.
namespace tidegate::config::fields {

template <>
const Description& description<Service>();
template <>
const Description& description<EndpointSlice>();
template <>
const Description& description<SecretObject>();
template <>
const Description& description<ConfigMap>();
template <>
const Description& description<Namespace>();

}  // namespace tidegate::config::fields
