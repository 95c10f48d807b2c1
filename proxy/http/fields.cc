#include "proxy/http/fields.h"

#include <algorithm>

namespace tidegate::proxy::http {

bool frames_message(std::string_view name) {
  for (const std::string_view reserved :
       {"content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te",
        "trailer", "upgrade"}) {
    if (iequals(name, reserved)) return true;
  }
  return false;
}
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Whether a backend may take `given` for a field of that name.
bool passes_for(std::string_view given, std::string_view name) {
  if (given.size() != name.size() || given.empty()) return false;
  if (((given.front() ^ name.front()) & ~0x20) != 0) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (given[i] != name[i] && lower(given[i]) != lower(name[i]) &&
        !(given[i] == '_' && name[i] == '-'))
      return false;
  }
  return true;
}
}  // namespace

void Settled::note(std::string_view name) {
  if (!has(name)) names_.push_back(arena_.copy(name));
}

bool Settled::has(std::string_view name) const {
  return std::any_of(names_.begin(), names_.end(), [name](std::string_view one) {
    return passes_for(name, one) || passes_for(one, name);
  });
}

bool same_letters(const char* a, const char* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string_view Fields::get(std::string_view name) const {
  for (const Field& field : list_) {
    if (iequals(field.name, name)) return field.value.data() ? field.value : std::string_view("");
  }
  return {};
}

void Fields::set(std::string_view name, std::string_view value) {
  told(name);
  for (auto field = list_.begin(); field != list_.end(); ++field) {
    if (!passes_for(field->name, name)) continue;
    if (!iequals(field->name, name)) field->name = name;
    field->value = value;
    list_.erase(std::remove_if(field + 1, list_.end(),
                               [&](const Field& other) { return passes_for(other.name, name); }),
                list_.end());
    return;
  }
  append(name, value);
}

void Fields::remove(std::string_view name) {
  told(name);
  list_.erase(std::remove_if(list_.begin(), list_.end(),
                             [&](const Field& field) { return passes_for(field.name, name); }),
              list_.end());
}

void Fields::own(Arena& arena) {
  for (Field& field : list_) {
    field.name = arena.copy(field.name);
    field.value = arena.copy(field.value);
  }
}

}  // namespace tidegate::proxy::http
