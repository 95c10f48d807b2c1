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
/// control thread. Beast does the protocol; limits: 64 connections and 64 streams, a head of 16
/// KiB, a body of 64 KiB, 30 s a request and a write.
class PageServer {
 public:
  /// `read_only`: what changes state is answered with 403.
  PageServer(boost::asio::io_context& io, std::vector<Page> pages, bool read_only = false);
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
