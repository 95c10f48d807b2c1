#include "proxy/telemetry/access_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

using namespace tidegate::proxy;
using telemetry::AccessLogs;
using telemetry::LogWriter;

namespace {

/// A directory that goes with the test.
struct Directory {
  std::filesystem::path path;
  Directory() {
    char name[] = "/tmp/access-log-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

AccessLog text_log(const std::string& path, const char* format) {
  AccessLog out;
  out.path = path;
  out.text = format;
  return out;
}

format::Values answered(int status) {
  format::Values out;
  out.status = status;
  return out;
}

}  // namespace

TEST_CASE("each log gets the entries that its filter lets pass", "[access-log]") {
  Directory directory;
  std::vector<std::string> problems;
  AccessLog errors = text_log(directory.file("errors"), "%RESPONSE_CODE%\n");
  errors.filter.emplace();
  errors.filter->kind = LogFilter::Kind::kStatus;
  errors.filter->comparison = LogFilter::Comparison::kAtLeast;
  errors.filter->value = 500;
  AccessLog all;
  all.path = directory.file("all");
  all.json = R"({"status": "%RESPONSE_CODE%"})";
  {
    LogWriter writer(2);
    auto logs = AccessLogs::compile({errors, all}, writer, problems);
    REQUIRE(problems.empty());
    logs->write(0, answered(200));
    logs->write(1, answered(503));
  }
  CHECK(content(errors.path) == "503\n");
  CHECK(content(all.path) == "{\"status\":200}\n{\"status\":503}\n");
}

TEST_CASE("two logs of one path share the file, and lines stay whole", "[access-log]") {
  Directory directory;
  std::vector<std::string> problems;
  const AccessLog config = text_log(directory.file("log"), "%RESPONSE_CODE% line\n");
  constexpr int kLines = 20'000;
  {
    LogWriter writer(2);
    auto one = AccessLogs::compile({config}, writer, problems);
    auto other = AccessLogs::compile({config}, writer, problems);
    std::thread first([&] {
      for (int i = 0; i < kLines; ++i) one->write(0, answered(200));
    });
    for (int i = 0; i < kLines; ++i) other->write(1, answered(404));
    first.join();
  }
  std::istringstream lines(content(config.path));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    ++count;
    REQUIRE((line == "200 line" || line == "404 line"));
  }
  CHECK(count == 2 * kLines);
}

TEST_CASE("a file that was moved away is begun anew", "[access-log]") {
  Directory directory;
  std::vector<std::string> problems;
  const AccessLog config = text_log(directory.file("log"), "%RESPONSE_CODE%\n");
  {
    LogWriter writer(1);
    auto logs = AccessLogs::compile({config}, writer, problems);
    logs->write(0, answered(200));
    writer.reopen();  // writes what is there first
    std::filesystem::rename(config.path, directory.file("log.1"));
    writer.reopen();
    logs->write(0, answered(404));
  }
  CHECK(content(directory.file("log.1")) == "200\n");
  CHECK(content(config.path) == "404\n");
}

TEST_CASE("a log that cannot be written is told and left out", "[access-log]") {
  LogWriter writer(1);
  std::vector<std::string> problems;
  auto logs = AccessLogs::compile(
      {text_log("/nonexistent/log", "x\n"), text_log("/dev/null", "%NOPE%\n")}, writer, problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0] == "access log /nonexistent/log: No such file or directory");
  CHECK(problems[1].find("NOPE") != std::string::npos);
  logs->write(0, answered(200));
}

TEST_CASE("a FIFO without a reader is an error, not a wait", "[telemetry]") {
  const std::string path = "/tmp/tidegate-fifo-" + std::to_string(::getpid());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  LogWriter writer(1);
  CHECK(writer.file(path).error() == boost::system::errc::no_such_device_or_address);
  ::unlink(path.c_str());
}
