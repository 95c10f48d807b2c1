#include "proxy/filters/header_modifier.h"

namespace tidegate::proxy::filters {
namespace {

/// Fields that frame or route a message are written by us alone (fields.h); a modifier cannot forge
/// them.
bool is_ours(std::string_view name) {
  for (std::string_view reserved : {"content-length", "transfer-encoding", "connection",
                                    "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}) {
    if (http::iequals(name, reserved)) return true;
  }
  return false;
}

}  // namespace

std::string_view apply(const HeaderChanges& changes, http::Fields& fields) {
  std::string_view host;
  for (const HeaderValue& header : changes.set) {
    if (http::iequals(header.name, "host")) {
      host = header.value;
    } else if (!is_ours(header.name)) {
      fields.set(header.name, header.value);
    }
  }
  for (const HeaderValue& header : changes.add) {
    if (http::iequals(header.name, "host")) {
      host = header.value;
    } else if (!is_ours(header.name)) {
      fields.add(header.name, header.value);
    }
  }
  for (const std::string& name : changes.remove) fields.remove(name);
  return host;
}

}  // namespace tidegate::proxy::filters
