#include "proxy/http1/parser.h"

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "proxy/http/characters.h"
#include "proxy/http1/scan.h"

namespace tidegate::proxy::http1 {
namespace {

using http::all_of;
using http::BodyLength;
using http::iequals;
using http::kTarget;
using http::kValue;
using http::valid_authority;

struct Meaning {
  HeadError error;
  int status;
  std::string_view text;
};
constexpr std::array<Meaning, 19> kMeanings{{
    {HeadError::kBadRequestLine, 400, "malformed request line\n"},
    {HeadError::kBadMethod, 400, "malformed method\n"},
    {HeadError::kBadTarget, 400, "malformed request target\n"},
    {HeadError::kTargetTooLong, 414, "request target too long\n"},
    {HeadError::kBadVersion, 505, "HTTP version not supported\n"},
    {HeadError::kBadField, 400, "malformed header field\n"},
    {HeadError::kFolded, 400, "folded header field\n"},
    {HeadError::kTooManyFields, 431, "too many header fields\n"},
    {HeadError::kBadHost, 400, "malformed Host\n"},
    {HeadError::kNoHost, 400, "Host is missing\n"},
    {HeadError::kManyHosts, 400, "more than one Host\n"},
    {HeadError::kBadContentLength, 400, "malformed Content-Length\n"},
    {HeadError::kManyContentLengths, 400, "more than one Content-Length\n"},
    {HeadError::kBadTransferEncoding, 400, "malformed Transfer-Encoding\n"},
    {HeadError::kUnknownTransferEncoding, 501, "transfer coding not supported\n"},
    {HeadError::kLengthAndEncoding, 400, "both Content-Length and Transfer-Encoding\n"},
    {HeadError::kBadExpectation, 417, "expectation not supported\n"},
    {HeadError::kBadStatusLine, 502, "malformed status line\n"},
    {HeadError::kNotHttp, 0, ""},
}};

const Meaning& meaning(HeadError error) { return kMeanings[static_cast<std::size_t>(error)]; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls `each` with the elements of a comma-separated list. Source: RFC 9110 section 5.6.1.
template <class Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    std::string_view element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    if (comma == list.npos) break;
    list.remove_prefix(comma + 1);
  }
}

/// Takes the next line, without its CRLF. False: it does not end in CRLF.
bool take_line(std::string_view& rest, std::string_view& line) {
  if (rest.empty()) return false;  // and may have no bytes to point to
  const void* feed = std::memchr(rest.data(), '\n', rest.size());
  if (feed == nullptr) return false;
  std::size_t at = static_cast<std::size_t>(static_cast<const char*>(feed) - rest.data());
  if (at == 0 || rest[at - 1] != '\r') return false;
  line = rest.substr(0, at - 1);
  rest.remove_prefix(at + 1);
  return true;
}

/// What is not passed on as a field.
enum class Special : std::uint8_t {
  kNone,
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kKeepAlive,
  kTe,
  kTrailer,
  kUpgrade,
  kExpect,
  kAlias,
};

/// At most one comparison a name: those of one length differ in one byte that is looked at first.
Special special(std::string_view name) {
  const auto is = [name](std::string_view other, Special meant) {
    return iequals(name, other) ? meant : Special::kNone;
  };
  switch (name.size()) {
    case 2:
      return is("te", Special::kTe);
    case 4:
      return is("host", Special::kHost);
    case 6:
      return is("expect", Special::kExpect);
    case 7:
      return (name.front() | 0x20) == 't' ? is("trailer", Special::kTrailer)
                                          : is("upgrade", Special::kUpgrade);
    case 10:
      return (name.front() | 0x20) == 'c' ? is("connection", Special::kConnection)
                                          : is("keep-alive", Special::kKeepAlive);
    case 14:
      return name[7] == '_' ? is("content_length", Special::kAlias)
                            : is("content-length", Special::kContentLength);
    case 16:
      return is("proxy-connection", Special::kKeepAlive);
    case 17:
      return name[8] == '_' ? is("transfer_encoding", Special::kAlias)
                            : is("transfer-encoding", Special::kTransferEncoding);
    default:
      return Special::kNone;
  }
}

/// What the special fields of one head said.
struct Framing {
  std::string_view host;
  int hosts = 0;
  std::uint64_t length = 0;
  int lengths = 0;
  int encodings = 0;
  std::string_view encoding;
  bool close = false;
  bool keep_alive = false;
  bool connection_upgrade = false;
  bool names_fields = false;  // Connection names others
  std::size_t named = 0;      // how many
  std::string_view upgrade;
  bool te_trailers = false;
  std::string_view expect;
};

bool blank(char c) { return c == ' ' || c == '\t'; }

/// Why what `rest` begins with is no field, where it is the `count`th.
HeadError wrong_field(std::string_view rest, std::size_t count, std::size_t fields_max) {
  std::string_view line;
  if (!take_line(rest, line) || line.empty()) return HeadError::kBadField;
  if (count > fields_max) return HeadError::kTooManyFields;
  return blank(line.front()) ? HeadError::kFolded : HeadError::kBadField;
}

/// Takes the lines "Name: value" that `rest` begins with, each in one pass, up to its end or to an
/// empty line. `each` may refuse one.
template <class Each>
std::optional<HeadError> take_fields(std::string_view& rest, std::size_t fields_max, Each each) {
  const char* begin = rest.data();
  const char* const end = begin + rest.size();
  for (std::size_t count = 1; begin != end && !rest.starts_with("\r\n"); ++count) {
    const char* const colon = scan::token_end(begin, end);
    if (colon == begin || colon == end || *colon != ':')
      return wrong_field(rest, count, fields_max);
    const char* first = colon + 1;
    while (first != end && blank(*first)) ++first;
    const char* const line_end = scan::value_end(first, end);
    if (end - line_end < 2 || line_end[0] != '\r' || line_end[1] != '\n')
      return wrong_field(rest, count, fields_max);
    if (count > fields_max) return HeadError::kTooManyFields;
    const char* last = line_end;
    while (last != first && blank(last[-1])) --last;
    if (auto wrong = each(std::string_view(begin, colon), std::string_view(first, last)))
      return wrong;
    begin = line_end + 2;
    rest = {begin, end};
  }
  return std::nullopt;
}

/// What a field that is not passed on says about its message.
std::optional<HeadError> frame(Special meant, std::string_view value, std::size_t fields_max,
                               Framing& framing, http::Fields& fields) {
  switch (meant) {
    case Special::kNone:
      break;
    case Special::kHost:
      ++framing.hosts;
      framing.host = value;
      break;
    case Special::kContentLength: {
      if (++framing.lengths > 1) return HeadError::kManyContentLengths;
      auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), framing.length);
      if (bad != std::errc() || end != value.data() + value.size() || framing.length > INT64_MAX) {
        return HeadError::kBadContentLength;
      }
      break;
    }
    case Special::kTransferEncoding:
      if (++framing.encodings > 1) return HeadError::kBadTransferEncoding;
      framing.encoding = value;
      break;
    case Special::kConnection:
      for_each_element(value, [&framing](std::string_view option) {
        if (iequals(option, "close")) {
          framing.close = true;
        } else if (iequals(option, "keep-alive")) {
          framing.keep_alive = true;
        } else if (iequals(option, "upgrade")) {
          framing.connection_upgrade = true;
        } else if (special(option) == Special::kNone) {
          framing.names_fields = true;
          ++framing.named;
        }
      });
      // Each is looked for among all fields, and there are not more of those.
      if (framing.named > fields_max) return HeadError::kTooManyFields;
      if (framing.names_fields) fields.append("connection", value);  // until all fields are known
      break;
    case Special::kTe:
      for_each_element(value, [&framing](std::string_view coding) {
        if (iequals(coding, "trailers")) framing.te_trailers = true;
      });
      break;
    case Special::kUpgrade:
      for_each_element(value, [&framing](std::string_view protocol) {
        if (framing.upgrade.empty() && http::valid_protocol(protocol) &&
            !http::hides_requests(protocol)) {
          framing.upgrade = protocol;
        }
      });
      break;
    case Special::kExpect:
      if (framing.expect.empty() || iequals(framing.expect, "100-continue")) framing.expect = value;
      break;
    case Special::kAlias:  // to a backend that takes '_' for '-' it is what frames a body
      return HeadError::kBadField;
    case Special::kKeepAlive:
    case Special::kTrailer:
      break;
  }
  return std::nullopt;
}

