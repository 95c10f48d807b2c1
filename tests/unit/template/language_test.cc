#include <catch2/catch.hpp>

#include "tests/unit/template/message.h"

using namespace tidegate::proxy::templates;

namespace {

struct Case {
  std::string text;
  std::string expected;
};

void check(const std::vector<Case>& cases, Message& message) {
  for (const Case& each : cases) {
    INFO(each.text);
    CHECK(shown(each.text, message) == each.expected);
  }
}

void check(const std::vector<Case>& cases) {
  Message message;
  check(cases, message);
}

}  // namespace

TEST_CASE("text is itself, comments are nothing, one line end at the end goes") {
  check({{"", ""},
         {"hello", "hello"},
         {"a { b } c {", "a { b } c {"},
         {"a{# b #}c", "ac"},
         {"a {#- b -#} c", "ac"},
         {"a\n", "a"},
         {"a\r\n", "a"},
         {"a\n\n", "a\n"},
         {"## not a statement\n# title", "## not a statement\n# title"},
         {"{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
         {"a {%- raw -%} {{ x }} {%- endraw -%} b", "a{{ x }}b"}});
}

TEST_CASE("white space around tags goes where a dash asks for it") {
  check({{"a {{ 1 }} b", "a 1 b"},
         {"a {{- 1 -}} b", "a1b"},
         {"a {%- if true -%} b {%- endif -%} c", "abc"},
         {"a {%+ if true +%} b {% endif %}", "a  b "},
         {"a\n  {%- if true %}\nb{% endif %}", "a\nb"}});
}

TEST_CASE("literals and what they print") {
  check({{"{{ 42 }}", "42"},
         {"{{ 1_000 }}", "1000"},
         {"{{ 0xff }} {{ 0o17 }} {{ 0b101 }}", "255 15 5"},
         {"{{ 1.5 }} {{ 2.0 }} {{ 1e3 }}", "1.5 2.0 1000.0"},
         {"{{ 'a\\n\\t\\\"\\u00e9\\ud83d\\ude00' }}", "a\n\t\"é😀"},
         {"{{ true }} {{ False }} {{ none }}", "true false none"},
         {"{{ [1, 'a', none, true, 1.0] }}", "[1,\"a\",null,true,1.0]"},
         {"{{ (1, 2,) }} {{ () }} {{ (3) }}", "[1,2] [] 3"},
         {"{{ {'b': 1, 'a': {'c': []}} }}", "{\"a\":{\"c\":[]},\"b\":1}"},
         {"{{ {'a': {'b': 1}}.a.b }}", "1"},
         {"{{ '}}' }}{{ \"%}\" }}", "}}%}"},
         {"{{ missing }}", ""}});
}

TEST_CASE("arithmetic") {
  check({{"{{ 1 + 2 * 3 }}", "7"},
         {"{{ (1 + 2) * 3 }}", "9"},
         {"{{ 7 / 2 }} {{ 4 / 2 }}", "3.5 2.0"},
         {"{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }}", "3 -4 2"},
         {"{{ 2 ** 10 }} {{ 2 ** 0 }} {{ 2.0 ** -1 }}", "1024 1 0.5"},
         {"{{ -3 + 1 }} {{ - -3 }} {{ 1 - -1 }}", "-2 3 2"},
         {"{{ 1 + 1.5 }} {{ true + 1 }}", "2.5 2"},
         {"{{ 'a' + 'b' }} {{ 'a' ~ 1 ~ none }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ [1] * 2 }}",
          "ab a1none ababab [1,2] [1,1]"},
         {"{{ 1 / 0 }}", "inf"},
         {"{{ 1 // 0 }}", "error: line 1, column 6: \"//\" has no result in whole numbers"},
         {"{{ 9223372036854775807 + 1 }}",
          "error: line 1, column 24: \"+\" has no result in whole numbers"},
         {"{{ 'a' + 1 }}", "error: line 1, column 8: \"+\" is not for string and number"},
         {"{{ -9223372036854775807 - 1 }}", "-9223372036854775808"},
         {"{{ (-9223372036854775807 - 1) // -1 }}",
          "error: line 1, column 31: \"//\" has no result in whole numbers"}});
}

TEST_CASE("comparison, logic and choice") {
  check({{"{{ 1 == 1.0 }} {{ 1 != 2 }} {{ 'a' < 'b' }} {{ 2 >= 2 }}", "true true true true"},
         {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }}", "true false"},
         {"{{ [1, 2] == [1, 2] }} {{ {'a': 1} == {'a': 1} }} {{ none == none }}", "true true true"},
         {"{{ 1 == true }} {{ '1' == 1 }}", "true false"},
         {"{{ 'b' in 'abc' }} {{ 2 in [1, 2] }} {{ 'k' in {'k': 0} }} {{ 3 not in [1] }}",
          "true true true true"},
         {"{{ 1 in missing }}", "false"},
         {"{{ not true }} {{ not '' }} {{ true and false or true }}", "false true true"},
         {"{{ '' or 'b' }} {{ 'a' and 'b' }}", "b b"},
         {"{{ 'x' if 1 == 1 else 'y' }} {{ 'x' if false }}", "x "},
         {"{{ 3 is odd }} {{ 3 is not even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(4) }}",
          "true true true false"},
         {"{{ missing is defined }} {{ missing is undefined }} {{ none is none }}",
          "false true true"},
         {"{{ 'abc' is startingwith 'ab' and 'abc' is endingwith('bc') }}", "true"},
         {"{{ 1 is in [1, 2] }} {{ 1 is sameas 1.0 }} {{ 'a' is string }} {{ [] is sequence }}",
          "true false true true"}});
}

