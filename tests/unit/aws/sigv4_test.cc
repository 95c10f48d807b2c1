#include "proxy/aws/sigv4.h"

#include <catch2/catch.hpp>

using namespace tidegate;
using namespace tidegate::proxy;

namespace {

/// The credentials, time and scope of Amazon's published test suite.
const AwsCredentials kCredentials{Secret("AKIDEXAMPLE"),
                                  Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
constexpr std::string_view kDate = "20150830T123600Z";
constexpr aws::Scope kScope{"us-east-1", "service"};

aws::Signable request(std::string_view method, std::string_view path) {
  aws::Signable out;
  out.method = method;
  out.path = path;
  out.fields = {{"x-amz-date", std::string(kDate)}, {"host", "example.amazonaws.com"}};
  out.payload_hash = aws::hash_of("");
  return out;
}

std::string signature(const aws::Signable& signable, aws::Scope scope = kScope) {
  const std::string all = aws::authorization(signable, kCredentials, scope, kDate);
  return all.substr(all.rfind('=') + 1);
}

std::string path_of(std::string_view path) {
  const std::string all = aws::canonical_request(request("GET", path));
  const std::size_t begin = all.find('\n') + 1;
  return all.substr(begin, all.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("requests of the published test suite get its signatures", "[sigv4]") {
  CHECK(aws::authorization(request("GET", "/"), kCredentials, kScope, kDate) ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  CHECK(signature(request("POST", "/")) ==
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  CHECK(signature(request("GET", "/?Param2=value2&Param1=value1")) ==
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  aws::Signable form = request("POST", "/");
  form.fields.emplace_back("content-type", "application/x-www-form-urlencoded");
  form.payload_hash = aws::hash_of("Param1=value1");
  CHECK(signature(form) == "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  // The example of the documentation.
  aws::Signable users = request("GET", "/?Action=ListUsers&Version=2010-05-08");
  users.fields = {{"host", "iam.amazonaws.com"},
                  {"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                  {"x-amz-date", std::string(kDate)}};
  CHECK(signature(users, {"us-east-1", "iam"}) ==
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST_CASE("the canonical request has one spelling", "[sigv4]") {
  aws::Signable signable = request("GET", "/");
  signable.fields = {{"my-header1", "  value1   value2 "}, {"host", "h"}, {"my-header1", "a"}};
  CHECK(aws::canonical_request(signable) ==
        "GET\n/\n\nhost:h\nmy-header1:value1 value2,a\n\nhost;my-header1\n" + aws::hash_of(""));
  CHECK(path_of("/") == "/");
  CHECK(path_of("//") == "/");
  CHECK(path_of("/example/..") == "/");
  CHECK(path_of("/./example//x/") == "/example/x/");
  CHECK(path_of("/2015-03-31/functions/arn:aws:f:$LATEST/invocations") ==
        "/2015-03-31/functions/arn%3Aaws%3Af%3A%24LATEST/invocations");
  CHECK(path_of("/a%20b") == "/a%2520b");
  const std::string query = aws::canonical_request(request("GET", "/?b&a=2&a=1%20&a-=x"));
  CHECK(query.find("\na=1%20&a=2&a-=x&b=\n") != query.npos);
}

TEST_CASE("a date is the one of UTC, to the second", "[sigv4]") {
  CHECK(aws::date_of(std::chrono::system_clock::from_time_t(1440938160)) == kDate);
  CHECK(aws::hash_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
