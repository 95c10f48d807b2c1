#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/unit/template/message.h"

using namespace tidegate::proxy::templates;

TEST_CASE("fields of the request and of the response") {
  Message message;
  message.headers = {{":status", "200"}, {"foo", "bar"}};
  message.request_headers = {{":path", "/a?b"}, {":method", "GET"}, {":authority", "example.com"}};
  CHECK(shown("{{ header(':StaTus') }} {{ header('Foo') }}", message) == "200 bar");
  CHECK(shown("https://{{ request_header(':authority') }}{{ request_header(':path') }}", message) ==
        "https://example.com/a?b");
  CHECK(shown("{{ header('missing') }}{{ request_header('foo') }}", message).empty());
  CHECK(shown("{% if header('foo') == 'bar' %}401{% else %}403{% endif %}", message) == "401");
  CHECK(shown("{%- if request_header('x') != '' -%}a{% else %}b{% endif %}", message) == "b");
}

TEST_CASE("cookies") {
  Message message;
  message.request_headers = {{"cookie", "a=1; Session=x=y ;b=2; a=3"}};
  CHECK(shown("{{ get_cookie('a') }},{{ get_cookie('Session') }},{{ get_cookie('session') }},"
              "{{ get_cookie_i('SESSION') }},{{ get_cookie('none') }}",
              message) == "1,x=y,,x=y,");
}

TEST_CASE("base64, with and without padding, of what is not base64 nothing") {
  CHECK(shown("{{ base64_encode('transformation test') }}") == "dHJhbnNmb3JtYXRpb24gdGVzdA==");
  CHECK(shown("{{ base64_decode('dHJhbnNmb3JtYXRpb24gdGVzdA==') }}") == "transformation test");
  CHECK(shown("{{ base64_decode('dHJhbnNmb3JtYXRpb24gdGVzdA') }}") == "transformation test");
  CHECK(shown("{{ base64_encode('a') }}{{ base64_encode('ab') }}{{ base64_encode('abc') }}") ==
        "YQ==YWI=YWJj");
  CHECK(shown("{{ base64_decode('***') }}[{{ base64_decode('a') }}]{{ base64_decode('/w==') }}") ==
        "[]");
  CHECK(shown("{{ base64_encode('>>>~~?') }} {{ base64url_encode('>>>~~?') }}") ==
        "Pj4+fn4/ Pj4-fn4_");
  CHECK(shown("{{ base64url_decode('Pj4-fn4_') }}{{ base64_decode('Pj4-fn4_') }}") == ">>>~~?");
}

TEST_CASE("substring") {
  CHECK(shown("{{ substring('ENVOYPROXY something', 5, 5) }}") == "PROXY");
  CHECK(shown("{{ substring('ENVOYPROXY something', 5) }}") == "PROXY something");
  CHECK(shown("{{ substring('abc', 1, 0) }}{{ substring('abc', 1, -1) }}") == "bcbc");
  CHECK(shown("{{ substring('abc', 1, 99) }}[{{ substring('abc', 3) }}]") == "bc[]");
  CHECK(shown("{{ substring('abc', -1) }}") ==
        "error: line 1, column 4: substring() from a negative start");
  CHECK(shown("{{ substring('abc', 'x') }}").starts_with("error: "));
}

TEST_CASE("replacement") {
  Message message;
  const std::string random = shown("{{ replace_with_random('a-b-a', 'a') }}", message);
  CHECK(random == "AAAAAAAAAAABAAAAAAAAAA-b-AAAAAAAAAAABAAAAAAAAAA");
  CHECK(shown("{{ replace_with_random('a', 'a') }}", message) != random.substr(0, 22));
  CHECK(shown("{{ replace_with_string('Bearer abc', 'abc', '***') }}") == "Bearer ***");
  CHECK(shown("{{ replace_with_string('abc', '', 'x') }}") == "abc");
  CHECK(shown("{{ replace_with_string('', 'a', 'x') }}").empty());
  CHECK(shown("{{ raw_string('a\\n\"b\\\\') }}") == "a\\n\\\"b\\\\");
  CHECK(shown("{{ raw_string('hello') }}") == "hello");
}