TEST_CASE("if, elif, and Inja's else if") {
  const std::string text =
      "{% if n == 1 %}one{% elif n == 2 %}two{% else if n == 3 %}three{% else %}many{% endif %}";
  Message message;
  for (const auto& [n, expected] : std::map<std::string, std::string>{
           {"1", "one"}, {"2", "two"}, {"3", "three"}, {"4", "many"}}) {
    message.with("{\"n\": " + n + "}");
    CHECK(shown(text, message) == expected);
  }
}

TEST_CASE("loops") {
  Message message;
  message.with(R"({"list": ["a", "b", "c"], "map": {"y": 2, "x": 1}, "pairs": [[1, 2], [3, 4]]})");
  check(
      {{"{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
        "1a,2b,3c"},
       {"{% for x in list %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.length }} {% endfor %}",
        "033 123 213 "},
       {"{% for k in map %}{{ k }}{% endfor %}", "xy"},
       {"{% for k, v in map %}{{ k }}={{ v }};{% endfor %}", "x=1;y=2;"},
       {"{% for k, v in map|items %}{{ k }}={{ v }};{% endfor %}", "x=1;y=2;"},
       {"{% for (a, b) in pairs %}{{ a + b }} {% endfor %}", "3 7 "},
       {"{% for x in list if x != 'b' %}{{ x }}{{ loop.index }}{% endfor %}", "a1c2"},
       {"{% for x in [] %}x{% else %}none{% endfor %}", "none"},
       {"{% for x in missing %}x{% else %}none{% endfor %}", "none"},
       {"{% for c in 'aé' %}[{{ c }}]{% endfor %}", "[a][é]"},
       {"{% for x in list %}{{ loop.cycle('odd', 'even') }} {% endfor %}", "odd even odd "},
       {"{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}", "true false true "},
       {"{% for x in list %}{{ loop.previtem }}<{{ loop.nextitem }} {% endfor %}", "<b a<c b< "},
       {"{% for x in [1, 2] %}{% for y in [1, 2] %}{{ loop.depth }}{% endfor %}{% endfor %}",
        "2222"},
       {"{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(5, 1, -2) %}{{ x }}{% endfor "
        "%}",
        "01253"},
       {"{% for a, b in list %}{% endfor %}", "error: line 1, column 16: 2 names for 1 values"},
       {"{% for a in 3 %}{% endfor %}", "error: line 1, column 13: a number has no elements"}},
      message);
}

