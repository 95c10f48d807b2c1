#include "proxy/aws/ec2.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "proxy/aws/backoff.h"
#include "proxy/aws/xml.h"

using namespace tidegate;
using namespace tidegate::proxy;

namespace {

Ec2Discovery wanted() {
  Ec2Discovery out;
  out.port = 8080;
  return out;
}

std::string instance(std::string_view state, std::string_view address, std::string_view more = "") {
  return fmt::format(
      "<item><instanceState><code>0</code><name>{}</name></instanceState>"
      "<privateIpAddress>{}</privateIpAddress><placement><availabilityZone>eu-west-1a"
      "</availabilityZone></placement>{}</item>",
      state, address, more);
}

std::string answer(const std::string& instances, std::string_view more = "") {
  return fmt::format(
      "<DescribeInstancesResponse><reservationSet><item><instancesSet>{}</instancesSet></item>"
      "<item/></reservationSet>{}</DescribeInstancesResponse>",
      instances, more);
}

std::vector<std::string> hosts(const std::string& text, const Ec2Discovery& what) {
  const auto page = aws::page_of(text, what);
  REQUIRE(page);
  std::vector<std::string> out;
  for (const Endpoint& one : page->endpoints) out.push_back(one.host);
  return out;
}

using Hosts = std::vector<std::string>;

}  // namespace

TEST_CASE("EC2 is asked for running instances with all tags", "[ec2]") {
  Ec2Discovery what = wanted();
  CHECK(aws::describe_instances(what, "") ==
        "Action=DescribeInstances&Version=2016-11-15&MaxResults=400"
        "&Filter.1.Name=instance-state-name&Filter.1.Value.1=running");
  // A key that is wanted twice is one filter: the one that says more.
  what.tags = {{"app", "a*b"}, {"app", std::nullopt}, {"x y", std::nullopt}};
  CHECK(
      aws::describe_instances(what, "t=1")
          .ends_with("&Filter.2.Name=tag%3Aapp&Filter.2.Value.1=a%5C%2Ab&Filter.3.Name=tag%3Ax%20y"
                     "&Filter.3.Value.1=%2A&NextToken=t%3D1"));
}

TEST_CASE("instances that do not run, or have no address, are no endpoints", "[ec2]") {
  const auto page =
      aws::page_of(answer(instance("running", "10.0.0.1") + instance("stopped", "10.0.0.2") +
                              instance("running", "") + instance("running", "no.address") +
                              instance("running", "2001:db8::1"),
                          "<nextToken>more</nextToken>"),
                   wanted());
  REQUIRE(page);
  CHECK(page->next_token == "more");
  REQUIRE(page->endpoints.size() == 2);
  CHECK(page->endpoints[0] == Endpoint{"10.0.0.1", 8080, 1, "eu-west-1a"});
  CHECK(page->endpoints[1].host == "2001:db8::1");
}

TEST_CASE("a public address may be wanted", "[ec2]") {
  Ec2Discovery what = wanted();
  what.public_address = true;
  CHECK(hosts(answer(instance("running", "10.0.0.1", "<ipAddress>192.0.2.1</ipAddress>") +
                     instance("running", "10.0.0.2")),
              what) == Hosts{"192.0.2.1"});
}

TEST_CASE("an instance must have every tag, whatever the service selected", "[ec2]") {
  Ec2Discovery what = wanted();
  what.tags = {{"a", "1 & 2"}, {"b", std::nullopt}};
  auto tags = [](std::string_view items) { return fmt::format("<tagSet>{}</tagSet>", items); };
  const std::string a = "<item><key>a</key><value>1 &amp; 2</value></item>";
  CHECK(hosts(answer(instance("running", "10.0.0.1", tags(a + "<item><key>b</key></item>")) +
                     instance("running", "10.0.0.2", tags(a)) + instance("running", "10.0.0.3")),
              what) == Hosts{"10.0.0.1"});
  what.tags = {{"a", "1"}};
  CHECK(hosts(answer(instance("running", "10.0.0.1", tags(a))), what).empty());
}

TEST_CASE("what is no answer of EC2 is none", "[ec2]") {
  CHECK(hosts("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>", wanted())
            .empty());
  std::string many = "<DescribeInstancesResponse>";
  for (int i = 0; i < 600'000; ++i) many += "<a/>";
  for (const std::string& wrong :
       {std::string(), std::string("{}"), std::string("<Response/>"),
        std::string("<DescribeInstancesResponse/>"), many + "</DescribeInstancesResponse>"})
    CHECK_FALSE(aws::page_of(wrong, wanted()));
}

TEST_CASE("how often it is asked does not change what there is", "[ec2]") {
  Ec2Discovery other = wanted();
  other.refresh = std::chrono::seconds(1);
  CHECK(aws::same_endpoints(wanted(), other));
  other.port = 81;
  CHECK_FALSE(aws::same_endpoints(wanted(), other));
  other = wanted();
  other.tags = {{"a", std::nullopt}};
  CHECK_FALSE(aws::same_endpoints(wanted(), other));
}

TEST_CASE("the wait for another try grows to its limit and no further", "[ec2]") {
  using Time = aws::Backoff::Time;
  Random random(1);
  aws::Backoff retry(Time(1000), Time(30000));
  Time whole(1000);
  for (int i = 0; i < 100; ++i) {
    const Time next = retry.next(random);
    CHECK(next <= whole);
    CHECK(next >= whole * 3 / 4);
    whole = std::min(whole * 2, Time(30000));
  }
  retry.reset();
  CHECK(retry.next(random) <= Time(1000));
  CHECK(aws::Backoff(Time(1000), Time(10)).next(random) <= Time(10));
}

TEST_CASE("endpoints stay where another question is one for the same", "[ec2]") {
  Ec2Discovery one = wanted();
  one.identity.credentials = AwsCredentials{Secret("AKID"), Secret("a"), Secret()};
  Ec2Discovery other = one;
  CHECK(aws::same_endpoints(one, other));
  other.refresh = std::chrono::seconds(1);
  CHECK(aws::same_endpoints(one, other));
  other.identity.credentials->access_key = Secret("ANOTHER");
  CHECK_FALSE(aws::same_endpoints(one, other));  // perhaps another account's
  one.identity.role_arn = other.identity.role_arn = "arn:aws:iam::1:role/reader";
  CHECK(aws::same_endpoints(one, other));  // a role is of one account, whoever takes it
  other.identity.role_arn = "arn:aws:iam::2:role/reader";
  CHECK_FALSE(aws::same_endpoints(one, other));
  other = wanted();
  other.identity.source.emplace();
  CHECK_FALSE(aws::same_endpoints(wanted(), other));
}
