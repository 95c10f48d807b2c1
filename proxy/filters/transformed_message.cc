#include "proxy/filters/transformed_message.h"

#include <charconv>

namespace tidegate::proxy::filters {

/// All values of that name, joined by ','; cookies by ';' (RFC 6265 section 5.4).
std::string_view TransformedMessage::field(const http::Fields& fields, std::string_view name) {
  std::string_view out;
  bool found = false;
  for (const http::Field& each : fields) {
    if (!http::iequals(each.name, name)) continue;
    out = found ? arena_.join(out, std::string_view(name == "cookie" ? "; " : ","), each.value)
                : each.value;
    found = true;
  }
  return out;
}

std::string_view TransformedMessage::length(const http::BodyLength& body) {
  if (body.kind != http::BodyLength::Kind::kExact) return {};
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, body.bytes).ptr;
  return arena_.copy({text, static_cast<std::size_t>(end - text)});
}

std::string_view TransformedMessage::request_header(std::string_view name) {
  if (name == ":path") return request_.path;
  if (name == ":method") return request_.method;
  if (name == ":authority" || name == "host") return request_.authority;
  if (name == ":scheme") return request_.scheme;
  if (name == "content-length") return length(request_.body);
  if (name == "upgrade") return request_.upgrade;
  return field(request_.fields, name);
}

std::string_view TransformedMessage::header(std::string_view name) {
  if (!response_) return request_header(name);
  if (name == ":status") {
    char text[12];
    const auto end = std::to_chars(text, text + sizeof text, response_->status).ptr;
    return arena_.copy({text, static_cast<std::size_t>(end - text)});
  }
  if (name == "content-length") return length(response_->body);
  return field(response_->fields, name);
}

const boost::json::object* TransformedMessage::connection() {
  if (!connection_) {
    connection_.emplace();
    (*connection_)["requested_server_name"] = facts_.sni;
    (*connection_)["tls_version"] = facts_.tls_version;
  }
  return &*connection_;
}

}  // namespace tidegate::proxy::filters
