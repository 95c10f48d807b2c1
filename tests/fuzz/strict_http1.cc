#include "tests/fuzz/strict_http1.h"

#include <algorithm>

#include "tests/fuzz/target.h"

namespace tidegate::fuzz {
namespace {

bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return letter_or_digit(c) ||
           (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

bool digits(std::string_view text) {
  return !text.empty() && text.size() < 19 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

/// A line without its CRLF, taken off; nothing where its end is not there.
std::optional<std::string_view> line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  if (end == bytes.npos) return std::nullopt;
  must(end > 0 && bytes[end - 1] == '\r', "a line ends with CRLF");
  const std::string_view out = bytes.substr(0, end - 1);
  must(out.find('\r') == out.npos && out.find('\0') == out.npos,
       "a line has no bare CR and no NUL");
  bytes.remove_prefix(end + 1);
  return out;
}

void read_first(std::string_view first, bool answers, Http1Message& out) {
  const std::size_t space = first.find(' ');
  must(space != first.npos, "a first line has parts");
  out.first = first.substr(0, space);
  if (answers) {
    must(out.first == "HTTP/1.1", "an answer has our version");
    out.second = first.substr(space + 1, 3);
    must(digits(out.second) && out.second.size() == 3 && out.second[0] >= '1' &&
             out.second[0] <= '5' && first.size() > space + 4 && first[space + 4] == ' ',
         "a status line has a status and a space behind it");
    return;
  }
  must(token(out.first), "a method is a token");
  const std::size_t last = first.rfind(' ');
  out.second = first.substr(space + 1, last > space ? last - space - 1 : 0);
  must(first.substr(last + 1) == "HTTP/1.1", "a request has our version");
  must(visible(out.second) && out.second.find('#') == out.second.npos &&
           (out.second.starts_with('/') || (out.second == "*" && out.first == "OPTIONS")),
       "a target is in origin form");
}

void read_field(std::string_view text, Http1Message& out) {
  const std::size_t colon = text.find(':');
  must(colon != text.npos, "a field has a colon");
  std::string_view value = text.substr(colon + 1);
  must(value.starts_with(' '), "we write a space behind the colon");
  value.remove_prefix(1);
  check_field(text.substr(0, colon), value);
  std::string name(text.substr(0, colon));
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  out.fields.emplace_back(std::move(name), value);
}

void check_request(const Http1Message& message) {
  must(message.count("host") == 1, "a request has one Host");
  const std::string host = message.field("host");
  must(visible(host) && host.find_first_of("/?#@,\\") == host.npos, "Host is an authority");
  const std::string connection = message.field("connection");
  const bool upgrade = message.count("upgrade") > 0;
  must(connection.empty() || connection == "Upgrade" || connection == "TE",
       "a client's Connection goes no further");
  must(upgrade == (connection == "Upgrade"), "Upgrade and Connection go together");
  must((message.count("te") > 0) == (connection == "TE"), "TE and Connection go together");
  must(
      !upgrade || (message.count("content-length") == 0 && message.count("transfer-encoding") == 0),
      "an upgrade has no body");
  check_forwarded(message.fields);
}

/// A chunked body from `bytes` on; nothing where it is not whole.
bool read_chunks(std::string_view& bytes, std::string& body) {
  while (true) {
    const auto size_line = line(bytes);
    if (!size_line) return false;
    must(!size_line->empty() && size_line->size() <= 8 &&
             std::all_of(size_line->begin(), size_line->end(),
                         [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }),
         "a chunk's size is a number and nothing else");
    const std::size_t size = std::stoul(std::string(*size_line), nullptr, 16);
    if (size == 0) break;
    if (bytes.size() < size + 2) return false;
    body += bytes.substr(0, size);
    must(bytes.substr(size, 2) == "\r\n", "a chunk ends with CRLF");
    bytes.remove_prefix(size + 2);
  }
  while (true) {
    const auto trailer = line(bytes);
    if (!trailer) return false;
    if (trailer->empty()) return true;
    Http1Message trailers;
    read_field(*trailer, trailers);
    const std::string& name = trailers.fields[0].first;
    for (const std::string_view no : {"content-length", "transfer-encoding", "host", "connection",
                                      "upgrade", "te", "trailer", "keep-alive"})
      must(name != no, "no trailer frames a message");
  }
}

/// The head, taken off `bytes`.
bool read_head(std::string_view& bytes, bool answers, Http1Message& out) {
  out = Http1Message();
  const auto first = line(bytes);
  if (!first) return false;
  read_first(*first, answers, out);
  while (true) {
    const auto one = line(bytes);
    if (!one) return false;
    if (one->empty()) break;
    read_field(*one, out);
  }
  const std::size_t lengths = out.count("content-length");
  const std::size_t codings = out.count("transfer-encoding");
  must(lengths + codings <= 1, "a message has one framing at most");
  must(lengths == 0 || digits(out.field("content-length")), "a length is a number");
  must(codings == 0 || out.field("transfer-encoding") == "chunked", "a coding is chunked");
  for (const std::string_view no : {"keep-alive", "proxy-connection"})
    must(out.count(no) == 0, "no field of one hop goes further");
  if (!answers) check_request(out);
  return true;
}

}  // namespace

std::string Http1Message::field(std::string_view name) const {
  std::string out;
  must(count(name) <= 1, "a field is there once");
  for (const auto& [key, value] : fields) {
    if (key == name) out = value;
  }
  return out;
}

std::size_t Http1Message::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [name](const auto& field) { return field.first == name; }));
}

