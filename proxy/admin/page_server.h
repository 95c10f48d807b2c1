#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/page.h"
#include "base/result.h"

namespace tidegate::proxy::admin {

/// A small HTTP/1.1 server for operators: the admin, readiness and metrics ports. Runs on the
/// control thread. Beast does the protocol; limits: 64 connections (the one that waits longest
/// makes room) and 64 streams, a head of 16 KiB, a body of 64 KiB, 30 s a request and a write.
class PageServer {
 public:
  struct Options {
    bool read_only = false;  // what changes state is answered with 403
    /// Refuses (403) what a page of another site asks (Origin, Sec-Fetch-Site) except a link, and,
    /// where the port is bound to loopback, a request for a name that is not this machine's (Host):
    /// otherwise any web page could use an operator's browser, with a name that it makes resolve to
    /// 127.0.0.1.
    bool guard = false;
  };
  PageServer(boost::asio::io_context& io, std::vector<Page> pages, Options options);
  ~PageServer();

  /// Opens `address` ("IP:PORT"; port 0: any). Errors: what bind() says; invalid_argument.
  Result<boost::asio::ip::tcp::endpoint> listen(const std::string& address);
  void stop();
  /// Something may have changed: asks every PageStream for what there is to tell.
  void wake();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// "IP:PORT", "[IPv6]:PORT".
Result<boost::asio::ip::tcp::endpoint> parse_address(const std::string& text);

}  // namespace tidegate::proxy::admin