TEST_CASE("the body as text, as JSON, and its fields by name") {
  Message message;
  message.text = R"({"author": "Yours Truly"})";
  message.with(R"({"slideshow": {"author": "Yours Truly", "title": "Sample Slide Show",
    "slides": [{"title": "Wake up to WonderWidgets!", "type": "all"}]}})");
  CHECK(
      shown(R"({"author": "{{ slideshow.author }}", "slides": {{ slideshow.slides }}})", message) ==
      R"({"author": "Yours Truly", "slides": [{"title":"Wake up to WonderWidgets!","type":"all"}]})");
  CHECK(shown("{{ body() }}", message) == message.text);
  CHECK(shown("{{ context().slideshow.title }}", message) == "Sample Slide Show");
  CHECK(shown("{% set c = context() %}{{ c.slideshow.title }}", message) == "Sample Slide Show");
  message.with("[1, 2]");
  CHECK(shown("{% for x in context() %}<{{ x }}>{% endfor %}", message) == "<1><2>");
  message.parsed = nullptr;
  CHECK(shown("[{{ context() }}]", message) == "[]");
  message.with(R"({"context": 1, "header": 2})");  // functions keep their names
  CHECK(shown("{{ context }}{{ header }}{{ header('x') }}", message) == "12");
}

TEST_CASE("the environment, but not its secrets") {
  setenv("POD_NAME", "http-1", 1);
  setenv("TIDEGATE_CONFIG", "/etc", 1);
  setenv("AWS_SECRET_ACCESS", "hush", 1);
  setenv("github_token", "hush", 1);
  CHECK(shown("{{ env('POD_NAME') }}") == "http-1");
  CHECK(shown("{{ env('TIDEGATE_CONFIG') }}{{ env('AWS_SECRET_ACCESS') }}{{ env('github_token') }}"
              "{{ env('NO_SUCH_VARIABLE') }}")
            .empty());
}

TEST_CASE("facts of the connection") {
  Message message;
  message.facts = {{"requested_server_name", "a.example"}, {"mtls", false}};
  CHECK(shown("{{ connection.requested_server_name }} {{ connection.mtls }}{{ connection.x }}",
              message) == "a.example false");
}

TEST_CASE("Inja's functions") {
  Message message;
  message.with(R"({"a": {"b": [1]}, "list": [3, 1, 2]})");
  CHECK(shown("{{ upper('a') }}{{ lower('B') }}{{ length(list) }}{{ first(list) }}{{ last(list) }}",
              message) == "Ab332");
  CHECK(shown("{{ exists('a.b') }} {{ exists('a.c') }} {{ exists('x') }} {{ existsIn(a, 'b') }}",
              message) == "true false false true");
  CHECK(shown("{{ isString('a') }} {{ isNumber(1) }} {{ isArray(list) }} {{ isObject(a) }}",
              message) == "true true true true");
  CHECK(
      shown(
          "{{ at(list, 0) }} {{ sort(list) }} {{ join(list, '-') }} {{ max(list) }}{{ min(list) }}",
          message) == "3 [1,2,3] 3-1-2 31");
  CHECK(shown("{{ default(x, 'y') }} {{ round(3.14159, 2) }} {{ int('7') }} {{ float('1.5') }}",
              message) == "y 3.14 7 1.5");
  CHECK(shown("{{ odd(3) }} {{ even(3) }} {{ divisibleBy(6, 3) }} {{ range(3) }} {{ replace('aba', "
              "'a', 'c') }}",
              message) == "true false true [0,1,2] cbc");
}

