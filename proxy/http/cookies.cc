#include "proxy/http/cookies.h"

namespace tidegate::proxy::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool next_cookie(std::string_view& field, Cookie& out, std::string_view& raw) {
  while (!field.empty()) {
    raw = trimmed(field.substr(0, field.find(';')));
    const std::size_t end = field.find(';');
    field = end == field.npos ? std::string_view() : field.substr(end + 1);
    if (raw.empty()) continue;
    const std::size_t equals = raw.find('=');
    out.name = equals == raw.npos ? std::string_view() : trimmed(raw.substr(0, equals));
    out.value = trimmed(equals == raw.npos ? raw : raw.substr(equals + 1));
    if (out.value.size() >= 2 && out.value.front() == '"' && out.value.back() == '"')
      out.value = out.value.substr(1, out.value.size() - 2);
    return true;
  }
  return false;
}

std::vector<Cookie> cookies(const Fields& fields) {
  std::vector<Cookie> out;
  for (const Field& field : fields) {
    if (!iequals(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    std::string_view raw;
    Cookie one;
    while (next_cookie(rest, one, raw)) out.push_back(one);
  }
  return out;
}

std::string_view cookie(const Fields& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (!iequals(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    std::string_view raw;
    Cookie one;
    while (next_cookie(rest, one, raw)) {
      if (one.name == name) return one.value.data() ? one.value : std::string_view("");
    }
  }
  return {};
}

void add_cookie(Fields& fields, Arena& arena, std::string_view name, std::string_view value) {
  Field* last = nullptr;
  for (Field& field : fields.list()) {
    if (iequals(field.name, "cookie")) last = &field;
  }
  if (last) {
    last->value = arena.join(last->value, "; ", name, "=", value);
  } else {
    fields.append("cookie", arena.join(name, "=", value));
  }
}

}  // namespace tidegate::proxy::http
