#include "proxy/filters/chain.h"
#include "proxy/snapshot/traffic_filters.h"

/// Source: kgateway TrafficPolicy.spec.buffer; Envoy's filter envoy.filters.http.buffer.
namespace tidegate::proxy::filters {
namespace {

class BufferFilter final : public Filter {
 public:
  explicit BufferFilter(const Buffer& from) : bytes_max_(from.request_bytes_max) {}

  Verdict request(Call& call) const override {
    const http::BodyLength& length = call.request.body;
    if (length.none() || !call.request.upgrade.empty()) return Verdict::kContinue;
    if (length.kind == http::BodyLength::Kind::kExact && length.bytes > bytes_max_) {
      refuse(call);
      return Verdict::kReply;
    }
    return Verdict::kWait;
  }

  Task<Verdict> request_waiting(Call& call) const override {
    Result<Gathered> gathered = co_await call.gather_request(bytes_max_);
    if (!gathered) {
      call.reply = Reply{400, {}, "bad request\n", "DPE"};
      co_return Verdict::kReply;
    }
    if (!gathered->whole) {
      refuse(call);
      co_return Verdict::kReply;
    }
    // The length is known now; trailers need a body that is framed.
    const http::Fields* trailers = call.request_body().trailers();
    if (trailers == nullptr || trailers->empty())
      call.request.body = {http::BodyLength::Kind::kExact, gathered->bytes.size()};
    co_return Verdict::kContinue;
  }

 private:
  static void refuse(Call& call) {
    call.stats.downstream_rq_too_large.add();
    call.stats.limits.request_body.add();
    call.reply = Reply{413, {}, "Payload Too Large", "-", "request_payload_too_large"};
  }

  std::uint64_t bytes_max_;
};

}  // namespace

FilterPtr compile(const Buffer& from, const CompileContext&) {
  return std::make_shared<BufferFilter>(from);
}

}  // namespace tidegate::proxy::filters
