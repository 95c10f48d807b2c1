#include "proxy/http2/error.h"

#include <string>

namespace tidegate::proxy::http2 {
namespace {

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "http2"; }
  std::string message(int value) const override {
    return std::string(text(static_cast<Error>(value)));
  }
};

}  // namespace

bool retry_safe(const error_code& code) {
  return code == Error::kRefused || code == Error::kNotUsable;
}

std::string_view text(Error error) {
  switch (error) {
    case Error::kRefused:
      return "the peer refused the stream";
    case Error::kNotUsable:
      return "the connection takes no new streams";
    case Error::kReset:
      return "the peer reset the stream";
    case Error::kCancelled:
      return "the stream was given up";
    case Error::kClosed:
      return "the connection has ended";
    case Error::kProtocol:
      return "the peer broke HTTP/2";
    case Error::kMalformed:
      return "malformed message";
    case Error::kHeadTooLarge:
      return "head too large";
    case Error::kFlood:
      return "the peer floods the connection";
    case Error::kUpgradeUnsupported:
      return "the peer does not take extended CONNECT";
    case Error::kIdle:
      return "idle";
  }
  return "unknown";
}

const boost::system::error_category& category() {
  static const Category instance;
  return instance;
}

}  // namespace tidegate::proxy::http2