TEST_CASE("names are set, scoped and captured") {
  check(
      {{"{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}", "12"},
       {"{% set a, b = [1, 2] %}{{ b }}{{ a }}", "21"},
       {"{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"},
       {"{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "221"},
       {"{% set ns = namespace(n=0) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}"
        "{% endfor %}{{ ns.n }}",
        "6"},
       {"{% with a = 1, b = a + 1 %}{{ a }}{{ b }}{% endwith %}{{ a }}", "12"},
       {"{% set x %}a{{ 1 }}{% endset %}[{{ x }}]", "[a1]"},
       {"{% set x | upper %}a{% endset %}{{ x }}", "A"},
       {"{% filter upper | replace('B', '-') %}abc{% endfilter %}", "A-C"},
       {"{% do 1 + 1 %}x", "x"},
       {"{% set ns.n = 1 %}", "error: line 1, column 4: \"ns\" was not set"},
       {"{% set x = 1 %}{% set x.n = 1 %}", "error: line 1, column 19: \"x\" is no namespace"}});
}

TEST_CASE("parts of values") {
  Message message;
  message.with(R"({"a": {"b c": [10, {"d": "deep"}]}, "n": null, "s": "häh"})");
  check({{"{{ a['b c'][0] }} {{ a['b c'].0 }} {{ a['b c'][1].d }} {{ a['b c'].1.d }}",
          "10 10 deep deep"},
         {"{{ a['b c'][-2] }} {{ a['b c'][9] }}", "10 "},
         {"{{ a.x }}", ""},
         {"{{ a.x.y }}", "error: line 1, column 7: \"y\" of a value that is not there"},
         {"{{ n.x }}", "error: line 1, column 5: \"x\" of a value that is not there"},
         {"{{ s[1] }} {{ s[-1] }} {{ s[1:] }} {{ s[:2] }} {{ s[::-1] }}", "ä h äh hä häh"},
         {"{{ [1,2,3,4,5][1:4] }} {{ [1,2,3,4,5][::2] }} {{ [1,2,3][-2:] }} {{ [1,2,3][5:] }}",
          "[2,3,4] [1,3,5] [2,3] []"},
         {"{{ [1,2,3][::-1] }} {{ [1,2,3,4][3:0:-2] }}", "[3,2,1] [4,2]"},
         {"{{ [1][::0] }}", "error: line 1, column 8: a slice with a step of 0"}},
        message);
}

TEST_CASE("a wrong template is refused where it is wrong") {
  check(
      {{"a\n{{ 1 + }}", "error: line 2, column 8: expected a value, found \"}}\""},
       {"{{ 1 2 }}", "error: line 1, column 6: expected \"}}\", found \"2\""},
       {"{{ a", "error: line 1, column 5: the tag does not end: \"}}\" is missing"},
       {"{% if x %}a",
        "error: line 1, column 11: the block does not end: \"{% endif %}\" is missing"},
       {"{% endif %}", "error: line 1, column 4: \"endif\" without its beginning"},
       {"{% else %}", "error: line 1, column 4: \"else\" without its beginning"},
       {"{# a", "error: line 1, column 1: the comment does not end: \"#}\" is missing"},
       {"{{ 'a }}", "error: line 1, column 4: the string does not end: ' is missing"},
       {"{{ '\\q' }}", "error: line 1, column 5: an unknown escape in a string"},
       {"{{ headr('x') }}",
        "error: line 1, column 4: there is no function \"headr\"; is \"header\" meant?"},
       {"{{ 'x' | uper }}",
        "error: line 1, column 10: there is no filter \"uper\"; is \"upper\" meant?"},
       {"{{ 'x' is strin }}",
        "error: line 1, column 11: there is no test \"strin\"; is \"string\" meant?"},
       {"{{ header() }}", "error: line 1, column 4: function \"header\" takes 1 arguments, not 0"},
       {"{{ substring('a') }}",
        "error: line 1, column 4: function \"substring\" takes 2 to 3 arguments, not 1"},
       {"{{ 'a' | replace('b') }}",
        "error: line 1, column 10: filter \"replace\" takes 2 arguments, not 1"},
       {"{% include 'x' %}",
        "error: line 1, column 4: \"include\" needs other templates, and there is only this one"},
       {"{% macro x() %}",
        "error: line 1, column 4: there is no statement \"macro\": expected if, for, set, with, "
        "filter, do or raw"},
       {"{% for x of y %}", "error: line 1, column 10: expected \"in\", found \"of\""},
       {"{{ $x }}", "error: line 1, column 4: \"$\" has no meaning in an expression"},
       {"{{ x.items() }}",
        "error: line 1, column 6: there is no method items(): values have filters instead"},
       {"{{ 1x }}", "error: line 1, column 4: \"1x\" is no number"},
       {"{{ 99999999999999999999 }}",
        "error: line 1, column 4: \"99999999999999999999\" is no number, or too large"},
       {"{% raw %}x",
        "error: line 1, column 1: the block does not end: \"{% endraw %}\" is missing"},
       {"{{ f", "error: line 1, column 5: the tag does not end: \"}}\" is missing"}});
}

TEST_CASE("the names that a body must give are known") {
  const auto names = [](std::string_view text) { return Template::compile(text)->variables(); };
  CHECK(names("{{ a.b }}{% set c = d %}{{ c }}{{ loop }}") ==
        std::vector<std::string>{"a", "d", "loop"});
  CHECK(names("{% for x in xs %}{{ x }}{{ loop.index }}{% endfor %}") ==
        std::vector<std::string>{"xs"});
  CHECK(names("{{ header('a') }}{{ connection.id }}{{ [1]|map(attribute='x') }}").empty());
  CHECK(names("{{ reverse }}{{ [1]|sort(reverse=true) }}") == std::vector<std::string>{"reverse"});
  CHECK(Template::compile("{{ body() }}")->reads_body());
  CHECK(Template::compile("{{ context() }}")->reads_body());
  CHECK_FALSE(Template::compile("{{ header('body()') }}")->reads_body());
  CHECK(*Template::compile("plain")->constant() == "plain");
  CHECK(Template::compile("a{{ 1 }}")->constant() == nullptr);
}