void check_field(std::string_view name, std::string_view value) {
  must(token(name), "a field's name is a token");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    must((byte >= 0x20 && byte != 0x7F) || c == '\t', "a field's value has no control bytes");
  }
  must(value.empty() || (value.front() != ' ' && value.front() != '\t' && value.back() != ' ' &&
                         value.back() != '\t'),
       "a field's value has no white space around it");
}

void check_forwarded(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t protos = 0;
  std::size_t ids = 0;
  for (const auto& [name, value] : fields) {
    must(name != "x-forwarded-client-cert", "nobody claims a certificate");
    if (name == "x-forwarded-proto") {
      ++protos;
      must(value == "http", "the backend hears how the client came");
    }
    if (name == "x-request-id") ++ids;
  }
  must(protos == 1 && ids > 0, "a request has been through an exchange");
}

bool head_is_there(std::string_view bytes, const Http1Reading& how, Http1Message& out) {
  return read_head(bytes, how.answers, out);
}

std::optional<std::size_t> read_strictly(std::string_view bytes, const Http1Reading& how,
                                         Http1Message& out) {
  std::string_view left = bytes;
  if (!read_head(left, how.answers, out)) return std::nullopt;
  const bool chunked = out.count("transfer-encoding") > 0;
  const bool known = out.count("content-length") > 0;
  if (how.answers) {
    const bool informational = out.second[0] == '1';
    if (out.second == "101") {
      must(!chunked && !known && out.field("connection") == "Upgrade" && out.count("upgrade") == 1,
           "a switch of protocols says to which");
      out.upgraded = true;
      return bytes.size() - left.size();
    }
    must((!informational && out.second != "204") || (!chunked && !known),
         "what has no body has no framing");
    if (informational || out.second == "204" || out.second == "304" || how.asked == "HEAD") {
      must(!chunked, "what has no body is not chunked");
      return bytes.size() - left.size();
    }
    if (!chunked && !known) {
      must(out.field("connection") == "close", "what ends with the connection says so");
      out.until_close = true;
      out.body = left;
      if (!how.ended) return std::nullopt;
      return bytes.size();
    }
  } else if (out.count("upgrade") > 0) {
    out.upgraded = true;
    return bytes.size() - left.size();
  }
  if (chunked) {
    if (!read_chunks(left, out.body)) return std::nullopt;
    return bytes.size() - left.size();
  }
  const std::size_t size = known ? std::stoul(out.field("content-length")) : 0;
  if (left.size() < size) return std::nullopt;
  out.body = left.substr(0, size);
  return bytes.size() - left.size() + size;
}

}  // namespace tidegate::fuzz
