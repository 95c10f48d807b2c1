#include "proxy/net/proxy_protocol.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tidegate::proxy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using State = ProxyHeader::State;

constexpr std::string_view kText = "PROXY ";
constexpr std::size_t kTextMax = 107;  // section 2.1, with CRLF
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixed = 16;

ProxyHeader bad() {
  ProxyHeader out;
  out.state = State::kBad;
  return out;
}

std::optional<std::uint16_t> port(std::string_view text) {
  std::uint16_t out = 0;
  auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<tcp::endpoint> endpoint(std::string_view ip, std::string_view port_text, bool v6) {
  error_code failed;
  const asio::ip::address address = asio::ip::make_address(std::string(ip), failed);
  const std::optional<std::uint16_t> number = port(port_text);
  if (failed || !number || address.is_v6() != v6 || ip.find('%') != ip.npos) return std::nullopt;
  return tcp::endpoint(address, *number);
}

ProxyHeader read_text(std::string_view bytes) {
  ProxyHeader out;
  const std::size_t end = bytes.find("\r\n");
  if (end == bytes.npos || end + 2 > kTextMax) {
    out.state = bytes.size() >= kTextMax || end != bytes.npos ? State::kBad : State::kPartial;
    return out;
  }
  out.state = State::kWhole;
  out.size = end + 2;
  std::string_view rest = bytes.substr(kText.size(), end - kText.size());
  std::array<std::string_view, 5> words;
  std::size_t count = 0;
  while (count < words.size()) {
    const std::size_t space = rest.find(' ');
    words[count++] = rest.substr(0, space);
    if (space == rest.npos) {
      rest = {};
      break;
    }
    rest.remove_prefix(space + 1);
  }
  if (words[0] == "UNKNOWN") return out;
  const bool v6 = words[0] == "TCP6";
  if ((!v6 && words[0] != "TCP4") || count != words.size() || !rest.empty()) return bad();
  out.source = endpoint(words[1], words[3], v6);
  out.destination = endpoint(words[2], words[4], v6);
  return out.source && out.destination ? out : bad();
}

template <class Address>
tcp::endpoint binary_endpoint(const char* address, const char* port_bytes) {
  typename Address::bytes_type bytes;
  std::memcpy(bytes.data(), address, bytes.size());
  const auto high = static_cast<unsigned char>(port_bytes[0]);
  const auto low = static_cast<unsigned char>(port_bytes[1]);
  return {asio::ip::address(Address(bytes)), static_cast<std::uint16_t>(high << 8 | low)};
}

ProxyHeader read_binary(std::string_view bytes) {
  ProxyHeader out;
  if (bytes.size() < kFixed) return out;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned version = at(12) >> 4;
  const unsigned command = at(12) & 15U;
  const unsigned family = at(13);
  const std::size_t length = static_cast<std::size_t>(at(14) << 8 | at(15));
  if (version != 2 || command > 1 || kFixed + length > kProxyHeaderMax) return bad();
  if (bytes.size() < kFixed + length) return out;
  out.state = State::kWhole;
  out.size = kFixed + length;
  if (command == 0) return out;  // LOCAL: the proxy speaks for itself
  const char* body = bytes.data() + kFixed;
  if (family == 0x11) {  // TCP over IPv4
    if (length < 12) return bad();
    out.source = binary_endpoint<asio::ip::address_v4>(body, body + 8);
    out.destination = binary_endpoint<asio::ip::address_v4>(body + 4, body + 10);
  } else if (family == 0x21) {  // TCP over IPv6
    if (length < 36) return bad();
    out.source = binary_endpoint<asio::ip::address_v6>(body, body + 32);
    out.destination = binary_endpoint<asio::ip::address_v6>(body + 16, body + 34);
  }
  return out;
}

}  // namespace

ProxyHeader read_proxy_header(std::span<const char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  const auto begins = [&](std::string_view mark) {
    const std::size_t both = std::min(all.size(), mark.size());
    return all.substr(0, both) == mark.substr(0, both);
  };
  if (begins(kText)) return all.size() < kText.size() ? ProxyHeader() : read_text(all);
  if (begins(kSignature)) return read_binary(all);
  ProxyHeader out;
  out.state = State::kAbsent;
  return out;
}

Task<Result<ProxyHeader>> take_proxy_header(Socket& socket) {
  std::array<char, kProxyHeaderMax> buffer;
  while (socket.is_open()) {
    const ssize_t got = ::recv(socket.fd(), buffer.data(), buffer.size(), MSG_PEEK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
      co_return error_code(errno, boost::system::system_category());
    if (got == 0) co_return error_code(asio::error::eof);
    const auto size = static_cast<std::size_t>(got > 0 ? got : 0);
    ProxyHeader header;
    if (size > 0) header = read_proxy_header({buffer.data(), size});
    if (header.state == State::kWhole) {
      // All of it is there, so one call takes it.
      if (::recv(socket.fd(), buffer.data(), header.size, 0) != static_cast<ssize_t>(header.size))
        co_return error_code(asio::error::eof);
      co_return header;
    }
    if (header.state != State::kPartial) co_return header;
    socket.read_exhausted(false);
    if (socket.may_read()) co_return error_code(asio::error::eof);  // the peer has ended
    if (error_code failed = co_await socket.wait_readable()) co_return failed;
  }
  co_return error_code(asio::error::operation_aborted);
}

}  // namespace tidegate::proxy::net
