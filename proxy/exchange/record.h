#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/exchange/site_options.h"
#include "proxy/format/values.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::exchange {

/// What an exchange writes down for its access logs and its span while it runs. What costs
/// something (moments, the answer's fields, which go with the connection that they came on) is
/// written down only where somebody asks for it.
class Record {
 public:
  /// `options` outlive it.
  Record(const SiteOptions& options, const http::RequestHead& request);

  void reached(format::Point point) {
    if (kept_ && kept_->needs.points)
      kept_->points[static_cast<std::size_t>(point)] = std::chrono::steady_clock::now();
  }
  /// The head and the trailers of the answer, copied into `arena`.
  void keep(const http::ResponseHead& head, Arena& arena);
  void keep(const http::Fields& trailers, Arena& arena);
  /// An attempt on an endpoint, to which there is a connection now.
  void tried(std::string_view host);
  /// All of the request has come, and has been passed on.
  void request_ended() {
    reached(format::Point::kDownstreamReceiveEnd);
    reached(format::Point::kUpstreamSendEnd);
  }
  /// The backend's answer is there.
  void answered() {
    details = "via_upstream";
    reached(format::Point::kUpstreamReceiveBegin);
  }
  /// All of the answer has been sent.
  void answer_ended() {
    reached(format::Point::kUpstreamReceiveEnd);
    reached(format::Point::kDownstreamSendEnd);
  }

  std::uint32_t tries() const { return attempts_; }
  bool wanted() const { return wanted_; }
  /// Completes `values` with what is written down here, which they borrow.
  void complete(Loop& loop, std::chrono::steady_clock::duration took, format::Values& values);
  /// Writes the entries of the logs, where there are some.
  void log(const Loop& loop, const format::Values& values) const;

  std::string_view details;  // RESPONSE_CODE_DETAILS

 private:
  struct Kept {
    format::Points points{};
    http::ResponseHead response;
    http::Fields trailers;
    std::vector<std::string> hosts;
    std::vector<format::AttemptedHost> attempted;  // views of them
    format::Needs needs;
  };
  const telemetry::AccessLogs* logs_;  // null: none
  bool wanted_;
  std::unique_ptr<Kept> kept_;  // null: nobody asks for any of it
  std::uint32_t attempts_ = 0;
};

}  // namespace tidegate::proxy::exchange
