#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::fuzz {

#define TARGET(name) void name(std::string_view bytes);
TIDEGATE_FUZZ_TARGETS
#undef TARGET

namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view bytes);
};
#define TARGET(name) Target{#name, name},
constexpr Target kTargets[] = {TIDEGATE_FUZZ_TARGETS};
#undef TARGET

std::vector<std::filesystem::path> corpus_of(const std::string& target) {
  std::vector<std::filesystem::path> out;
  for (const auto& file : std::filesystem::directory_iterator("tests/fuzz/corpus/" + target))
    out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("every corpus passes its fuzz target", "[fuzz]") {
  for (const Target& target : kTargets) {
    const std::vector<std::filesystem::path> files = corpus_of(target.name);
    CHECK_FALSE(files.empty());
    target.run({});
    for (const std::filesystem::path& path : files) {
      INFO(path);
      std::ifstream file(path, std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(file)), {});
      target.run(bytes);
      CHECK_FALSE(bytes.empty());
    }
  }
}

}  // namespace tidegate::fuzz