std::optional<HeadError> parse_fields(std::string_view rest, std::size_t fields_max,
                                      Framing& framing, http::Fields& fields) {
  const auto each = [&](std::string_view name, std::string_view value) -> std::optional<HeadError> {
    const Special meant = special(name);
    if (meant != Special::kNone) return frame(meant, value, fields_max, framing, fields);
    fields.append(name, value);
    return std::nullopt;
  };
  if (auto wrong = take_fields(rest, fields_max, each)) return wrong;
  if (rest.size() != 2) return HeadError::kBadField;  // the empty line is missing, or not the last
  return std::nullopt;
}

/// Fields that Connection names are for this hop alone. Source: RFC 9110 section 7.6.1.
void remove_named(http::Fields& fields) {
  std::string_view named;
  while ((named = fields.get("connection")).data() != nullptr) {
    http::Fields::List& list = fields.list();
    for (auto field = list.begin(); field != list.end(); ++field) {
      if (field->value.data() == named.data() && iequals(field->name, "connection")) {
        list.erase(field);
        break;
      }
    }
    for_each_element(named, [&fields](std::string_view name) {
      if (!iequals(name, "connection")) fields.remove(name);
    });
  }
}

/// `target`: not empty, of bytes that a target may have.
std::optional<HeadError> parse_target(std::string_view target, http::RequestHead& out) {
  if (out.method == "CONNECT") {
    if (!valid_authority(target) || target.find(':') == target.npos) return HeadError::kBadTarget;
    out.authority = target;
    return std::nullopt;
  }
  if (target.front() == '/') {
    out.path = target;
    return std::nullopt;
  }
  if (target == "*") {
    if (out.method != "OPTIONS") return HeadError::kBadTarget;
    out.path = target;
    return std::nullopt;
  }
  std::size_t scheme = target.find("://");
  if (scheme == target.npos) return HeadError::kBadTarget;
  if (!iequals(target.substr(0, scheme), "http") && !iequals(target.substr(0, scheme), "https"))
    return HeadError::kBadTarget;
  target.remove_prefix(scheme + 3);
  std::size_t end = target.find_first_of("/?");
  out.authority = target.substr(0, end);
  if (out.authority.empty() || !valid_authority(out.authority)) return HeadError::kBadTarget;
  if (end == target.npos) {
    out.path = out.method == "OPTIONS" ? "*" : "/";
  } else if (target[end] == '/') {
    out.path = target.substr(end);
  } else {
    return HeadError::kBadTarget;  // a query without a path
  }
  return std::nullopt;
}

