#include "proxy/cel/expression.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

using namespace tidegate::proxy;
using namespace tidegate::proxy::cel;

namespace {

/// A map of texts that counts how often its keys are listed.
class TextMap final : public Map {
 public:
  explicit TextMap(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {}
  std::size_t size() const override { return texts_.size(); }
  Value key(std::size_t index, Heap&) const override {
    ++listed;
    return Value::string(std::next(texts_.begin(), static_cast<std::ptrdiff_t>(index))->first);
  }
  bool find(const Value& key, Heap&, Value& out) const override {
    if (!key.is(Kind::kString)) return false;
    auto found = texts_.find(std::string(key.text()));
    if (found == texts_.end()) return false;
    out = Value::string(found->second);
    return true;
  }
  mutable int listed = 0;

 private:
  std::map<std::string, std::string> texts_;
};

struct Request final : Attributes {
  TextMap headers{{{"x-user", "alice"}, {"host", "example.com"}}};
  boost::json::object metadata =
      boost::json::parse(
          R"({"jwt": {"payload": {"sub": "alice", "exp": 17, "scope": "read write",
                                  "groups": ["a", "b"], "nested": {"deep": null}}}})")
          .as_object();
  mutable int asked = 0;

  bool get(Attribute attribute, Heap& heap, Value& out) const override {
    ++asked;
    switch (attribute) {
      case Attribute::kRequestPath:
        out = Value::string("/api/items?q=1");
        return true;
      case Attribute::kRequestMethod:
        out = Value::string("GET");
        return true;
      case Attribute::kRequestHeaders:
        out = Value::map(headers);
        return true;
      case Attribute::kSourcePort:
        out = Value::integer(4711);
        return true;
      case Attribute::kMetadataFilterMetadata:
        out = from_json(metadata, heap);
        return true;
      default:
        return false;
    }
  }
};

std::string shown(const Value& value, Heap& heap) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return value.boolean() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(value.integer());
    case Kind::kUint:
      return std::to_string(value.natural()) + "u";
    case Kind::kDouble: {
      std::string text = std::to_string(value.real());
      return text.substr(0, text.find('.') + 3);
    }
    case Kind::kString:
      return "'" + std::string(value.text()) + "'";
    case Kind::kBytes:
      return "b'" + std::string(value.text()) + "'";
    case Kind::kList: {
      std::string out = "[";
      for (const Value& one : value.list()) {
        if (out.size() > 1) out += ", ";
        out += shown(one, heap);
      }
      return out + "]";
    }
    case Kind::kMap:
      return "map of " + std::to_string(value.map().size());
    case Kind::kType:
      return std::string(name(value.type()));
    case Kind::kError:
      return "error: " + std::string(value.text());
    default:
      return std::string(name(value.kind()));
  }
}

std::string value_of(std::string_view text, const Limits& limits = {}) {
  auto compiled = Expression::compile(text);
  if (!compiled) return "wrong " + describe(compiled.error());
  Request request;
  Arena arena;
  Heap heap(arena, {});
  return shown((*compiled)->evaluate(request, arena, limits), heap);
}

std::string error_of(std::string_view text) {
  auto compiled = Expression::compile(text);
  return compiled ? "no error" : describe(compiled.error());
}

