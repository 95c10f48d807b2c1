#include "controlloop/read_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "config/kinds/kgateway/backend_config_policy.h"

namespace tidegate::controlloop {
namespace {

constexpr std::size_t kBytesMax = 1024 * 1024;

translate::NamedFile failed(std::string problem) {
  translate::NamedFile out;
  out.problem = std::move(problem);
  return out;
}

translate::NamedFile read_open(int file) {
  struct stat about{};
  if (::fstat(file, &about) != 0) return failed(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return failed("it is no regular file");
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t size = ::read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(std::strerror(errno));
    if (size == 0) break;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > kBytesMax) return failed("it is larger than 1 MiB");
  }
  translate::NamedFile out;
  out.text = Secret(std::move(text));
  return out;
}

}  // namespace

std::vector<std::string> named_files(const config::ObjectSet& objects) {
  std::set<std::string> out;
  for (const auto& [key, policy] : objects.all<config::kgateway::BackendConfigPolicy>()) {
    if (!policy->tls || !policy->tls->files) continue;
    const auto& files = *policy->tls->files;
    for (const auto& path : {files.tls_certificate, files.tls_key, files.root_ca}) {
      if (path) out.insert(*path);
    }
  }
  return {out.begin(), out.end()};
}

translate::NamedFiles read_files(const std::vector<std::string>& paths) {
  translate::NamedFiles out;
  for (const std::string& path : paths) {
    // Not to wait for the writer of a pipe.
    const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    out[path] = file < 0 ? failed(std::strerror(errno)) : read_open(file);
    if (file >= 0) ::close(file);
  }
  return out;
}

}  // namespace tidegate::controlloop
