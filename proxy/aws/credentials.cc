#include "proxy/aws/credentials.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace tidegate::proxy::aws {
namespace {

constexpr std::size_t kFileMax = 1024UL * 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::optional<AwsCredentials> of_profile(std::string_view file, std::string_view profile) {
  std::string access;
  std::string secret;
  std::string token;
  bool inside = false;
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    const std::string_view line = trimmed(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      inside = line.ends_with(']') && trimmed(line.substr(1, line.size() - 2)) == profile;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || equals == line.npos) continue;
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") access = value;
    if (name == "aws_secret_access_key") secret = value;
    if (name == "aws_session_token") token = value;
  }
  if (access.empty() || secret.empty()) return std::nullopt;
  return AwsCredentials{Secret(std::move(access)), Secret(std::move(secret)),
                        Secret(std::move(token))};
}

std::optional<AwsCredentials> of_environment() {
  std::string access = variable("AWS_ACCESS_KEY_ID");
  std::string secret = variable("AWS_SECRET_ACCESS_KEY");
  if (!access.empty() && !secret.empty()) {
    return AwsCredentials{Secret(std::move(access)), Secret(std::move(secret)),
                          Secret(variable("AWS_SESSION_TOKEN"))};
  }
  std::string path = variable("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = variable("HOME") + "/.aws/credentials";
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kFileMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const Secret all(text.substr(0, static_cast<std::size_t>(file.gcount())));
  std::string profile = variable("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  return of_profile(all.reveal(), profile);
}

}  // namespace tidegate::proxy::aws
