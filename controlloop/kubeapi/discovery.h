#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace tidegate::controlloop::kubeapi {

/// Source: Kubernetes API concepts, discovery: APIVersions, APIGroupList, APIGroup,
/// APIResourceList. Empty where there is no such group or version.
boost::json::object api_versions();
boost::json::object api_groups();
boost::json::object api_group(const std::string& group);
boost::json::object api_resources(const std::string& group, const std::string& version);

/// /version.
boost::json::object server_version(const std::string& program_version);

}  // namespace tidegate::controlloop::kubeapi
