// What reads heads many bytes at a time, held against what looks at each byte by itself.
#include "proxy/http1/scan.h"

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http1/parser.h"

namespace http = tidegate::proxy::http;
namespace http1 = tidegate::proxy::http1;
namespace scan = tidegate::proxy::http1::scan;
using http1::HeadError;

namespace {

/// Bytes that end where their allocation ends: a sanitizer sees what reads on.
class Exact {
 public:
  explicit Exact(std::string_view text) : size_(text.size()), bytes_(new char[size_]) {
    text.copy(bytes_.get(), size_);
  }
  char& operator[](std::size_t at) { return bytes_[at]; }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

bool is(char c, http::CharacterClass wanted) {
  return (http::kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

std::size_t plain_end(std::string_view text, http::CharacterClass wanted) {
  std::size_t at = 0;
  while (at < text.size() && is(text[at], wanted)) ++at;
  return at;
}

/// Every byte at every place of runs of `fill` around one, two and three blocks, from where each
/// may begin.
template <class Scan>
void holds(Scan scan, http::CharacterClass wanted, const char* fill) {
  const std::string pattern(fill);
  for (std::size_t size = 0; size <= 50; ++size) {
    std::string run;
    while (run.size() < size) run += pattern;
    Exact bytes(run.substr(0, size));
    const std::size_t skipped = size % 3;
    for (std::size_t at = 0; at < size; ++at) {
      const char kept = bytes[at];
      for (int c = 0; c < 256; ++c) {
        bytes[at] = static_cast<char>(c);
        const std::string_view text = bytes.view().substr(std::min(skipped, at));
        const char* end = scan(text.data(), text.data() + text.size());
        if (end != text.data() + plain_end(text, wanted)) {
          FAIL("byte " << c << " at " << at << " of " << size);
        }
      }
      bytes[at] = kept;
    }
    const std::string_view text = bytes.view();
    REQUIRE(scan(text.data(), text.data() + size) == text.data() + plain_end(text, wanted));
  }
}

std::size_t plain_line_end(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (text.substr(at).starts_with("\n\n") || text.substr(at).starts_with("\n\r\n")) return at;
  }
  return text.size();
}

template <class Machine>
void scans_as_plainly() {
  holds(scan::value_end<Machine>, http::kValue, "text/html, \x80\xff\t*;q=0.8 ~");
  holds(scan::token_end<Machine>, http::kToken, "Accept-Encoding-0189-azAZ");
  holds(scan::token_end<Machine>, http::kToken, "x_y.Z!#$%&'*+-^`|~");
  holds(scan::target_end<Machine>, http::kTarget, "/a/b?c=%20&d=~!\"");

  std::mt19937 random(1);
  for (int round = 0; round < 100000; ++round) {
    std::string text(random() % 100, ' ');
    const bool lines = round % 2 == 0;  // mostly text, or mostly ends of lines
    for (char& c : text)
      c = "\n\r\x0b\x0d\x80 abcdefghijklmnopqrstuvw"[random() % (lines ? 5 : 28)];
    const Exact bytes(text);
    const std::size_t from = random() % 5;
    REQUIRE(scan::last_line_end<Machine>(bytes.view(), from) == plain_line_end(text, from));
  }
}

struct Head {
  std::optional<HeadError> wrong;
  std::string_view method, path;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// A head without fields that frame, as RFC 9112 has it, line by line.
Head read_plainly(std::string_view head, std::size_t fields_max) {
  Head out;
  const auto refuse = [&out](HeadError wrong) {
    out.wrong = wrong;
    return out;
  };
  const auto take_line = [&head]() -> std::optional<std::string_view> {
    const std::size_t feed = head.find('\n');
    if (feed == head.npos || feed == 0 || head[feed - 1] != '\r') return std::nullopt;
    const std::string_view line = head.substr(0, feed - 1);
    head.remove_prefix(feed + 1);
    return line;
  };
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  auto line = take_line();
  if (!line || line->find(' ') == line->npos) return refuse(HeadError::kBadRequestLine);
  const std::size_t first = line->find(' ');
  const std::size_t last = line->rfind(' ');
  out.method = line->substr(0, first);
  if (first == 0 || first > 32 || plain_end(out.method, http::kToken) != first)
    return refuse(HeadError::kBadMethod);
  if (first == last) return refuse(HeadError::kBadRequestLine);
  out.path = line->substr(first + 1, last - first - 1);
  const bool bad =
      !out.path.starts_with('/') || plain_end(out.path, http::kTarget) < out.path.size();
  const std::string_view version = line->substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool known = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' &&
                       version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
                       version[7] <= '9';
    if (known) return refuse(HeadError::kBadVersion);
    const bool http = line->find("HTTP/") != line->npos;
    return refuse(bad && !http ? HeadError::kNotHttp : HeadError::kBadRequestLine);
  }
  if (bad) return refuse(HeadError::kBadTarget);

  int hosts = 0;
  std::string_view host;
  for (std::size_t count = 1;; ++count) {
    line = take_line();
    if (!line) return refuse(HeadError::kBadField);
    if (line->empty()) break;
    if (count > fields_max) return refuse(HeadError::kTooManyFields);
    if (line->front() == ' ' || line->front() == '\t') return refuse(HeadError::kFolded);
    const std::size_t colon = plain_end(*line, http::kToken);
    if (colon == 0 || colon == line->size() || (*line)[colon] != ':')
      return refuse(HeadError::kBadField);
    const std::string_view name = line->substr(0, colon);
    const std::string_view value = trimmed(line->substr(colon + 1));
    if (plain_end(value, http::kValue) < value.size()) return refuse(HeadError::kBadField);
    if (http::iequals(name, "host")) {
      ++hosts;
      host = value;
    } else {
      out.fields.emplace_back(name, value);
    }
  }
  if (!head.empty()) return refuse(HeadError::kBadField);
  if (hosts == 0 && version == "HTTP/1.1") return refuse(HeadError::kNoHost);
  if (!http::valid_authority(host)) return refuse(HeadError::kBadHost);
  return out;
}

void reads_as_plainly(std::string_view bytes, std::size_t fields_max = 100) {
  const Exact exact(bytes);
  const Head plain = read_plainly(exact.view(), fields_max);
  http::RequestHead head;
  const auto wrong = http1::parse_request_head(exact.view(), {.fields_max = fields_max}, head);
  INFO(bytes);
  REQUIRE(wrong == plain.wrong);
  if (wrong) return;
  REQUIRE(head.method == plain.method);
  REQUIRE(head.path == plain.path);
  REQUIRE(head.fields.size() == plain.fields.size());
  auto expected = plain.fields.begin();
  for (const http::Field& field : head.fields) {
    REQUIRE(field.name.data() == expected->first.data());
    REQUIRE(field.name.size() == expected->first.size());
    REQUIRE(field.value.data() == expected->second.data());
    REQUIRE(field.value.size() == expected->second.size());
    ++expected;
  }
}

const std::string kHead =
    "GET /cart/items?page=2&of=8 HTTP/1.1\r\nHost: www.example.com\r\n"
    "Sec-Insecure-Requests-8:1\r\nsec_ch-ua-platform:  \"Linux; \xc3\xa9\"\t \r\nX-Empty: \t \r\n"
    "accept-encoding: gzip, deflate, br, zstd\r\nx: y\r\n\r\n";

}  // namespace

TEST_CASE("bytes are scanned in blocks as they are one by one", "[http1][scan]") {
  scans_as_plainly<scan::Native>();
}

TEST_CASE("and so they are where a machine has no instruction of its own for it", "[http1][scan]") {
  scans_as_plainly<scan::Words>();
}

TEST_CASE("a head is read as it is line by line, whatever byte stands where", "[http1][scan]") {
  reads_as_plainly(kHead);
  for (std::size_t at = 0; at < kHead.size(); ++at) {
    std::string changed = kHead;
    for (int c = 0; c < 256; ++c) {
      changed[at] = static_cast<char>(c);
      reads_as_plainly(changed);
    }
    reads_as_plainly(kHead.substr(0, at));
    reads_as_plainly(kHead.substr(at));
  }
}

TEST_CASE("and so is one with several bytes changed, left out or added", "[http1][scan]") {
  constexpr std::string_view kBytes("\r\n\t :/\0\x7f\x80_-#?aZ09.H", 19);
  std::mt19937 random(2);
  for (int round = 0; round < 100000; ++round) {
    std::string changed = kHead;
    for (auto left = 1 + random() % 3; left > 0; --left) {
      const std::size_t at = random() % changed.size();
      const char c = kBytes[random() % kBytes.size()];
      switch (random() % 3) {
        case 0:
          changed[at] = c;
          break;
        case 1:
          changed.erase(at, 1 + random() % 20);
          break;
        default:
          changed.insert(at, 1 + random() % 20, c);
      }
      if (changed.empty()) break;
    }
    reads_as_plainly(changed, random() % 8);
  }
}
