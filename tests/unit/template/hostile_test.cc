#include <catch2/catch.hpp>

#include "tests/unit/template/message.h"

using namespace tidegate::proxy::templates;

namespace {

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

bool refused(const std::string& shown_text, std::string_view because) {
  INFO(shown_text.substr(0, 200));
  return shown_text.starts_with("error: ") && shown_text.find(because) != std::string::npos;
}

}  // namespace

TEST_CASE("a template that is nested without end is refused, not followed") {
  CHECK(refused(shown("{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}"), "nested"));
  CHECK(refused(shown("{{ " + repeated("[", 5000)), "nested"));
  CHECK(refused(shown("{{ " + repeated("not ", 5000) + "1 }}"), "nested"));
  CHECK(refused(shown("{{ " + repeated("-", 5000) + "1 }}"), "nested"));
  CHECK(refused(shown("{{ 1" + repeated(" + 1", 5000) + " }}"), "nested"));
  CHECK(refused(shown("{{ x" + repeated(".x", 5000) + " }}"), "nested"));
  CHECK(refused(shown("{{ x" + repeated("|upper", 5000) + " }}"), "nested"));
  CHECK(refused(shown("{{ 1" + repeated(" if 1 else 1", 2000) + " }}"), "nested"));
  CHECK(refused(shown(repeated("{% if 1 %}", 5000)), "nested"));
  CHECK(refused(shown(repeated("{% for x in y %}", 3000)), "nested"));
  CHECK(refused(shown("{{ header(" + repeated("header(", 5000)), "nested"));
  CHECK(refused(shown(std::string(kTemplateBytesMax + 1, 'a')), "more than"));
  CHECK(shown("{{ " + repeated("(", 20) + "1" + repeated(")", 20) + " }}") == "1");
}

TEST_CASE("loops, memory and output have an end") {
  CHECK(refused(
      shown("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"),
      "steps_max"));
  CHECK(refused(shown("{{ range(100001) }}"), "range()"));
  CHECK(refused(
      shown(
          "{{ range(0, 9223372036854775807, 4611686018427387904)|length }}x{{ 'a' * 100000000 }}"),
      "memory_bytes_max"));
  CHECK(refused(shown("{{ [1] * 100000000 }}"), "memory_bytes_max"));
  CHECK(refused(shown("{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}"
                      "{% set ns.s = ns.s ~ ns.s %}{% endfor %}"),
                "memory_bytes_max"));
  CHECK(refused(shown("{% for i in range(10000) %}{{ 'aaaaaaaaaa' * 1000 }}{% endfor %}"), "_max"));
  CHECK(refused(shown("{% filter upper %}{% for i in range(10000) %}" + std::string(5000, 'a') +
                      "{% endfor %}{% endfilter %}"),
                "output_bytes_max"));
  CHECK(refused(shown("{{ 'a'|indent(1000000000) }}"), "width"));
  CHECK(refused(shown("{{ 9 ** 999999999 }}"), "no result"));
  Message message;
  Limits limits;
  limits.output_bytes_max = 10;
  CHECK(shown("{{ 'a' * 10 }}", message, limits) == "aaaaaaaaaa");
  CHECK(refused(shown("{{ 'a' * 11 }}", message, limits), "output_bytes_max"));
}

TEST_CASE("a value that contains itself is neither printed nor compared without end") {
  CHECK(refused(shown("{% set a = namespace() %}{% set a.x = a %}{{ a }}"), "nested too deeply"));
  CHECK(refused(shown("{% set a = namespace() %}{% set a.x = a %}{{ a|tojson }}"),
                "nested too deeply"));
  CHECK(refused(shown("{% set a = namespace() %}{% set a.x = a %}{% set b = namespace() %}"
                      "{% set b.x = b %}{{ a == b }}"),
                "nested too deeply"));
  CHECK(refused(shown("{% set n = namespace(l=[]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}"
                      "{% endfor %}{{ n.l }}"),
                "nested too deeply"));
}

TEST_CASE("a hostile body costs no more than the limits") {
  Message message;
  boost::json::value deep = 1;
  for (int i = 0; i < 1000; ++i) deep = boost::json::array{std::move(deep)};
  message.parsed = boost::json::object{{"deep", std::move(deep)}};
  CHECK(refused(shown("{{ deep }}", message), "nested too deeply"));
  CHECK(shown("{{ deep[0][0] is sequence }}", message) == "true");

  message.with(R"({"big": 18446744073709551615, "small": -9223372036854775808, "real": 1e308,
                   "key with } and {{": "{{ 1 }}"})");
  CHECK(shown("{{ big }} {{ small }} {{ big > small }} {{ real * 10 }}", message) ==
        "18446744073709551615 -9223372036854775808 true inf");
  CHECK(refused(shown("{{ -small }}", message), "no result"));
  CHECK(shown("{{ context() }}", message).find("{{ 1 }}") != std::string::npos);  // never again

  boost::json::array many(60'000, boost::json::value("aaaaaaaa"));
  message.parsed = boost::json::object{{"many", many}};
  CHECK(shown("{{ many|length }}", message) == "60000");
  CHECK(refused(
      shown("{{ many|unique|length }}{% for x in many %}{{ x|upper|lower|trim }}{% endfor %}",
            message),
      "steps_max"));
  message.text = std::string(1 << 20, 'a');
  CHECK(shown("{{ 'aaaaaaaaaaaaaaaab' in body() }}", message) == "false");
  CHECK(refused(shown("{{ body()|replace('a', 'bbbb') }}", message), "_max"));
  message.text = std::string("\0\xff\xfe{{", 5);
  CHECK(shown("{{ body() }}", message) == message.text);
  CHECK(shown("{{ body()|length }}{{ body()|reverse|length }}", message).size() >= 2);
}

TEST_CASE("every prefix of a template compiles or is refused") {
  const std::string text =
      "a {%- if x.y[1:2] is not divisibleby(3) and 'q' not in z -%} {{ {'a': [1, "
      "2.5]}|tojson(indent=2) "
      "if not b else c.0 ~ \"\\u00e9\" }} {% elif d %}{# c #}{% else %}{% for k, v in m if k %}"
      "{% set ns.x = loop.cycle(1, 2) %}{% endfor %}{% endif %}{% raw %}{{{% endraw %}";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    Message message;
    shown(text.substr(0, i), message);
    shown(text.substr(i), message);
    std::string broken = text;
    if (i < text.size()) broken[i] = '\x80';
    shown(broken, message);
  }
}

TEST_CASE("arguments that are only named leave the others undefined, and read nothing else") {
  for (const char* filter :
       {"e", "upper", "join", "length", "sort", "replace", "odd", "isString"}) {
    INFO(filter);
    CHECK(refused(shown("{{ " + std::string(filter) + "(n=0, m=1) }}"), "arguments, not 0"));
  }
  for (const char* function : {"header", "base64_encode", "substring"}) {
    INFO(function);
    const std::string text = shown("{{ " + std::string(function) + "(n=0, m=1) }}");
    CHECK((text.empty() || text.starts_with("error: ")));
  }
}

TEST_CASE("what is undefined is in every text, and nothing is in an empty one") {
  CHECK(shown("{{ nothing in 'abc' }} {{ '' in '' }} {{ nothing in '' }} {{ 'a' in '' }}") ==
        "true true true false");
}
