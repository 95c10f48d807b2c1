#include "proxy/aws/lambda_payload.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/jose/base64.h"
#include "proxy/http/percent.h"

namespace tidegate::proxy::aws {

namespace json = boost::json;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// Without overlong forms, surrogates and what is beyond Unicode. Source: RFC 3629 section 4.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    std::size_t more = 0;
    unsigned code = first;
    if (first >= 0x80) {
      if (first < 0xC2 || first > 0xF4) return false;
      more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
      code = first & (0x3FU >> more);
    }
    if (i + more >= text.size()) return false;
    for (std::size_t j = 1; j <= more; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xC0U) != 0x80) return false;
      code = code << 6U | (next & 0x3FU);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) ||
        (more == 3 && (code < 0x10000 || code > 0x10FFFF)))
      return false;
    i += more + 1;
  }
  return true;
}

/// A JSON string is UTF-8; bytes above 0x7F of what is none stand for themselves (Latin-1).
std::string as_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += {static_cast<char>(0xC0U | byte >> 6U), static_cast<char>(0x80U | (byte & 0x3FU))};
    }
  }
  return out;
}

bool textual(const http::RequestHead& request) {
  if (request.chunked) return false;
  const std::string type = lower(request.fields.get("content-type"));
  return type == "application/json" || type == "application/javascript" ||
         type == "application/xml" || type.starts_with("text/");
}

json::object query_of(std::string_view query) {
  json::object out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string name = as_utf8(one.substr(0, equals));
    if (!out.contains(name)) out[name] = as_utf8(one.substr(std::min(equals + 1, one.size())));
  }
  return out;
}

/// By the name of the field, or as JSON mappings of protobuf have it.
const json::value* member(const json::object& object, std::string_view name,
                          std::string_view camel_case) {
  const json::value* found = object.if_contains(name);
  if (!found) found = object.if_contains(camel_case);
  return found && found->is_null() ? nullptr : found;
}

bool read_fields(const json::value* from, FunctionAnswer& to) {
  if (!from) return true;
  if (!from->is_object()) return false;
  for (const auto& [name, value] : from->get_object()) {
    if (!value.is_string()) return false;
    to.fields.emplace_back(lower(name), std::string(value.get_string()));
  }
  return true;
}

bool read_cookies(const json::value* from, FunctionAnswer& to) {
  if (!from) return true;
  if (!from->is_array()) return false;
  for (const json::value& one : from->get_array()) {
    if (!one.is_string()) return false;
    to.cookies.emplace_back(one.get_string());
  }
  return true;
}

/// The bytes that a text has in JSON; not counted on where there are more than `most`.
std::size_t escaped_size(std::string_view text, std::size_t most) {
  std::size_t out = 0;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t') {
      out += 2;
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? 6 : 1;
    }
    if (out > most) break;
  }
  return out;
}

}  // namespace

std::optional<std::string> payload_of(const http::RequestHead& request, std::string_view body,
                                      std::size_t most) {
  const bool text = body.empty() || (textual(request) && is_utf8(body));
  if ((text ? escaped_size(body, most) : (body.size() + 2) / 3 * 4) > most) return std::nullopt;
  json::object headers;
  for (const http::Field& field : request.fields) {
    const std::string name = lower(field.name);
    if (json::value* known = headers.if_contains(name)) {
      known->get_string() += ",";
      known->get_string() += as_utf8(field.value);
    } else {
      headers[name] = as_utf8(field.value);
    }
  }
  json::object out;
  out["raw_path"] = as_utf8(request.path);
  out["method"] = json::string_view(request.method.data(), request.method.size());
  out["headers"] = std::move(headers);
  out["query_string_parameters"] = query_of(request.query());
  out["body"] = text ? std::string(body) : jose::encode_base64(body);
  out["is_base64_encoded"] = !text;
  std::string payload = json::serialize(out);
  if (payload.size() > most) return std::nullopt;
  return payload;
}

std::optional<FunctionAnswer> answer_of(std::string_view payload) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(payload.data(), payload.size()), failed);
  if (failed || !parsed.is_object()) return std::nullopt;
  const json::object& object = parsed.get_object();
  FunctionAnswer out;
  if (const json::value* status = member(object, "status_code", "statusCode")) {
    const std::int64_t* number = status->if_int64();
    if (!number || *number < 200 || *number > 599) return std::nullopt;
    out.status = static_cast<int>(*number);
  }
  if (!read_fields(member(object, "headers", "headers"), out) ||
      !read_cookies(member(object, "cookies", "cookies"), out))
    return std::nullopt;
  bool coded = false;
  if (const json::value* one = member(object, "is_base64_encoded", "isBase64Encoded")) {
    if (!one->is_bool()) return std::nullopt;
    coded = one->get_bool();
  }
  const json::value* body = member(object, "body", "body");
  if (!body) return out;
  if (!body->is_string()) return std::nullopt;
  out.body = std::string(body->get_string());
  if (!coded) return out;
  std::optional<std::string> decoded = jose::decode_base64(out.body);
  if (!decoded) return std::nullopt;
  out.body = std::move(*decoded);
  return out;
}

}  // namespace tidegate::proxy::aws