/// But for the port that is meant where none is said.
bool same_authority(std::string_view one, std::string_view other) {
  if (iequals(one, other)) return true;
  if (one.size() < other.size()) std::swap(one, other);
  for (const std::string_view port : {":80", ":443"}) {
    if (one.ends_with(port) && iequals(one.substr(0, one.size() - port.size()), other)) return true;
  }
  return false;
}

std::optional<HeadError> parse_version(std::string_view text, HeadError bad, http::Version& out) {
  if (text == "HTTP/1.1") {
    out = http::Version::kHttp11;
  } else if (text == "HTTP/1.0") {
    out = http::Version::kHttp10;
  } else if (text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' && text[5] >= '0' &&
             text[5] <= '9' && text[7] >= '0' && text[7] <= '9') {
    return HeadError::kBadVersion;
  } else {
    return bad;
  }
  return std::nullopt;
}

/// Why a request line is refused; `out` has what was read of it before.
HeadError wrong_request_line(std::string_view head, const http::HeadLimits& limits,
                             http::RequestHead& out) {
  std::string_view line;
  if (!take_line(head, line)) return HeadError::kBadRequestLine;
  std::size_t first = line.find(' ');
  if (first == line.npos) return HeadError::kBadRequestLine;
  std::size_t last = line.rfind(' ');
  out.method = line.substr(0, first);
  if (!http::valid_method(out.method)) return HeadError::kBadMethod;
  out.asked_head = out.method == "HEAD";
  if (last == first) return HeadError::kBadRequestLine;
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.size() > limits.target_bytes_max) return HeadError::kTargetTooLong;
  const bool bad_target = target.empty() || !all_of(target, kTarget);
  if (auto wrong = parse_version(line.substr(last + 1), HeadError::kBadRequestLine, out.version)) {
    // A peer that speaks another protocol, a broken preface of HTTP/2 for one, has no use for an
    // answer in this one.
    return line.find("HTTP/") == line.npos && (bad_target || parse_target(target, out))
               ? HeadError::kNotHttp
               : *wrong;
  }
  return HeadError::kBadTarget;
}

