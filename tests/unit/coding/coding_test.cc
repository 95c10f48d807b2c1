#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "proxy/coding/coder.h"

using namespace tidegate::proxy::coding;

namespace {

const Coding kAll[] = {Coding::kGzip, Coding::kBrotli, Coding::kZstd};

std::string chosen(std::string_view accept, std::vector<Coding> offered) {
  auto found = negotiate(accept, offered);
  return found ? std::string(name(*found)) : "identity";
}

/// Some text that is worth compressing and is no run of one letter.
std::string text(std::size_t bytes) {
  std::string out;
  for (std::size_t i = 0; out.size() < bytes; ++i) out += "line " + std::to_string(i * i) + "\n";
  out.resize(bytes);
  return out;
}

std::string coded(Coding coding, const std::string& from) {
  std::string out;
  REQUIRE(encoder(coding)->put(from, Flush::kFinish, out));
  return out;
}

}  // namespace

TEST_CASE("the client's rating decides, then its order, then ours", "[coding][rfc9110-12.5.3]") {
  const std::vector<Coding> all = {Coding::kBrotli, Coding::kGzip, Coding::kZstd};
  CHECK(chosen("gzip", all) == "gzip");
  CHECK(chosen("gzip, br", all) == "gzip");
  CHECK(chosen("gzip;q=0.8, br;q=0.9", all) == "br");
  CHECK(chosen("GZIP ; q=0.5 , x-unknown", all) == "gzip");
  CHECK(chosen("x-gzip", all) == "gzip");
  CHECK(chosen("br", {Coding::kGzip}) == "identity");
  CHECK(chosen("*", all) == "br");
  CHECK(chosen("gzip;q=0.2, *", all) == "br");
  CHECK(chosen("br;q=0, *;q=0.1", all) == "gzip");
  CHECK(chosen("gzip;q=0", all) == "identity");
  CHECK(chosen("*;q=0", all) == "identity");
  CHECK(chosen("identity", all) == "identity");
  CHECK(chosen("identity;q=1, gzip;q=0.5", all) == "identity");
  CHECK(chosen("identity;q=0.5, gzip", all) == "gzip");
  CHECK(chosen("gzip;q=1.5", all) == "identity");
  CHECK(chosen("gzip;q=", all) == "identity");
  CHECK(chosen("gzip;level=1", all) == "identity");
  CHECK(chosen("", all) == "identity");
  CHECK(chosen(",,gzip,,", all) == "gzip");
}

TEST_CASE("what goes in comes out, whole and byte by byte", "[coding]") {
  for (Coding coding : kAll) {
    INFO(name(coding));
    for (std::size_t size : {0, 1, 100, 100'000}) {
      const std::string plain = text(size);
      std::unique_ptr<Coder> in = encoder(coding);
      std::unique_ptr<Coder> out = decoder(coding);
      std::string packed;
      for (std::size_t i = 0; i < plain.size(); i += 777)
        REQUIRE(in->put(std::string_view(plain).substr(i, 777), Flush::kNone, packed));
      REQUIRE(in->put({}, Flush::kFinish, packed));
      if (size > 1000) CHECK(packed.size() < size / 2);
      std::string unpacked;
      for (char& c : packed) REQUIRE(out->put({&c, 1}, Flush::kNone, unpacked));
      REQUIRE(out->put({}, Flush::kFinish, unpacked));
      CHECK(unpacked == plain);
    }
  }
}

TEST_CASE("a flush gives the client all that was said so far", "[coding]") {
  for (Coding coding : kAll) {
    INFO(name(coding));
    std::unique_ptr<Coder> in = encoder(coding);
    std::unique_ptr<Coder> out = decoder(coding);
    std::string unpacked;
    for (int i = 0; i < 3; ++i) {
      std::string packed;
      REQUIRE(in->put(std::string_view("event\n"), Flush::kNow, packed));
      REQUIRE(out->put(packed, Flush::kNone, unpacked));
      CHECK(unpacked.size() == 6U * (i + 1));
    }
  }
}

TEST_CASE("what is cut short or no coding is refused", "[coding]") {
  for (Coding coding : kAll) {
    INFO(name(coding));
    const std::string packed = coded(coding, text(5000));
    std::string out;
    CHECK(!decoder(coding)->put(std::string_view(packed).substr(0, packed.size() - 1),
                                Flush::kFinish, out));
    CHECK(!decoder(coding)->put(std::string_view(), Flush::kFinish, out));
    CHECK(!decoder(coding)->put(std::string_view("this is not compressed at all, is it?"),
                                Flush::kFinish, out));
    for (std::size_t i = 0; i < packed.size(); i += 7) {
      std::string changed = packed;
      changed[i] = static_cast<char>(changed[i] ^ 0x55);
      std::string sink;
      decoder(coding)->put(changed, Flush::kFinish, sink);  // an error or not: never more
    }
  }
}

TEST_CASE("a bomb is stopped by its ratio", "[coding]") {
  for (Coding coding : kAll) {
    INFO(name(coding));
    const std::string bomb = coded(coding, std::string(50'000'000, 'x'));
    std::string out;
    CHECK(!decoder(coding)->put(bomb, Flush::kFinish, out));
    CHECK(out.size() < 10'000'000);
    std::string modest;
    CHECK(decoder(coding)->put(coded(coding, std::string(60'000, 'x')), Flush::kFinish, modest));
  }
}

TEST_CASE("gzip members and zstd frames may follow each other", "[coding]") {
  for (Coding coding : {Coding::kGzip, Coding::kZstd}) {
    std::string out;
    CHECK(decoder(coding)->put(coded(coding, "one ") + coded(coding, "two"), Flush::kFinish, out));
    CHECK(out == "one two");
  }
}
