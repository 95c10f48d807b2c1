#include "proxy/net/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <cstring>

#include "proxy/net/connect.h"

namespace tidegate::proxy::net {

namespace asio = boost::asio;

namespace {

error_code last_error() { return {errno, boost::system::system_category()}; }

Result<int> bound_socket(const asio::ip::udp::endpoint& at, bool shared) {
  const int fd = ::socket(at.protocol().family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return last_error();
  const int on = 1;
  bool good = true;
  if (at.address().is_v6()) {
    good = ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
           ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0;
  } else {
    good = ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0;
  }
  if (shared) good = good && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  good = good && ::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0;
  if (good) return fd;
  const error_code failed = last_error();
  ::close(fd);
  return failed;
}

/// The address that a datagram was sent to.
asio::ip::address local_of(msghdr& message) {
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      asio::ip::address_v4::bytes_type bytes;
      std::memcpy(bytes.data(), &info.ipi_addr, bytes.size());
      return asio::ip::address_v4(bytes);
    }
    if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      return asio::ip::address_v6(bytes);
    }
  }
  return {};
}

/// What a system call on a socket's bytes came to.
Result<std::size_t> outcome(Socket& socket, ssize_t result) {
  if (result >= 0) return static_cast<std::size_t>(result);
  if (errno != EAGAIN && errno != EWOULDBLOCK) return last_error();
  socket.read_exhausted(true);
  return error_code(asio::error::would_block);
}

}  // namespace

Result<int> open_datagram_socket(const asio::ip::address& ip, std::uint16_t port, bool exclusive) {
  const asio::ip::udp::endpoint at(ip, port);
  if (exclusive) {
    Result<int> probe = bound_socket(at, false);
    if (!probe) return probe;
    ::close(*probe);
  }
  return bound_socket(at, true);
}

Result<Socket> connect_datagram(asio::io_context& io, const asio::ip::tcp::endpoint& to) {
  const int fd = ::socket(to.protocol().family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return last_error();
  if (for_ourselves(fd)) {
    ::close(fd);
    return error_code(EMFILE, boost::system::system_category());
  }
  if (::connect(fd, to.data(), static_cast<socklen_t>(to.size())) != 0) {
    const error_code failed = last_error();
    ::close(fd);
    return failed;
  }
  Socket socket(io, fd, false);
  if (!socket.is_open()) return error_code(asio::error::no_descriptors);
  return socket;
}

Result<std::size_t> receive_from(Socket& socket, std::span<char> into, Client& client) {
  iovec piece{into.data(), into.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))];
  msghdr message{};
  message.msg_name = client.remote.data();
  message.msg_namelen = static_cast<socklen_t>(client.remote.capacity());
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  Result<std::size_t> got = outcome(socket, ::recvmsg(socket.fd(), &message, 0));
  if (!got) return got;
  client.remote.resize(message.msg_namelen);
  client.local = local_of(message);
  return got;
}

Result<std::size_t> receive(Socket& socket, std::span<char> into) {
  return outcome(socket, ::recv(socket.fd(), into.data(), into.size(), 0));
}

error_code send(Socket& socket, std::span<const char> bytes) {
  if (::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return {};
  return last_error();
}

error_code answer(Socket& socket, const Client& client, std::span<const char> bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  asio::ip::udp::endpoint to = client.remote;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  msghdr message{};
  message.msg_name = to.data();
  message.msg_namelen = static_cast<socklen_t>(to.size());
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (client.local.is_v4()) {
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    const auto from = client.local.to_v4().to_bytes();
    std::memcpy(&info.ipi_spec_dst, from.data(), from.size());
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    message.msg_controllen = CMSG_SPACE(sizeof info);
  } else {
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    const auto from = client.local.to_v6().to_bytes();
    std::memcpy(&info.ipi6_addr, from.data(), from.size());
    if (client.local.to_v6().is_link_local())
      info.ipi6_ifindex = static_cast<unsigned>(client.remote.address().to_v6().scope_id());
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    message.msg_controllen = CMSG_SPACE(sizeof info);
  }
  if (::sendmsg(socket.fd(), &message, MSG_NOSIGNAL) >= 0) return {};
  return last_error();
}

bool refused(error_code failed) {
  return failed == asio::error::connection_refused || failed == asio::error::host_unreachable ||
         failed == asio::error::network_unreachable || failed == asio::error::bad_descriptor;
}

}  // namespace tidegate::proxy::net