struct Case {
  std::string_view text;
  std::string_view value;
};
void check(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    INFO(one.text);
    CHECK(value_of(one.text) == one.value);
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("literals", "[cel]") {
  check({{"17", "17"},
         {"-9223372036854775808", "-9223372036854775808"},
         {"0xFf", "255"},
         {"-0x1", "-1"},
         {"17u", "17u"},
         {"0xFFFFFFFFFFFFFFFFu", "18446744073709551615u"},
         {"1.5e1", "15.00"},
         {".5", "0.50"},
         {"true", "true"},
         {"null", "null"},
         {"[1, 2,]", "[1, 2]"},
         {"{'a': 1, 'b': [2]}['b']", "[2]"},
         {"{}", "map of 0"},
         {"int", "int"},
         {"google.protobuf.Duration", "google.protobuf.Duration"}});
}

TEST_CASE("strings: quotes, escapes, raw, triple, bytes", "[cel]") {
  check({{R"("a'b")", "'a'b'"},
         {R"('a\'\"\\\n\x41\u00e9\U0001F600\101')",
          "'a'\"\\\nA\xC3\xA9\xF0\x9F\x98\x80"
          "A'"},
         {R"(r'\d+\')", R"('\d+\')"},
         {"'''a\n'b'''", "'a\n'b'"},
         {R"("""a "quoted" b""")", "'a \"quoted\" b'"},
         {R"(b'\xff\303' == b'\377\xc3')", "true"},
         {R"(b'é' == bytes('é'))", "true"},
         {R"(br'\n' == b'\\n')", "true"},
         {"// nothing\n1 // one", "1"}});
}

TEST_CASE("precedence and association", "[cel]") {
  check({{"1 + 2 * 3 - 4 / 2", "5"},
         {"10 - 3 - 2", "5"},
         {"2 * (3 + 4)", "14"},
         {"-2 * -3", "6"},
         {"!false && !!true", "true"},
         {"1 < 2 == true", "true"},
         {"true || false && false", "true"},
         {"false ? 1 : true ? 2 : 3", "2"},
         {"1 in [1] && !(2 in [1])", "true"},
         {"-[1, 2].size()", "-2"},
         {"7 % 4 * 2", "6"}});
}

TEST_CASE("errors are absorbed by what decides, and only there", "[cel]") {
  check({{"1 / 0 == 1 || true", "true"},
         {"true || 1 / 0 == 1", "true"},
         {"1 / 0 == 1 || false", "error: divide by zero"},
         {"1 / 0 == 1 && false", "false"},
         {"1 / 0 == 1 && true", "error: divide by zero"},
         {"1 || true", "true"},
         {"1 || false", "error: no_matching_overload"},
         {"true ? 1 : 1 / 0", "1"},
         {"1 / 0 > 0 ? 1 : 2", "error: divide by zero"},
         {"1 ? 2 : 3", "error: no_matching_overload"},
         {"[1, 0].exists(x, 1 / x == 1)", "true"},
         {"[0, 1].all(x, 1 / x == 2)", "false"},
         {"[0, 1].all(x, 1 / x == 1)", "error: divide by zero"},
         {"[0, 1].exists_one(x, 1 / x == 1)", "error: divide by zero"}});
}

TEST_CASE("numbers: no silent conversion, no silent overflow", "[cel]") {
  check({{"1 + 1u", "error: no_matching_overload"},
         {"1 + 1.0", "error: no_matching_overload"},
         {"9223372036854775807 + 1", "error: integer overflow"},
         {"-9223372036854775808 / -1", "error: integer overflow"},
         {"-9223372036854775808 % -1", "error: integer overflow"},
         {"-(-9223372036854775808)", "error: integer overflow"},
         {"1u - 2u", "error: integer overflow"},
         {"7 % 0", "error: modulus by zero"},
         {"-7 / 2", "-3"},
         {"-7 % 2", "-1"},
         {"1.0 / 0.0 > 1e308", "true"},
         {"-1u", "error: no_matching_overload"}});
}

TEST_CASE("equality is defined between all types, order within one and among numbers", "[cel]") {
  check({{"1 == 1u && 1u == 1.0 && 1 == 1.0", "true"},
         {"1 == '1'", "false"},
         {"null == false", "false"},
         {"[1, 2u] == [1.0, 2]", "true"},
         {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", "true"},
         {"{1: 'a'} == {1u: 'a'}", "true"},
         {"double('nan') == double('nan')", "false"},
         {"double('nan') != double('nan')", "true"},
         {"1 < 2u && 2u < 2.5 && -1 < 0u", "true"},
         {"18446744073709551615u > 9223372036854775807", "true"},
         {"'a' < 'b' && 'a' < 'aa' && b'a' < b'b'", "true"},
         {"false < true", "true"},
         {"1 < '2'", "error: no_matching_overload"},
         {"[1] < [2]", "error: no_matching_overload"},
         {"type(1) == int && type(type(1)) == type", "true"}});
}

TEST_CASE("lists and maps", "[cel]") {
  check({{"[1, 2][1]", "2"},
         {"[1, 2][1.0]", "2"},
         {"[1, 2][2]", "error: invalid_argument: index out of range"},
         {"[1, 2][-1]", "error: invalid_argument: index out of range"},
         {"[1] + ['a']", "[1, 'a']"},
         {"{'a': 1}.a", "1"},
         {"{'a': 1}.b", "error: no_such_key"},
         {"{'a-b': 1}.`a-b`", "1"},
         {"{1: 'x'}[1.0]", "'x'"},
         {"{1: 'x'}[null]", "error: no_matching_overload"},
         {"{1: 1, 1u: 2}", "error: Failed with repeated key"},
         {"{1.0: 1}", "error: unsupported key type"},
         {"'a' in {'a': 1}", "true"},
         {"2u in [1, 2]", "true"},
         {"has({'a': null}.a)", "true"},
         {"has({'a': null}.b)", "false"},
         {"has([].a)", "error: no_matching_overload"},
         {"size({'a': 1}) + [1, 2].size() + size('é') + size(b'é')", "6"}});
}

TEST_CASE("macros over lists and keys", "[cel]") {
  check({{"[1, 2, 3].all(x, x > 0)", "true"},
         {"[].all(x, false)", "true"},
         {"[].exists(x, true)", "false"},
         {"[1, 2, 2].exists_one(x, x == 1)", "true"},
         {"[1, 2, 2].exists_one(x, x == 2)", "false"},
         {"[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"},
         {"[1, 2, 3].map(x, x * x)", "[1, 4, 9]"},
         {"[1, 2, 3].map(x, x > 1, x * x)", "[4, 9]"},
         {"{'a': 1, 'b': 2}.filter(k, k == 'a')", "['a']"},
         {"[[1], [2, 3]].map(x, x.map(y, y + x[0]))", "[[2], [4, 5]]"},
         {"[1].map(x, [2].map(x, x))", "[[2]]"},
         {"[1, 2].exists(x, [x].all(y, y == x && x == 2))", "true"},
         {"1.all(x, true)", "error: no_matching_overload"},
         {"(1).all(x, true)", "error: no_matching_overload"},
         {"[1].map(request, request + 1)", "[2]"}});
}

TEST_CASE("functions over strings", "[cel]") {
  check({{"'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')", "true"},
         {"'foobar'.matches('o+b')", "true"},
         {"matches('foobar', '^o')", "false"},
         {"'ab'.matches('a' + '.')", "true"},
         {"'ab'.matches('(' + '')", "error: no regular expression"},
         {"'Tacocat'.lowerAscii() + 'é'.upperAscii()", "'tacocat\xC3\xA9'"},
         {"'tacocat'.charAt(3)", "'o'"},
         {"'tacocat'.charAt(8)", "error: range error"},
         {"'aéa'.indexOf('a', 1)", "2"},
         {"'aéa'.lastIndexOf('a')", "2"},
         {"'aéa'.substring(1, 2)", "'\xC3\xA9'"},
         {"'abc'.substring(2, 1)", "error: range error"},
         {"'a b c'.split(' ')", "['a', 'b', 'c']"},
         {"'a b c'.split(' ', 2)", "['a', 'b c']"},
         {"'aéb'.split('')", "['a', '\xC3\xA9', 'b']"},
         {"['a', 'b'].join('-')", "'a-b'"},
         {"[1].join()", "error: no_matching_overload"},
         {"'{} {}'.replace('{}', 'x', 1)", "'x {}'"},
         {"'aaa'.replace('', 'x')", "error: replace() of an empty string"},
         {"'abé'.reverse()",
          "'\xC3\xA9"
          "ba'"},
         {"' \\t a b\\n'.trim()", "'a b'"},
         {"'admin' in 'read admin'.split(' ')", "true"}});
}

TEST_CASE("conversions", "[cel]") {
  check({{"int('-17') + int(1.9) + int(3u)", "-13"},
         {"int('1x')", "error: no int in the string"},
         {"int(1e99)", "error: range error"},
         {"uint(-1)", "error: range error"},
         {"uint('7')", "7u"},
         {"double('1e3')", "1000.00"},
         {"string(1.5) + string(2u) + string(true) + string(b'x')", "'1.52truex'"},
         {"string(b'\\xff')", "error: invalid UTF-8"},
         {"string([1])", "error: no_matching_overload"},
         {"bool('true') && !bool('0')", "true"},
         {"bool('yes')", "error: no bool in the string"},
         {"dyn(1)", "1"},
         {"type(bytes('a'))", "bytes"}});
}

TEST_CASE("timestamps and durations", "[cel]") {
  check({{"string(timestamp('2023-08-26T12:39:00.5-07:00'))", "'2023-08-26T19:39:00.5Z'"},
         {"timestamp('2023-02-29T00:00:00Z')", "error: range error"},
         {"timestamp('2023-02-28')", "error: range error"},
         {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: range error"},
         {"string(duration('1h1m1.5s'))", "'3661.5s'"},
         {"string(duration('-1.5h'))", "'-5400s'"},
         {"duration('1')", "error: range error"},
         {"duration('9999999h')", "error: range error"},
         {"timestamp(0) + duration('90s') - timestamp(30) == duration('1m')", "true"},
         {"timestamp('2023-12-25T00:30:00Z').getDate('-01:00')", "24"},
         {"timestamp('2023-12-25T00:30:00Z').getDayOfWeek()", "1"},
         {"timestamp('2023-12-25T00:30:00Z').getDayOfYear()", "358"},
         {"timestamp('2023-12-25T00:30:00Z').getMonth()", "11"},
         {"timestamp('1969-12-31T23:59:59.123Z').getMilliseconds()", "123"},
         {"duration('90m').getHours() + duration('90m').getMinutes()", "91"},
         {"duration('1.234s').getMilliseconds()", "234"},
         {"timestamp(0).getHours('Mars/Base')", "error: a time zone other than UTC and +HH:MM"},
         {"timestamp(1) > timestamp(0) && duration('1s') < duration('1m')", "true"}});
}

TEST_CASE("attributes", "[cel]") {
  check({{"request.method == 'GET' && request.path.startsWith('/api')", "true"},
         {"request.headers['x-user']", "'alice'"},
         {"request.headers.host", "'example.com'"},
         {"request.headers['absent'] == 'x'", "error: no_such_key"},
         {"has(request.headers.absent) || 'absent' in request.headers", "false"},
         {"has(request.id)", "false"},
         {"request.id == 'x'", "error: no_such_field"},
         {"request['method']", "'GET'"},
         {"source.port > 1024", "true"},
         {"[1].exists(request, .request.method == 'GET')", "true"},
         {"metadata.filter_metadata['jwt']['payload']['sub'] == 'alice'", "true"},
         {"metadata.filter_metadata['jwt'].payload.exp == 17", "true"},
         {"'write' in metadata.filter_metadata['jwt']['payload']['scope'].split(' ')", "true"},
         {"'b' in metadata.filter_metadata['jwt']['payload']['groups']", "true"},
         {"metadata.filter_metadata['jwt']['payload'].nested.deep == null", "true"},
         {"metadata.filter_metadata['other']['payload']", "error: no_such_key"}});
}

TEST_CASE("only what decides is looked up, and a header is not a map of all", "[cel]") {
  auto compiled = Expression::compile("request.headers['x-user'] == 'alice' || request.path == ''");
  REQUIRE(compiled.has_value());
  Request request;
  Arena arena;
  CHECK((*compiled)->matches(request, arena));
  CHECK(request.asked == 1);
  CHECK(request.headers.listed == 0);
  CHECK((*compiled)->attributes() ==
        std::vector<Attribute>{Attribute::kRequestHeaders, Attribute::kRequestPath});
}

TEST_CASE("what is wrong is said with its place", "[cel]") {
  CHECK(error_of("1 +") == "1:4: the expression ends too early");
  CHECK(error_of("1 ==\n  'é' + = 1") == "2:9: '=' is not an operator: equality is '=='");
  CHECK(error_of("request.pth == 'a'") ==
        "1:1: there is no 'request.pth': did you mean 'request.path'?");
  CHECK(error_of("user == 'a'") == "1:1: there is no 'user'");
  CHECK(error_of("'a'.foo()") == "1:5: there is no function 'foo'");
  CHECK(error_of("'a'.contains()") == "1:5: 'contains' does not take 0 arguments");
  CHECK(error_of("contains('a', 'b')") == "1:1: 'contains' is called as x.contains()");
  CHECK(error_of("'a'.int()") == "1:5: 'int' is called as int(x)");
  CHECK(error_of("request.path.matches('(')") == "1:22: no regular expression: missing ): (");
  CHECK(error_of("'abc") == "1:1: a string that does not end");
  CHECK(error_of("'a\nb'") == "1:1: a string that does not end on its line");
  CHECK(error_of(R"('\q')") == "1:2: no escape sequence begins so");
  CHECK(error_of(R"('\ud83d')") == "1:2: no Unicode code point");
  CHECK(error_of("1 & 2") == "1:3: '&' is not an operator: write '&&'");
  CHECK(error_of("[1, 2") == "1:6: ',' expected before the end");
  CHECK(error_of("{1 2}") == "1:4: ':' expected before '2'");
  CHECK(error_of("1 2") == "1:3: unexpected '2'");
  CHECK(error_of("has(1)") ==
        "1:1: has() needs the selection of a field, as in has(request.headers.cookie)");
  CHECK(error_of("[1].all(1, true)") == "1:9: all() needs the name of its variable first");
  CHECK(error_of("x.y{a: 1}") == "1:1: there is no 'x'");
  CHECK(error_of("request.path{a: 1}") == "1:13: messages cannot be built here");
  CHECK(error_of("9223372036854775808") == "1:1: a number that no int holds");
  CHECK(error_of("package == 1") == "1:1: 'package' is a reserved word");
  CHECK(error_of("").starts_with("1:1: the expression ends"));
  CHECK(error_of("'\xff'") == "1:1: not UTF-8");
  CHECK(error_of(std::string_view("1\0", 2)) == "1:2: a control character");
}

TEST_CASE("rows as long as the language asks for, and no deeper than we bear", "[cel]") {
  CHECK(value_of(repeated("(", 32) + "7" + repeated(")", 32)) == "7");
  CHECK(value_of(repeated("!", 32) + "true") == "true");
  CHECK(value_of("1" + repeated(" + 1", 100)) == "101");
  CHECK(value_of("false" + repeated(" || false", 1000)) == "false");
  CHECK(error_of(repeated("(", 10'000)).ends_with("nested deeper than 128 levels"));
  CHECK(error_of(repeated("[", 10'000)).ends_with("nested deeper than 128 levels"));
  CHECK(error_of(repeated("-", 10'000) + "x").ends_with("nested deeper than 128 levels"));
  CHECK(error_of("1" + repeated(" + 1", 2000)).ends_with("nested deeper than 128 levels"));
  CHECK(error_of("request.headers" + repeated(".a", 2000))
            .ends_with("nested deeper than 128 levels"));
  CHECK(error_of(repeated("true ? 1 : ", 1000) + "1").ends_with("nested deeper than 128 levels"));
  CHECK(error_of(repeated(" ", 17'000)).find("at most 16384") != std::string::npos);
  std::string nested = "true";
  for (int i = 0; i < 17; ++i) nested = "[1].all(x, " + nested + ")";
  CHECK(error_of(nested).ends_with("more than 16 macros inside each other"));
}

TEST_CASE("an evaluation ends, whatever it is asked", "[cel]") {
  const std::string list = "[" + repeated("1,", 60) + "]";
  const std::string limit = "error: " + std::string(kLimit);
  std::string loops = "true";
  for (int i = 0; i < 6; ++i) loops = list + ".all(x, " + loops + ")";
  CHECK(value_of(loops) == limit);
  // What a limit stopped is not absorbed.
  CHECK(value_of(loops + " || true") == limit);
  // 60^4 bytes from a few.
  std::string text = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
  for (int i = 0; i < 4; ++i)
    text += ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')";
  CHECK(value_of(text) == limit);
  CHECK(value_of("[1, 2, 3]", Limits{3, 1 << 20}) == limit);
  CHECK(value_of("'ab' + 'cd'", Limits{1000, 3}) == limit);
  CHECK(value_of("'x'.matches('" + std::string(500, 'a') + "' + '" + std::string(600, 'b') +
                 "')") == "error: a pattern that is too long");
}

TEST_CASE("cut and changed expressions are errors or values, never more", "[cel]") {
  const std::string seed =
      "request.headers['x-user'].matches(r'^a.*') && [1, 2u, 3.5e1].exists(x, x > 1) ? "
      "{'k': b'\\xff'}.k : timestamp('2023-01-01T00:00:00Z').getDate(\"+01:00\") // end";
  for (std::size_t i = 0; i <= seed.size(); ++i) {
    value_of(seed.substr(0, i));
    value_of(seed.substr(i));
    for (char c : {'\0', '\'', '"', '(', ')', '[', '`', '.', '\\', '\xff', '9', '?'}) {
      std::string changed = seed;
      changed[i < seed.size() ? i : 0] = c;
      value_of(changed);
    }
  }
}
