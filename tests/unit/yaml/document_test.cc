#include "config/yaml/document.h"

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <string>

using namespace tidegate::config::yaml;

namespace {

std::string as_json(std::string_view yaml) {
  const auto parsed = parse_yaml(yaml, Budgets());
  if (!parsed) return parsed.problem.message;
  return boost::json::serialize(parsed.value->root);
}

}  // namespace

TEST_CASE("plain scalars have types and quoted ones are strings", "[yaml]") {
  CHECK(as_json("a: 80\nb: '80'\nc: true\nd: \"true\"\ne: ~\nf:\ng: -1.5\nh: 0644\ni: 0x1F\n") ==
        R"({"a":80,"b":"80","c":true,"d":"true","e":null,"f":null,"g":-1.5E0,"h":420,"i":31})");
  CHECK(
      as_json("a: yes\nb: 1.2.3\nc: 10.0.0.1\nd: 5s\ne: 2024-01-01T00:00:00Z\nf: a -\ng: 089\n") ==
      R"({"a":"yes","b":"1.2.3","c":"10.0.0.1","d":"5s","e":"2024-01-01T00:00:00Z","f":"a -","g":89})");
  CHECK(as_json("a: !!str 5\nb: |\n  x\n  y\n") == R"({"a":"5","b":"x\ny\n"})");
  CHECK(as_json("80: a\ntrue: b\n") == R"({"80":"a","true":"b"})");
}

TEST_CASE("every node knows its line", "[yaml]") {
  const auto parsed = parse_yaml("# top\na:\n  b: 1\nlist:\n- x\n- y:\n    z\n", Budgets());
  REQUIRE(parsed);
  const Lines& lines = parsed.value->lines;
  CHECK(lines.line == 2);
  REQUIRE(lines.children.size() == 2);
  CHECK(lines.children[0].line == 2);
  CHECK(lines.children[0].children[0].line == 3);
  CHECK(lines.children[1].line == 4);
  REQUIRE(lines.children[1].children.size() == 2);
  CHECK(lines.children[1].children[0].line == 5);
  CHECK(lines.children[1].children[1].line == 6);
}

TEST_CASE("a duplicate key is an error with its line", "[yaml]") {
  const auto parsed = parse_yaml("a: 1\nb: 2\na: 3\n", Budgets());
  REQUIRE_FALSE(parsed);
  CHECK(parsed.problem.line == 3);
  CHECK(parsed.problem.message == "key \"a\" is given twice");
}

TEST_CASE("a syntax error has its line", "[yaml]") {
  const auto parsed = parse_yaml("a: 1\nb: [1, 2\nc: 3\n", Budgets());
  REQUIRE_FALSE(parsed);
  CHECK(parsed.problem.line >= 2);
}

TEST_CASE("aliases expand, and merge keys give what is missing", "[yaml]") {
  CHECK(as_json("a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\n") ==
        R"({"a":{"p":1,"q":2},"b":{"p":1,"q":2},"c":{"q":3,"p":1}})");
}

TEST_CASE("a billion laughs stop at the budget", "[yaml]") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string n = std::to_string(i);
    const std::string ref = "*a" + std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [";
    for (int k = 0; k < 9; ++k) bomb += (k == 0 ? "" : ", ") + ref;
    bomb += "]\n";
  }
  const auto parsed = parse_yaml(bomb, Budgets());
  REQUIRE_FALSE(parsed);
  CHECK(parsed.problem.message == "aliases expand to more than 100000 nodes");
}

TEST_CASE("text that aliases and anchors copy is counted", "[yaml]") {
  const auto copies = [](int count) {
    std::string text = "a: &a " + std::string(1U << 20U, 'x') + "\nb:\n";
    for (int i = 0; i < count; ++i) text += "- *a\n";
    return parse_yaml(text, Budgets());
  };
  CHECK(copies(10));
  const auto many = copies(20);
  REQUIRE_FALSE(many);
  CHECK(many.problem.line == 17);
  CHECK(many.problem.message == "anchors and aliases add more than 16777216 bytes");

  std::string nested;
  for (int i = 0; i < 50; ++i)
    nested += std::string(static_cast<std::size_t>(i), ' ') + "a: &a" + std::to_string(i) + "\n";
  nested += std::string(50, ' ') + "b: " + std::string(1U << 20U, 'x');
  REQUIRE_FALSE(parse_yaml(nested, Budgets()));
}

