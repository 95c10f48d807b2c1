#include "proxy/filters/header_modifier.h"

namespace tidegate::proxy::filters {

std::string_view apply(const HeaderChanges& changes, http::Fields& fields) {
  std::string_view host;
  for (const HeaderValue& header : changes.set) {
    if (http::iequals(header.name, "host")) {
      host = header.value;
    } else if (!http::frames_message(header.name)) {
      fields.set(header.name, header.value);
    }
  }
  for (const HeaderValue& header : changes.add) {
    if (http::iequals(header.name, "host")) {
      host = header.value;
    } else if (!http::frames_message(header.name)) {
      fields.add(header.name, header.value);
    }
  }
  for (const std::string& name : changes.remove) fields.remove(name);
  return host;
}

}  // namespace tidegate::proxy::filters