/// Takes "METHOD target HTTP/1.x" in one pass.
std::optional<HeadError> take_request_line(std::string_view& head, const http::HeadLimits& limits,
                                           http::RequestHead& out) {
  constexpr std::size_t kVersion = 11;  // " HTTP/1.1" and CRLF
  const char* const begin = head.data();
  const char* const end = begin + head.size();
  const char* const method_end = scan::token_end(begin, end);
  if (method_end == end || *method_end != ' ' || !http::valid_method({begin, method_end}))
    return wrong_request_line(head, limits, out);
  const char* const target_end = scan::target_end(method_end + 1, end);
  const std::string_view target(method_end + 1, target_end);
  const std::string_view version(target_end, end);
  if (target.empty() || version.size() < kVersion || !version.starts_with(" HTTP/1.") ||
      (version[8] != '0' && version[8] != '1') || version[9] != '\r' || version[10] != '\n') {
    return wrong_request_line(head, limits, out);
  }
  out.method = {begin, method_end};
  out.asked_head = out.method == "HEAD";
  if (target.size() > limits.target_bytes_max) return HeadError::kTargetTooLong;
  out.version = version[8] == '1' ? http::Version::kHttp11 : http::Version::kHttp10;
  head = version.substr(kVersion);
  return parse_target(target, out);
}

}  // namespace

int status_of(HeadError error) { return meaning(error).status; }
std::string_view text_of(HeadError error) { return meaning(error).text; }

std::size_t find_head_end(std::string_view bytes, std::size_t from) {
  if (bytes.starts_with("\r\n") && from < 2) from = 2;
  const std::size_t at = scan::last_line_end(bytes, from);
  if (at == bytes.size()) return 0;
  return at + (bytes[at + 1] == '\n' ? 2 : 3);
}

std::optional<HeadError> parse_request_head(std::string_view head, const http::HeadLimits& limits,
                                            http::RequestHead& out) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  if (auto wrong = take_request_line(head, limits, out)) return wrong;

  Framing framing;
  if (auto wrong = parse_fields(head, limits.fields_max, framing, out.fields)) return wrong;
  const bool http10 = out.version == http::Version::kHttp10;
  if (framing.hosts > 1) return HeadError::kManyHosts;
  if (framing.hosts == 0 && !http10) return HeadError::kNoHost;
  if (!valid_authority(framing.host)) return HeadError::kBadHost;
  if (out.authority.empty()) {
    out.authority = framing.host;
  } else if (framing.hosts > 0 && !same_authority(out.authority, framing.host)) {
    return HeadError::kBadHost;  // one of the two is a lie, and a backend may believe the other
  }

  if (framing.encodings > 0) {
    if (http10) return HeadError::kBadTransferEncoding;
    if (framing.lengths > 0) return HeadError::kLengthAndEncoding;
    if (!iequals(framing.encoding, "chunked")) {
      std::string_view final_coding;
      for_each_element(framing.encoding,
                       [&final_coding](std::string_view coding) { final_coding = coding; });
      return iequals(final_coding, "chunked") && final_coding.data() != framing.encoding.data()
                 ? HeadError::kUnknownTransferEncoding
                 : HeadError::kBadTransferEncoding;
    }
    out.body.kind = BodyLength::Kind::kUnknown;
    out.chunked = true;
  } else if (framing.lengths > 0) {
    out.body = {BodyLength::Kind::kExact, framing.length};
  }
  if (!framing.expect.empty() && !http10) {
    if (!iequals(framing.expect, "100-continue")) return HeadError::kBadExpectation;
    out.expect_continue = true;
  }
  out.names_fields = framing.names_fields;
  if (framing.names_fields) remove_named(out.fields);
  // What follows an upgrade has no framing, so a body beside it would be a second request to a
  // backend that stays with HTTP. A server may ignore an upgrade (RFC 9110 section 7.8).
  if (framing.connection_upgrade && !http10 && out.body.none()) out.upgrade = framing.upgrade;
  out.te_trailers = framing.te_trailers;
  out.keep_alive = !framing.close && (!http10 || framing.keep_alive);
  return std::nullopt;
}

