#pragma once

#include "proxy/filters/chain.h"
#include "proxy/snapshot/all_filter_settings.h"

namespace tidegate::proxy::filters {

// The table of filters: one overload a struct of the snapshot; null where it acts elsewhere.
FilterPtr compile(const RequestHeaderModifier& from, const CompileContext& context);
FilterPtr compile(const ResponseHeaderModifier& from, const CompileContext& context);
FilterPtr compile(const UrlRewrite& from, const CompileContext& context);
FilterPtr compile(const PathRegexRewrite& from, const CompileContext& context);
FilterPtr compile(const Cors& from, const CompileContext& context);
FilterPtr compile(const ExternalAuth& from, const CompileContext& context);
FilterPtr compile(const ExternalProcessing& from, const CompileContext& context);
FilterPtr compile(const LocalRateLimit& from, const CompileContext& context);
FilterPtr compile(const GlobalRateLimit& from, const CompileContext& context);
FilterPtr compile(const IpAcl& from, const CompileContext& context);
FilterPtr compile(const Csrf& from, const CompileContext& context);
FilterPtr compile(const BasicAuth& from, const CompileContext& context);
FilterPtr compile(const ApiKeyAuth& from, const CompileContext& context);
FilterPtr compile(const JwtAuth& from, const CompileContext& context);
FilterPtr compile(const OAuth2& from, const CompileContext& context);
FilterPtr compile(const Rbac& from, const CompileContext& context);
FilterPtr compile(const Compression& from, const CompileContext& context);
FilterPtr compile(const Decompression& from, const CompileContext& context);
FilterPtr compile(const FaultInjection& from, const CompileContext& context);
FilterPtr compile(const Buffer& from, const CompileContext& context);
FilterPtr compile(const Transformation& from, const CompileContext& context);
FilterPtr compile(const LambdaInvocation& from, const CompileContext& context);

}  // namespace tidegate::proxy::filters
