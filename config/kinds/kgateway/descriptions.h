#pragma once

#include "config/fields/fields.h"
#include "config/kinds/gateway/descriptions.h"
#include "config/kinds/kgateway/backend.h"
#include "config/kinds/kgateway/backend_config_policy.h"
#include "config/kinds/kgateway/codecs.h"
#include "config/kinds/kgateway/direct_response.h"
#include "config/kinds/kgateway/gateway_extension.h"
#include "config/kinds/kgateway/gateway_parameters.h"
#include "config/kinds/kgateway/listener_policy.h"
#include "config/kinds/kgateway/rules.h"
#include "config/kinds/kgateway/traffic_policy.h"

/// The descriptions that several files need: the kinds, for the kind table, and what kinds share.
namespace tidegate::config::fields {

template <>
const Description& description<kgateway::TrafficPolicy>();
template <>
const Description& description<kgateway::GatewayExtension>();
template <>
const Description& description<kgateway::DirectResponse>();
template <>
const Description& description<kgateway::Backend>();
template <>
const Description& description<kgateway::BackendConfigPolicy>();
template <>
const Description& description<kgateway::ListenerPolicy>();
template <>
const Description& description<kgateway::HttpListenerPolicy>();
template <>
const Description& description<kgateway::GatewayParameters>();

// shared.cc
template <>
const Description& description<kgateway::PolicyDisable>();
template <>
const Description& description<kgateway::TargetSelector>();
template <>
const Description& description<kgateway::WholeTargetRef>();
template <>
const Description& description<kgateway::WholeTargetSelector>();
template <>
const Description& description<kgateway::NamespacedRef>();
template <>
const Description& description<kgateway::LocalName>();
template <>
const Description& description<kgateway::StringMatcher>();
template <>
const Description& description<kgateway::HeaderModifiers>();
template <>
const Description& description<kgateway::HeaderChanges>();
template <>
const Description& description<kgateway::HeaderEntry>();
template <>
const Description& description<kgateway::BodyFormat>();
template <>
const Description& description<kgateway::SpanAttribute>();
/// BackendTLSPolicy's and ours: group, kind, name, sectionName.
template <>
const Description& description<PolicyTargetRef>();

// external_services.cc, jwt.cc, oauth2.cc
template <>
const Description& description<kgateway::BodyForAuth>();
template <>
const Description& description<kgateway::ProcessingMode>();
template <>
const Description& description<kgateway::ExtAuthProvider>();
template <>
const Description& description<kgateway::ExtProcProvider>();
template <>
const Description& description<kgateway::RateLimitProvider>();
template <>
const Description& description<kgateway::JwtProviders>();
template <>
const Description& description<kgateway::ClaimToHeader>();
template <>
const Description& description<kgateway::OAuth2Provider>();

// load_balancer.cc, backend_config_policy.cc, telemetry_service.cc
template <>
const Description& description<kgateway::LoadBalancer>();
template <>
const Description& description<kgateway::TcpKeepalive>();
template <>
const Description& description<kgateway::LogService>();
template <>
const Description& description<kgateway::AccessLog::GrpcSink>();

// transformation.cc, traffic_limits.cc, traffic_faults.cc, traffic_access.cc
template <>
const Description& description<kgateway::Transformation>();
template <>
const Description& description<kgateway::RateLimit>();
template <>
const Description& description<kgateway::Buffer>();
template <>
const Description& description<kgateway::Compression>();
template <>
const Description& description<kgateway::FaultInjection>();
template <>
const Description& description<kgateway::ExtAuthPolicy>();
template <>
const Description& description<kgateway::ExtProcPolicy>();
template <>
const Description& description<kgateway::JwtAuth>();
template <>
const Description& description<kgateway::OAuth2Policy>();
template <>
const Description& description<kgateway::CsrfPolicy>();
template <>
const Description& description<kgateway::Authorization>();
template <>
const Description& description<kgateway::BasicAuth>();
template <>
const Description& description<kgateway::ApiKeyAuth>();
template <>
const Description& description<kgateway::AclPolicy>();

}  // namespace tidegate::config::fields
