#include "proxy/http1/serializer.h"

#include <array>
#include <charconv>

namespace tidegate::proxy::http1 {
namespace {

void write_fields(const http::Fields& fields, std::string& out) {
  for (const http::Field& field : fields) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
}

void write_number(std::uint64_t number, std::string& out) {
  char text[24];
  auto [end, bad] = std::to_chars(text, text + sizeof text, number);
  out.append(text, end);
}

void write_length(std::uint64_t length, std::string& out) {
  out.append("Content-Length: ");
  write_number(length, out);
  out.append("\r\n");
}

}  // namespace

void write_request_head(const http::RequestHead& head, std::string& out) {
  const bool tunnel = head.method == "CONNECT" && !head.upgrade.empty();
  out.append(tunnel ? std::string_view("GET") : head.method).append(" ");
  out.append(head.path.empty() ? head.authority : head.path).append(" HTTP/1.1\r\nHost: ");
  out.append(head.authority).append("\r\n");
  write_fields(head.fields, out);
  if (!head.upgrade.empty()) {
    out.append("Connection: Upgrade\r\nUpgrade: ").append(head.upgrade).append("\r\n");
    // The nonce of RFC 6455 has no purpose between us and the backend: HTTP/2 has none.
    if (tunnel && !head.fields.has("sec-websocket-key"))
      out.append("Sec-WebSocket-Key: dGlkZWdhdGUtaDItdG8taDE=\r\n");
  } else if (head.body.kind == http::BodyLength::Kind::kExact) {
    write_length(head.body.bytes, out);
  } else if (head.body.kind == http::BodyLength::Kind::kUnknown) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (head.te_trailers && head.upgrade.empty()) out.append("TE: trailers\r\nConnection: TE\r\n");
  out.append("\r\n");
}

void write_response_head(const http::ResponseHead& head, http::Version client, bool close,
                         bool head_request, std::string_view date, std::string& out) {
  const bool informational = head.status < 200;
  out.append("HTTP/1.1 ");
  write_number(static_cast<std::uint64_t>(head.status), out);
  out.append(" ").append(reason_phrase(head.status)).append("\r\n");
  write_fields(head.fields, out);
  if (!informational && !date.empty() && !head.fields.has("date"))
    out.append("Date: ").append(date).append("\r\n");
  if (head.status == 101) {
    out.append("Connection: Upgrade\r\nUpgrade: ").append(head.upgrade).append("\r\n\r\n");
    return;
  }
  if (!informational && head.status != 204) {
    if (head_request || head.status == 304) {
      if (head.declared_length >= 0) {
        write_length(static_cast<std::uint64_t>(head.declared_length), out);
      } else if (head.body.kind == http::BodyLength::Kind::kExact) {
        write_length(head.body.bytes, out);
      }
    } else if (head.body.kind == http::BodyLength::Kind::kUnknown) {
      if (client == http::Version::kHttp11) out.append("Transfer-Encoding: chunked\r\n");
    } else {
      write_length(head.body.bytes, out);
    }
  }
  if (!informational) {
    if (close) {
      out.append("Connection: close\r\n");
    } else if (client == http::Version::kHttp10) {
      out.append("Connection: keep-alive\r\n");
    }
  }
  out.append("\r\n");
}

std::size_t write_chunk_size(char (&out)[20], std::size_t size) {
  auto [end, bad] = std::to_chars(out, out + sizeof out - 2, size, 16);
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - out);
}

void write_last_chunk(const http::Fields* trailers, std::string& out) {
  out.append("0\r\n");
  if (trailers != nullptr) write_fields(*trailers, out);
  out.append("\r\n");
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    case 511:
      return "Network Authentication Required";
    default:
      return {};
  }
}

}  // namespace tidegate::proxy::http1
