#include "proxy/aws/sigv4.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace tidegate::proxy::aws {
namespace {

using Digest = std::array<unsigned char, 32>;

std::string hex(const Digest& bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) out += {kHex[byte >> 4U], kHex[byte & 15U]};
  return out;
}

Digest hmac(std::string_view key, std::string_view text) {
  Digest out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return out;
}
std::string_view view(const Digest& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// Everything but unreserved characters (and those of `kept`) as "%XX".
void encode(std::string_view text, std::string_view kept, std::string& out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (unreserved(c) || kept.find(c) != kept.npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
}

/// Without empty segments, "." and "..", and encoded once more than it is sent.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> parts;
  const bool ends = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  std::string out;
  for (const std::string_view part : parts) {
    out += '/';
    encode(part, "", out);
  }
  if (out.empty() || ends) out += '/';
  return out;
}

/// Sorted by name, then value; as they are sent, which is encoded already, but for what is not.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> all;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    const std::size_t equals = std::min(one.find('='), one.size());
    auto& [name, value] = all.emplace_back();
    encode(one.substr(0, equals), "%", name);
    encode(one.substr(std::min(equals + 1, one.size())), "%", value);
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::sort(all.begin(), all.end());
  std::string out;
  for (const auto& [name, value] : all) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

/// Sorted by name; values of one name joined by commas in their order.
std::vector<std::pair<std::string, std::string>> canonical_fields(const Signable& request) {
  std::vector<std::pair<std::string, std::string>> sorted = request.fields;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& [name, value] : sorted) {
    if (!out.empty() && out.back().first == name) {
      out.back().second += "," + trimmed(value);
    } else {
      out.emplace_back(std::move(name), trimmed(value));
    }
  }
  return out;
}

std::string signed_names(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

}  // namespace

std::string hash_of(std::string_view bytes) {
  Digest out{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_sha256(), nullptr);
  return hex(out);
}

std::string date_of(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string canonical_request(const Signable& request) {
  const std::size_t mark = std::min(request.path.find('?'), request.path.size());
  const std::string_view query = request.path.substr(std::min(mark + 1, request.path.size()));
  const auto fields = canonical_fields(request);
  std::string out(request.method);
  out += '\n' + canonical_path(request.path.substr(0, mark)) + '\n' + canonical_query(query) + '\n';
  for (const auto& [name, value] : fields) out += name + ':' + value + '\n';
  out += '\n' + signed_names(fields) + '\n' + request.payload_hash;
  return out;
}

std::string authorization(const Signable& request, const AwsCredentials& credentials, Scope scope,
                          std::string_view date) {
  const std::string_view day = date.substr(0, 8);
  const std::string credential =
      fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, credential,
                                          hash_of(canonical_request(request)));
  const Secret first("AWS4" + std::string(credentials.secret_key.reveal()));
  Digest key = hmac(first.reveal(), day);
  for (const std::string_view part :
       {scope.region, scope.service, std::string_view("aws4_request")})
    key = hmac(view(key), part);
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                     credentials.access_key.reveal(), credential,
                     signed_names(canonical_fields(request)), hex(hmac(view(key), to_sign)));
}

}  // namespace tidegate::proxy::aws
