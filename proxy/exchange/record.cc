#include "proxy/exchange/record.h"

namespace tidegate::proxy::exchange {

using std::chrono::system_clock;

Record::Record(const telemetry::AccessLogs* logs) : logs_(logs) {
  if (logs_ && logs_->needs().any()) kept_ = std::make_unique<Kept>();
  reached(format::Point::kDownstreamReceiveBegin);
}

void Record::keep(const http::ResponseHead& head, Arena& arena) {
  if (!kept_ || !logs_->needs().response) return;
  kept_->response.status = head.status;
  kept_->response.fields = head.fields;
  kept_->response.fields.own(arena);
}

void Record::keep(const http::Fields& trailers, Arena& arena) {
  if (!kept_ || !logs_->needs().response_trailers) return;
  kept_->trailers = trailers;
  kept_->trailers.own(arena);
}

void Record::tried(std::string_view host) {
  ++attempts_;
  reached(format::Point::kUpstreamConnectionEnd);
  reached(format::Point::kUpstreamSendBegin);
  if (kept_ && logs_->needs().hosts) kept_->hosts.emplace_back(host);
}

void Record::write(Loop& loop, std::chrono::steady_clock::duration took, format::Values& values) {
  values.random = &loop.random;
  if (values.route) values.route_name = values.route->name;
  values.started = system_clock::now() - std::chrono::duration_cast<system_clock::duration>(took);
  values.duration = took;
  values.details = details;
  values.attempts = attempts_;
  std::vector<format::AttemptedHost> hosts;
  if (kept_) {
    values.points = &kept_->points;
    if (values.status != 0) values.response = &kept_->response;
    if (!kept_->trailers.empty()) values.response_trailers = &kept_->trailers;
    for (const std::string& host : kept_->hosts) hosts.push_back({host, {}});
    values.hosts_attempted = hosts;
  }
  logs_->write(loop.index, values);
}

}  // namespace tidegate::proxy::exchange
