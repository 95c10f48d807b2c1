#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/snapshot/cluster.h"

/// The question for instances, and its answer. Source: EC2 API 2016-11-15, DescribeInstances.
namespace tidegate::proxy::aws {

/// A form. The service selects by tags; whether an instance has them all is looked at again in
/// page_of(). `next_token` empty: the first page.
std::string describe_instances(const Ec2Discovery& what, std::string_view next_token);

/// The endpoints of an answer: instances that run, have all tags and an address of the wanted kind.
struct Ec2Page {
  std::vector<Endpoint> endpoints;
  std::string next_token;  // empty: it is the last page
};
/// Nothing where it is no answer to the question.
std::optional<Ec2Page> page_of(std::string_view answer, const Ec2Discovery& what);

/// Whether two of them have the same endpoints: they ask the same, as one account.
bool same_endpoints(const Ec2Discovery& one, const Ec2Discovery& other);

}  // namespace tidegate::proxy::aws
