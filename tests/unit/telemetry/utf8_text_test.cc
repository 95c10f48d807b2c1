#include "proxy/telemetry/utf8_text.h"

#include <catch2/catch.hpp>
#include <utility>

#include "proto_tree.h"
#include "proxy/telemetry/otlp.h"

using namespace tidegate::proxy;

TEST_CASE("what is not UTF-8 does not spoil a message", "[otlp][utf8]") {
  for (const auto& [text, expected] :
       {std::pair<std::string, std::string>("plain", "plain"),
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff", "!"},
        {"a\x80z", "a!z"},
        {"\xc3", "!"},
        {"\xe2\x82", "!!"},
        {"\xc0\xaf", "!!"},            // overlong
        {"\xed\xa0\x80", "!!!"},       // a surrogate
        {"\xf4\x90\x80\x80", "!!!!"},  // beyond Unicode
        {"", ""}}) {
    rpc::ProtoWriter out;
    telemetry::write_text(out, 1, text);
    CHECK(ProtoTree(out.data()).at(1).bytes == expected);
    rpc::ProtoWriter pair;
    telemetry::add_attribute(pair, 1, "key", text);
    CHECK(ProtoTree(pair.data()).attribute(1, "key") == expected);
  }
}
