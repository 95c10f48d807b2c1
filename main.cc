// tidegate version | tidegate validate DIR...
#include <cstdio>
#include <string>
#include <vector>

#include "config/directory.h"
#include "config/problem.h"

namespace {

constexpr char kUsage[] =
    "usage: tidegate validate DIR...   load and report, one line a problem\n"
    "       tidegate version\n";

/// Exit status as INTERFACE says: 1 where there was any error, 0 with only warnings.
int validate(std::vector<std::string> paths) {
  tidegate::config::Directory directory(std::move(paths));
  bool wrong = false;
  for (const tidegate::config::Problem& problem : directory.load().problems) {
    std::printf("%s\n", to_string(problem).c_str());
    wrong = wrong || problem.severity == tidegate::config::Severity::kError;
  }
  return wrong ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 1 && words[0] == "version") {
    std::puts("tidegate 0.1.0");
    return 0;
  }
  if (words.size() >= 2 && words[0] == "validate") return validate({words.begin() + 1, words.end()});
  std::fputs(kUsage, stderr);
  return 2;
}