TEST_CASE("filters on texts") {
  CHECK(shown("{{ 'hELLO wORLD'|capitalize }} {{ 'the bIrd, is The:word'|title }}") ==
        "Hello world The Bird, Is The:Word");
  CHECK(shown("[{{ '  a '|trim }}][{{ 'xxaxx'|trim('x') }}]") == "[a][a]");
  CHECK(shown("{{ '<a href=\"x\">'|escape }}{{ '<'|safe }}") == "&lt;a href=&quot;x&quot;&gt;<");
  CHECK(shown("{{ 'a b  c'|split }} {{ 'a,b,c'|split(',', 1) }} {{ ''|split(',') }}") ==
        "[\"a\",\"b\",\"c\"] [\"a\",\"b,c\"] [\"\"]");
  CHECK(shown("{{ 'a\\r\\nb\\n'|lines }}") == "[\"a\",\"b\"]");
  CHECK(shown("{{ 'a\\nb\\n\\nc'|indent(2) }}") == "a\n  b\n\n  c");
  CHECK(shown("{{ 'a b&c/ä'|urlencode }} {{ {'x y': 1, 'a': '&'}|urlencode }}") ==
        "a%20b%26c/%C3%A4 a=%26&x%20y=1");
  CHECK(shown("{{ {'a': [1]}|tojson }} {{ 'x\"'|tojson }} {{ [1]|tojson(2) }}") ==
        "{\"a\":[1]} \"x\\\"\" [\n  1\n]");
  CHECK(shown("{{ 'abc'|reverse }} {{ 'aé'|length }} {{ 12|string + '3' }}") == "cba 2 123");
}

TEST_CASE("filters on lists and maps") {
  Message message;
  message.with(R"({"people": [{"name": "bob", "age": 7}, {"name": "Al", "age": 9},
    {"name": "cy", "age": 7}], "map": {"b": 1, "a": 2}})");
  CHECK(shown("{{ people|map(attribute='name')|join(',') }}", message) == "bob,Al,cy");
  CHECK(shown("{{ people|sort(attribute='name')|map(attribute='name')|join }}", message) ==
        "Albobcy");
  CHECK(shown("{{ people|selectattr('age', 'eq', 7)|map(attribute='name')|join(' ') }}", message) ==
        "bob cy");
  CHECK(shown("{{ people|rejectattr('age', 'lt', 8)|length }}", message) == "1");
  CHECK(
      shown(
          "{% for age, group in people|groupby('age') %}{{ age }}:{{ group|length }} {% endfor %}",
          message) == "7:2 9:1 ");
  CHECK(shown("{{ map|dictsort }} {{ map|dictsort(by='value', reverse=true) }}", message) ==
        "[[\"a\",2],[\"b\",1]] [[\"a\",2],[\"b\",1]]");
  CHECK(shown("{{ [3, 1, 2]|sort(reverse=true) }} {{ ['b', 'A']|sort }} {{ ['b', 'A']|max }}",
              message) == "[3,2,1] [\"A\",\"b\"] b");
  CHECK(shown("{{ [1, 1, 2]|unique }} {{ [1, 2, 3]|select('odd') }} {{ [1, 0]|reject }}",
              message) == "[1,2] [1,3] [0]");
  CHECK(shown("{{ ['a', 'b']|map('upper') }} {{ [1, 2]|sum }} {{ [1, 2, 3]|batch(2, 0) }}",
              message) == "[\"A\",\"B\"] 3 [[1,2],[3,0]]");
  CHECK(shown("{{ ''|default('x', true) }}{{ x|default }}{{ x|d('y') }}{{ 0|default('z') }}",
              message) == "xy0");
  CHECK(shown("{{ people|map(attribute='x', default='?')|join }}", message) == "???");
  CHECK(shown("{{ [[1]]|map('map', 'int') }}", message).starts_with("error: "));
  CHECK(shown("{{ [1]|map('nothing') }}", message) ==
        "error: line 1, column 8: there is no filter \"nothing\"");
}

TEST_CASE("filters on numbers") {
  CHECK(shown("{{ '42'|int }} {{ 3.9|int }} {{ true|int }} {{ x|int }} {{ '1e3'|int }}") ==
        "42 3 1 0 1000");
  CHECK(shown("{{ 'x'|int }}") == "error: line 1, column 8: the text is no number");
  CHECK(shown("{{ 1e300|int }}") == "error: line 1, column 10: the number does not fit an integer");
  CHECK(shown("{{ -3|abs }} {{ 2.5|round }} {{ 2|round }} {{ 1.25|round(1) }} {{ ''|bool }}") ==
        "3 3.0 2 1.3 false");
}
