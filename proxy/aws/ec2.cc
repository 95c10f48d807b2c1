#include "proxy/aws/ec2.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <map>

#include "base/result.h"
#include "proxy/aws/xml.h"
#include "proxy/http/percent.h"

namespace tidegate::proxy::aws {
namespace {

constexpr int kInstancesOfPage = 400;  // some 10 KB each: well below what an answer may have

/// In a filter's value "*" and "?" stand for other characters.
std::string literal(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '*' || c == '?' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool has_tags(const XmlElement& instance, const std::vector<Ec2Tag>& tags) {
  const XmlElement* all = instance.find("tagSet");
  return std::all_of(tags.begin(), tags.end(), [all](const Ec2Tag& wanted) {
    return all && std::any_of(all->children.begin(), all->children.end(), [&](const auto& tag) {
             return tag.value("key") == wanted.key &&
                    (!wanted.value || tag.value("value") == *wanted.value);
           });
  });
}

/// Nothing where it is none of ours.
std::optional<Endpoint> endpoint_of(const XmlElement& instance, const Ec2Discovery& what) {
  if (instance.value("instanceState/name") != "running" || !has_tags(instance, what.tags))
    return std::nullopt;
  Endpoint out;
  out.host = instance.value(what.public_address ? "ipAddress" : "privateIpAddress");
  error_code not_an_address;
  boost::asio::ip::make_address(out.host, not_an_address);
  if (not_an_address) return std::nullopt;
  out.port = what.port;
  out.zone = instance.value("placement/availabilityZone");
  return out;
}

}  // namespace

std::string describe_instances(const Ec2Discovery& what, std::string_view next_token) {
  std::string out =
      fmt::format("Action=DescribeInstances&Version=2016-11-15&MaxResults={}", kInstancesOfPage);
  std::map<std::string, std::string> filters{{"instance-state-name", "running"}};
  for (const Ec2Tag& tag : what.tags) {
    std::string& value = filters["tag:" + tag.key];
    if (value.empty() || value == "*") value = tag.value ? literal(*tag.value) : "*";
  }
  int number = 0;
  for (const auto& [name, value] : filters) {
    ++number;
    out += fmt::format("&Filter.{}.Name={}&Filter.{}.Value.1={}", number,
                       http::percent_encode(name), number, http::percent_encode(value));
  }
  if (!next_token.empty()) out += "&NextToken=" + http::percent_encode(next_token);
  return out;
}

std::optional<Ec2Page> page_of(std::string_view answer, const Ec2Discovery& what) {
  const std::unique_ptr<XmlElement> document = parse_xml(answer);
  if (!document || document->name != "DescribeInstancesResponse") return std::nullopt;
  Ec2Page out;
  out.next_token = document->value("nextToken");
  const XmlElement* reservations = document->find("reservationSet");
  if (!reservations) return std::nullopt;
  for (const XmlElement& reservation : reservations->children) {
    const XmlElement* instances = reservation.find("instancesSet");
    if (!instances) continue;
    for (const XmlElement& instance : instances->children) {
      if (std::optional<Endpoint> one = endpoint_of(instance, what))
        out.endpoints.push_back(std::move(*one));
    }
  }
  return out;
}

namespace {

/// Whether both are of one account for sure: a role is of one, whoever takes it. Other keys may be
/// another's.
bool same_account(const AwsIdentity& one, const AwsIdentity& other) {
  if (one.role_arn != other.role_arn) return false;
  if (!one.role_arn.empty()) return true;
  if (one.credentials.has_value() != other.credentials.has_value()) return false;
  if (one.credentials) return one.credentials->access_key == other.credentials->access_key;
  if (one.source.has_value() != other.source.has_value()) return false;
  return !one.source ||
         (one.source->kind == other.source->kind && one.source->role_arn == other.source->role_arn);
}

}  // namespace

bool same_endpoints(const Ec2Discovery& one, const Ec2Discovery& other) {
  return same_account(one.identity, other.identity) &&
         one.identity.region == other.identity.region && one.api_authority == other.api_authority &&
         one.port == other.port && one.public_address == other.public_address &&
         one.tags == other.tags;
}

}  // namespace tidegate::proxy::aws
