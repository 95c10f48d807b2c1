#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "base/result.h"

namespace tidegate::proxy::net {

/// A listening TCP socket: non-blocking, with SO_REUSEPORT, so that each worker has one of its own
/// and the kernel divides the connections among them; an IPv6 one takes no IPv4. The caller closes
/// it. `exclusive`: first makes sure that nobody else listens there. With SO_REUSEPORT alone two
/// processes of one user would share the port without a word; a bind without it finds the other
/// one. Errors: what socket(), bind() and listen() say: address_in_use, permission_denied,
/// address_not_available ...
Result<int> open_listening_socket(const boost::asio::ip::address& ip, std::uint16_t port,
                                  bool exclusive);

}  // namespace tidegate::proxy::net
