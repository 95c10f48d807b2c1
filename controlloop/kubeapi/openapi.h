#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace tidegate::controlloop::kubeapi {

/// /openapi/v3: where each group and version has its document.
boost::json::object openapi_index();

/// OpenAPI 3.0 of one group and version, made from the field descriptions: what `kubectl explain`
/// reads. Empty where nothing has that group and version.
boost::json::object openapi_document(const std::string& group, const std::string& version);

/// The same of all kinds as Swagger 2.0, for older tools.
boost::json::object openapi_v2();

}  // namespace tidegate::controlloop::kubeapi
