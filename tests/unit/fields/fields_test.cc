#include "config/fields/fields.h"

#include <catch2/catch.hpp>

#include "config/yaml/document.h"

namespace tidegate::config::fields {

struct Inner {
  std::string host;
  std::chrono::milliseconds wait{0};
};
enum class Color { kRed, kGreen };
struct Outer {
  std::string name;
  int port = 80;
  Color color = Color::kGreen;
  std::optional<Inner> inner;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
};

static const std::vector<std::string_view>& enum_names(Color) {
  static const std::vector<std::string_view> names{"Red", "Green"};
  return names;
}

template <>
const Description& description<Inner>() {
  static const Description d = Fields<Inner>()
                                   .field<&Inner::host>("host", Bounds().pattern(kDnsSubdomain))
                                   .field<&Inner::wait>("wait");
  return d;
}
template <>
const Description& description<Outer>() {
  static const Description d =
      Fields<Outer>()
          .required<&Outer::name>("name", Bounds().length(1, 5))
          .field<&Outer::port>("port", Bounds().range(1, 65535).doc("a port"))
          .field<&Outer::color>("color")
          .field<&Outer::inner>("inner")
          .field<&Outer::tags>("tags", Bounds().items(0, 2).unique())
          .field<&Outer::labels>("labels")
          .ignored({"old"})
          .rule("red things listen on 80",
                [](const Outer& o) { return o.color != Color::kRed || o.port == 80; });
  return d;
}

namespace {

struct Read {
  Outer value;
  std::vector<Finding> findings;
};

Read read(std::string_view yaml) {
  static std::vector<yaml::Outcome<yaml::Document>> kept;
  const auto& parsed = kept.emplace_back(yaml::parse_yaml(yaml, yaml::Budgets()));
  REQUIRE(parsed);
  Read out;
  Findings findings;
  const Path top;
  description<Outer>().read(findings, Path{&top, "spec"},
                            {&parsed.value->root, &parsed.value->lines}, &out.value);
  out.findings = findings.take();
  return out;
}

std::string first(const Read& read) {
  return read.findings.empty() ? "none" : read.findings.front().message;
}

}  // namespace

TEST_CASE("fields decode, and absent or null ones have their defaults", "[fields]") {
  const Read r = read(
      "name: a\nport: null\ninner: {host: x.y, wait: 1m30s}\ntags: [p, q]\n"
      "labels: {k: v}\nold: 1\n");
  CHECK(r.findings.empty());
  CHECK(r.value.name == "a");
  CHECK(r.value.port == 80);
  CHECK(r.value.color == Color::kGreen);
  CHECK(r.value.inner->wait == std::chrono::seconds(90));
  CHECK(r.value.tags == std::vector<std::string>{"p", "q"});
  CHECK(r.value.labels.at("k") == "v");
}

TEST_CASE("errors are worded as an API server's", "[fields]") {
  CHECK(first(read("port: 1\n")) == "spec.name: Required value");
  CHECK(first(read("name: a\nport: 70000\n")) ==
        "spec.port: Invalid value: 70000: spec.port in body should be less than or equal to 65535");
  CHECK(first(read("name: a\nport: x\n")) ==
        "spec.port: Invalid value: \"string\": spec.port in body must be of type integer: "
        "\"string\"");
  CHECK(first(read("name: 5\n")) ==
        "spec.name: Invalid value: \"integer\": spec.name in body must be of type string: "
        "\"integer\"");
  CHECK(first(read("name: abcdef\n")) == "spec.name: Too long: may not be more than 5 bytes");
  CHECK(first(read("name: ''\n")) ==
        "spec.name: Invalid value: \"\": spec.name in body should be at least 1 chars long");
  CHECK(first(read("name: a\ncolor: Blue\n")) ==
        "spec.color: Unsupported value: \"Blue\": supported values: \"Red\", \"Green\"");
  CHECK(first(read("name: a\ntags: [x, x]\n")) == "spec.tags[1]: Duplicate value: \"x\"");
  CHECK(first(read("name: a\ntags: [x, y, z]\n")) ==
        "spec.tags: Too many: 3: must have at most 2 items");
  CHECK(
      first(read("name: a\ninner: {host: UP}\n")).find("spec.inner.host: Invalid value: \"UP\"") ==
      0);
  CHECK(first(read("name: a\ninner: {wait: 5}\n")).find("must be of type string") !=
        std::string::npos);
  CHECK(first(read("name: a\ncolor: Red\nport: 81\n")) ==
        "spec: Invalid value: \"object\": red things listen on 80");
}

TEST_CASE("an unknown field is a warning with its line and a suggestion", "[fields]") {
  const Read r = read("name: a\ninner:\n  hots: x\n");
  REQUIRE(r.findings.size() == 1);
  CHECK(r.findings[0].severity == Severity::kWarning);
  CHECK(r.findings[0].line == 3);
  CHECK(r.findings[0].message == "unknown field spec.inner.hots, did you mean host?");
  CHECK(first(read("name: a\nzzzzzzzz: 1\n")) == "unknown field spec.zzzzzzzz");
}

TEST_CASE("the schema lists what the description says", "[fields]") {
  std::vector<SchemaField> rows;
  description<Outer>().rows("spec", rows);
  REQUIRE(rows.size() == 9);
  CHECK(rows[0].path == "spec.name");
  CHECK(rows[0].required);
  CHECK(rows[1].default_ == "80");
  CHECK(rows[1].limits == "1..65535");
  CHECK(rows[1].doc == "a port");
  CHECK(rows[2].default_ == "\"Green\"");
  CHECK(rows[2].limits == "one of Red, Green");
  CHECK(rows[4].path == "spec.inner.host");
  CHECK(rows[5].type == "duration");
  CHECK(rows[6].type == "array of string");
  CHECK(rows[8].effect == Effect::kNoEffect);
}

TEST_CASE("durations follow GEP-2257", "[fields]") {
  using std::chrono::milliseconds;
  CHECK(parse_duration("0s") == milliseconds(0));
  CHECK(parse_duration("1h2m3s4ms") == milliseconds(3'723'004));
  CHECK_FALSE(parse_duration(""));
  CHECK_FALSE(parse_duration("1"));
  CHECK_FALSE(parse_duration("1d"));
  CHECK_FALSE(parse_duration("1.5s"));
  CHECK_FALSE(parse_duration("123456s"));
  CHECK_FALSE(parse_duration("1s1s1s1s1s"));
}

TEST_CASE("patterns accept what the CRDs accept", "[fields]") {
  CHECK(kWildcardHost.matches("*.example.com"));
  CHECK_FALSE(kWildcardHost.matches("*.*.com"));
  CHECK_FALSE(kWildcardHost.matches("*"));
  CHECK_FALSE(kDnsSubdomain.matches("a..b"));
  CHECK_FALSE(kDnsSubdomain.matches("-a"));
  CHECK(kDomainPath.matches("kgateway.dev/kgateway"));
  CHECK_FALSE(kDomainPath.matches("kgateway"));
  CHECK(kHeaderValue.matches("a b\tc"));
  CHECK_FALSE(kHeaderValue.matches("a  b"));
  CHECK_FALSE(kHeaderValue.matches(" a"));
  CHECK(kCorsOrigin.matches("https://*.foo.com:8443"));
  CHECK_FALSE(kCorsOrigin.matches("ftp://foo.com"));
  CHECK(kTimestamp.matches("2024-01-01T00:00:00Z"));
  CHECK_FALSE(kTimestamp.matches("yesterday"));
  CHECK_FALSE(kPathCharacters.matches("/a%2"));
}

TEST_CASE("of much that is wrong a part is told, and an error is not hidden behind it",
          "[fields]") {
  std::string text = "name: a\n";
  for (int i = 0; i < 100'000; ++i) text += "u" + std::to_string(i) + ": 1\n";
  const Read warned = read(text);
  REQUIRE(warned.findings.size() == Findings::kToldMax + 1);
  CHECK(warned.findings.back().message == "more than 100 problems: the rest is not told");
  CHECK(warned.findings.back().severity == Severity::kWarning);
  const Read wrong = read(text + "port: x\n");
  REQUIRE(wrong.findings.size() == Findings::kToldMax + 1);
  CHECK(wrong.findings.back().severity == Severity::kError);
}

TEST_CASE("errors are told in place of warnings where there are too many", "[fields]") {
  const boost::json::value value;
  const Node node{&value, nullptr};
  const Path path{nullptr, "a"};
  Findings findings;
  for (int i = 0; i < 150; ++i) findings.warning(node, path, "warning");
  for (std::size_t i = 0; i < Findings::kToldMax + 10; ++i) {
    findings.error(node, path, "error");
    const std::size_t told = std::min(i + 1, Findings::kToldMax);
    Findings copy = findings;
    const std::vector<Finding> list = copy.take();
    REQUIRE(list.size() == Findings::kToldMax + 1);
    REQUIRE(static_cast<std::size_t>(std::count_if(
                list.begin(), list.end() - 1,
                [](const Finding& one) { return one.severity == Severity::kError; })) == told);
  }
}

TEST_CASE("a message has an end, and shows nobody's password", "[fields]") {
  const Read unknown = read("name: a\n? " + std::string(1'000'000, 'k') + "\n: 1\n");
  REQUIRE(unknown.findings.size() == 1);
  CHECK(unknown.findings[0].message.size() < Findings::kMessageMax + 10);
  // No character is cut into parts.
  std::string umlauts = "name: ";
  for (int i = 0; i < 200; ++i) umlauts += "\xC3\xA4";
  CHECK(first(read("color: " + umlauts.substr(6) + "\nname: a\n")).find("\xA4...\"") !=
        std::string::npos);
  const std::string shown = first(read("name: a\ncolor: https://me:hunter2@host/path\n"));
  CHECK(shown.find("https://[redacted]@host/path") != std::string::npos);
}

TEST_CASE("a list that is too long is not looked at", "[fields]") {
  std::string text = "name: a\ntags: [";
  for (int i = 0; i < 100'000; ++i) text += "t" + std::to_string(i) + ", ";
  CHECK(read(text + "]\n").findings.size() == 1);
}

}  // namespace tidegate::config::fields