std::optional<HeadError> parse_response_head(std::string_view head, const http::HeadLimits& limits,
                                             std::string_view method, http::ResponseHead& out) {
  std::string_view line;
  if (!take_line(head, line)) return HeadError::kBadStatusLine;
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' '))
    return HeadError::kBadStatusLine;
  if (parse_version(line.substr(0, 8), HeadError::kBadStatusLine, out.version))
    return HeadError::kBadStatusLine;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return HeadError::kBadStatusLine;
    out.status = out.status * 10 + (c - '0');
  }
  if (out.status < 100 || out.status > 599 || !all_of(line.substr(12), kValue))
    return HeadError::kBadStatusLine;

  Framing framing;
  if (auto wrong = parse_fields(head, limits.fields_max, framing, out.fields)) return wrong;
  const bool http10 = out.version == http::Version::kHttp10;
  out.keep_alive = !framing.close && (!http10 || framing.keep_alive);
  out.names_fields = framing.names_fields;
  if (framing.names_fields) remove_named(out.fields);
  if (framing.encodings > 0 && framing.lengths > 0) return HeadError::kLengthAndEncoding;
  const bool tunnel =
      out.status == 101 || (method == "CONNECT" && out.status >= 200 && out.status < 300);
  if (out.status == 101) out.upgrade = framing.upgrade;
  if (tunnel) {
    out.body.kind = BodyLength::Kind::kUnknown;
  } else if (method == "HEAD" || out.status < 200 || out.status == 204 || out.status == 304) {
    // What may have no body and announces one may be followed by it.
    const bool announced = framing.encodings > 0 || (framing.lengths > 0 && framing.length > 0);
    if (announced && (out.status < 200 || out.status == 204)) out.keep_alive = false;
    if (framing.lengths > 0 && out.status >= 200 && out.status != 204) {
      out.declared_length = static_cast<std::int64_t>(framing.length);
    }
  } else if (framing.encodings > 0) {
    if (http10) return HeadError::kBadTransferEncoding;
    if (!iequals(framing.encoding, "chunked")) return HeadError::kUnknownTransferEncoding;
    out.body.kind = BodyLength::Kind::kUnknown;
    out.chunked = true;
  } else if (framing.lengths > 0) {
    out.body = {BodyLength::Kind::kExact, framing.length};
  } else {
    out.body.kind = BodyLength::Kind::kUnknown;  // until the connection ends
    out.keep_alive = false;
  }
  return std::nullopt;
}

std::optional<HeadError> parse_trailers(std::string_view lines, std::size_t fields_max,
                                        http::Fields& out) {
  const auto each = [&out](std::string_view name,
                           std::string_view value) -> std::optional<HeadError> {
    if (special(name) == Special::kNone) out.append(name, value);
    return std::nullopt;
  };
  if (auto wrong = take_fields(lines, fields_max, each)) return wrong;
  if (!lines.empty()) return HeadError::kBadField;
  return std::nullopt;
}

}  // namespace tidegate::proxy::http1