TEST_CASE("what the scanner holds back has a limit", "[yaml]") {
  std::string lists;  // as many marks, but none that are held back
  for (int i = 0; i < 60'000; ++i) lists += "k" + std::to_string(i) + ": [1, 2, 3, {a: b}]\n";
  CHECK(parse_yaml(lists, Budgets()));
  CHECK(parse_yaml("a: " + std::string(1'000'000, 'x'), Budgets()));
  std::string lines;
  for (int i = 0; i < 500'000; ++i) lines += "[\n";
  for (const std::string& held : {std::string(500'000, '['), lines}) {
    const auto refused = parse_yaml("a: 1\nb: " + held, Budgets());
    REQUIRE_FALSE(refused);
    CHECK(refused.problem.line >= 2);
    CHECK(refused.problem.message.find("more than 400000 of") == 0);
  }
}

TEST_CASE("more values than the budget are refused with their line", "[yaml][json]") {
  Budgets budgets;
  budgets.nodes_max = 1000;
  const auto lines = [](int count) {
    std::string out = "a:\n";
    for (int i = 0; i < count; ++i) out += "- x\n";
    return out;
  };
  CHECK(parse_yaml(lines(900), budgets));
  const auto refused = parse_yaml(lines(1100), budgets);
  REQUIRE_FALSE(refused);
  CHECK(refused.problem.line == 1002);
  CHECK(refused.problem.message == "more than 1000 values in a document");
  std::string numbers = "[\"" + std::string(2000, ',') + "\\\",\",\n";
  CHECK(parse_json(numbers + "1]", budgets));
  for (int i = 0; i < 1100; ++i) numbers += "1,";
  const auto many = parse_json(numbers + "1]", budgets);
  REQUIRE_FALSE(many);
  CHECK(many.problem.line == 2);
  CHECK(many.problem.message == "more than 1000 values in a document");
}

TEST_CASE("deep nesting is refused", "[yaml]") {
  const std::string deep(2000, '[');
  REQUIRE_FALSE(parse_yaml(deep, Budgets()));
  REQUIRE_FALSE(parse_json(deep, Budgets()));
}

TEST_CASE("bytes that are not UTF-8 are refused with their line", "[yaml]") {
  const auto parsed = parse_yaml("a: b\nc: \xFF\n", Budgets());
  REQUIRE_FALSE(parsed);
  CHECK(parsed.problem.line == 2);
}

TEST_CASE("a file is cut at its markers", "[yaml]") {
  const auto pieces =
      split("# only a comment\n---\na: 1\n---\n# nothing\n--- # x\nb: 2\n...\nc: 3\n", Budgets());
  REQUIRE(pieces);
  REQUIRE(pieces.value->size() == 3);
  CHECK(pieces.value->at(0).first_line == 1);
  CHECK(pieces.value->at(1).first_line == 6);
  CHECK(pieces.value->at(2).first_line == 9);
  CHECK(pieces.value->at(2).bytes == "c: 3\n");
  CHECK(as_json(pieces.value->at(1).bytes) == R"({"b":2})");
}

TEST_CASE("dashes inside a scalar do not cut", "[yaml]") {
  const auto pieces = split("a: |\n  -----BEGIN X-----\n  ---\n  -----END X-----\n", Budgets());
  REQUIRE(pieces);
  CHECK(pieces.value->size() == 1);
}

TEST_CASE("more documents than the budget are refused", "[yaml]") {
  Budgets budgets;
  budgets.documents_max = 2;
  CHECK(split("a: 1\n---\na: 2\n", budgets));
  CHECK_FALSE(split("a: 1\n---\na: 2\n---\na: 3\n---\na: 4\n", budgets));
  budgets.file_bytes_max = 3;
  CHECK_FALSE(split("a: 1", budgets));
}

TEST_CASE("JSON has lines, duplicates and surrogate pairs", "[yaml][json]") {
  const auto parsed = parse_json(
      "{\n\t\"a\": [1,\n 2, {}, []],\n \"b\\u0020c\": \"\\ud83d\\ude00\"\n}\n", Budgets());
  REQUIRE(parsed);
  const Lines& lines = parsed.value->lines;
  CHECK(lines.line == 1);
  CHECK(lines.children[0].line == 2);
  CHECK(lines.children[0].children[1].line == 3);
  CHECK(lines.children[1].line == 4);
  const auto twice = parse_json("{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", Budgets());
  REQUIRE_FALSE(twice);
  CHECK(twice.problem.line == 3);
  const auto last = parse_json("{\"b\": 1,\n\"a\": 2,\n\"a\": 3}", Budgets());
  REQUIRE_FALSE(last);
  CHECK(last.problem.line == 3);
  CHECK_FALSE(parse_json("{} {}", Budgets()));
  const auto broken = parse_json("{\n\"a\": }", Budgets());
  REQUIRE_FALSE(broken);
  CHECK(broken.problem.line == 2);
}

TEST_CASE("the cache gives the same document for the same bytes", "[yaml]") {
  DocumentCache cache{Budgets()};
  auto first = cache.get("a: 1", Syntax::kYaml);
  CHECK(cache.get("a: 1", Syntax::kYaml) == first);
  CHECK(cache.get("a: 2", Syntax::kYaml) != first);
  cache.sweep();
  CHECK(cache.size() == 1);
}
