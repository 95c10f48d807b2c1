#include <string>

#include "proxy/http/characters.h"
#include "proxy/http/cookies.h"
#include "proxy/http/normal_path.h"
#include "proxy/http/percent.h"
#include "proxy/http/query.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

std::string_view line(std::string_view& bytes) {
  const std::string_view out = bytes.substr(0, bytes.find('\n'));
  bytes.remove_prefix(std::min(bytes.size(), out.size() + 1));
  return out;
}

void check_path(std::string_view target) {
  if (!http::valid_path(target)) return;
  Arena arena;
  const auto normal = http::normal_path(target, arena);
  if (!normal) return;
  must(http::valid_path(*normal), "a normal path is a path");
  const auto again = http::normal_path(*normal, arena);
  must(again && *again == *normal, "a path is normal after one time");
  const std::size_t mark = normal->find('?');
  const std::size_t mark_before = target.find('?');
  must(mark == normal->npos ? mark_before == target.npos
                            : normal->substr(mark) == target.substr(mark_before),
       "the query stays as it is");
  const std::string path = std::string(normal->substr(0, mark)) + "/";
  for (const std::string_view other : {"\\", "/./", "/../", "%2e", "%2E", "%00", "%41"})
    must(path.find(other) == path.npos, "a normal path has one spelling");
  must(path.substr(0, path.size() - 1).find("//") == path.npos, "slashes are merged");
}

void check_query(std::string_view target, std::string_view name) {
  Arena arena;
  const std::string_view without = http::without_parameter(target, name, arena);
  const std::size_t mark = without.find('?');
  std::string value;
  if (mark != without.npos)
    must(!http::query_parameter(without.substr(mark + 1), name, value), "a parameter goes");
  must(http::percent_decode(http::percent_encode(name), true) == name, "escapes can be undone");
}

void check_cookies(std::string_view field, std::string_view name) {
  if (!http::all_of(field, http::kValue)) return;
  Arena arena;
  http::Fields fields;
  fields.append("cookie", field);
  const std::size_t before = http::cookies(fields).size();
  std::size_t named = 0;
  http::remove_cookies(fields, arena, [&](const http::Cookie& one) {
    named += one.name == name ? 1 : 0;
    return one.name == name;
  });
  must(http::cookie(fields, name).data() == nullptr, "a cookie goes");
  must(http::cookies(fields).size() + named == before, "the others stay");
  if (name.empty() || !http::all_of(name, http::kToken)) return;
  http::add_cookie(fields, arena, name, "value");
  must(http::cookie(fields, name) == "value", "a cookie that was added is there");
}

}  // namespace

/// Lines: a request's target, a Cookie field, a name of a parameter and a cookie.
void paths(std::string_view bytes) {
  const std::string_view target = line(bytes);
  const std::string_view field = line(bytes);
  const std::string_view name = line(bytes);
  check_path(target);
  check_query(target, name);
  check_cookies(field, name);
}

}  // namespace tidegate::fuzz
