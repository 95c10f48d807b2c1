#pragma once

#include <string_view>
#include <vector>

#include "proxy/http/fields.h"

/// Cookies of a request. Source: RFC 6265 section 4.2; RFC 9113 section 8.2.3 (several fields).
namespace tidegate::proxy::http {

struct Cookie {
  std::string_view name;
  std::string_view value;  // without quotes around it
};

/// All cookies, in order.
std::vector<Cookie> cookies(const Fields& fields);
/// The first of that name; data() == nullptr where there is none.
std::string_view cookie(const Fields& fields, std::string_view name);
/// Takes all cookies away that `drop` says yes to; a field that is left without one goes as well.
template <class Drop>
void remove_cookies(Fields& fields, Arena& arena, Drop&& drop);
/// Adds a cookie behind the others.
void add_cookie(Fields& fields, Arena& arena, std::string_view name, std::string_view value);

/// One "name=value" off the front of a Cookie field; false at its end.
bool next_cookie(std::string_view& field, Cookie& out, std::string_view& raw);

template <class Drop>
void remove_cookies(Fields& fields, Arena& arena, Drop&& drop) {
  bool emptied = false;
  for (Field& field : fields.list()) {
    if (!iequals(field.name, "cookie")) continue;
    std::string_view kept;
    std::string_view rest = field.value;
    std::string_view raw;
    Cookie one;
    bool dropped = false;
    while (next_cookie(rest, one, raw)) {
      if (drop(one)) {
        dropped = true;
      } else {
        kept = kept.empty() ? raw : arena.join(kept, "; ", raw);
      }
    }
    if (!dropped) continue;
    field.value = kept;
    emptied |= kept.empty();
  }
  if (!emptied) return;
  Fields::List& list = fields.list();
  for (auto at = list.begin(); at != list.end();)
    at = iequals(at->name, "cookie") && at->value.empty() ? list.erase(at) : at + 1;
}

}  // namespace tidegate::proxy::http
