#include "proxy/admin/health_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "proxy/admin/page_server.h"

namespace tidegate::proxy::admin {

namespace asio = boost::asio;

bool ask_ready(const std::string& address, std::string& says) {
  Result<asio::ip::tcp::endpoint> at = parse_address(address);
  if (!at) return says = address + " is not IP:PORT", false;
  if (at->address().is_unspecified()) {
    at = at->address().is_v4()
             ? asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), at->port())
             : asio::ip::tcp::endpoint(asio::ip::address_v6::loopback(), at->port());
  }
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  error_code failed;
  socket.open(at->protocol(), failed);
  const timeval limit{2, 0};  // of connect, write and read each; on loopback none waits
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const std::string request = "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  // System calls, since the timeouts are the socket's.
  if (::connect(socket.native_handle(), at->data(), static_cast<socklen_t>(at->size())) != 0 ||
      ::send(socket.native_handle(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    return says = "nothing answers on " + address, false;
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; answer.size() < 65536 &&
                        (got = ::recv(socket.native_handle(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  const std::size_t body = answer.find("\r\n\r\n");
  says = body == std::string::npos ? "no answer" : answer.substr(body + 4);
  while (says.ends_with('\n')) says.pop_back();
  return answer.starts_with("HTTP/1.1 200 ");
}

}  // namespace tidegate::proxy::admin
