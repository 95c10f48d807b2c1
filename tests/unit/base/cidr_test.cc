#include "base/cidr.h"

#include <catch2/catch.hpp>

using namespace tidegate;

TEST_CASE("ranges are read, and what is none is told") {
  CHECK(parse_cidr("10.0.0.0/8").cidr->bits == 104);
  CHECK(parse_cidr("192.0.2.1").cidr->bits == 128);
  CHECK(parse_cidr("2001:db8::/32").cidr->bits == 32);
  CHECK(parse_cidr("::1").cidr->bits == 128);
  CHECK(parse_cidr("0.0.0.0/0").cidr->bits == 96);
  for (const char* bad :
       {"", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0/8", "1.2.3.4.5", "::/129",
        "::/0128", "10.0.0.0/-1", "10.0.0.0/8/8", "[::1]", "::1%eth0"}) {
    INFO(bad);
    CHECK(!parse_cidr(bad).cidr);
    CHECK(!parse_cidr(bad).problem.empty());
  }
  CHECK(parse_cidr("172.18.0.0/12").problem ==
        "\"172.18.0.0/12\" has bits behind its prefix; 172.16.0.0/12 was meant?");
}

TEST_CASE("the longest prefix wins, whatever the order") {
  CidrTable table;
  const char* ranges[] = {"10.0.0.0/8", "10.1.2.3", "10.1.0.0/16", "2001:db8::/32", "::/0"};
  for (std::size_t i = 0; i < std::size(ranges); ++i) table.add(*parse_cidr(ranges[i]).cidr, i);
  auto find = [&](const char* address) { return table.find(*parse_ip(address)); };
  CHECK(find("10.1.2.3") == 1U);
  CHECK(find("10.1.2.4") == 2U);
  CHECK(find("10.2.0.1") == 0U);
  CHECK(find("2001:db8::5") == 3U);
  CHECK(find("::ffff:10.1.2.3") == 1U);  // IPv4 over a dual-stack socket
  CHECK(find("2002::") == 4U);
  CidrTable few;
  few.add(*parse_cidr("10.0.0.0/8").cidr, 0);
  CHECK(!few.find(*parse_ip("8.8.8.8")));
  CHECK(!few.find(*parse_ip("::1")));
}
