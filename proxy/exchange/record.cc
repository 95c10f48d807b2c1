#include "proxy/exchange/record.h"

namespace tidegate::proxy::exchange {

using std::chrono::system_clock;

Record::Record(const SiteOptions& options, const http::RequestHead& request)
    : logs_(options.logs.get()), wanted_(logs_ || options.tracer) {
  if (!wanted_) return;
  format::Needs needs;
  if (logs_) needs = logs_->needs();
  if (options.tracer) needs.add(options.tracer->needs(request));
  if (!needs.any()) return;
  kept_ = std::make_unique<Kept>();
  kept_->needs = needs;
  reached(format::Point::kDownstreamReceiveBegin);
}

void Record::keep(const http::ResponseHead& head, Arena& arena) {
  if (!kept_ || !kept_->needs.response) return;
  kept_->response.status = head.status;
  kept_->response.fields = head.fields;
  kept_->response.fields.own(arena);
}

void Record::keep(const http::Fields& trailers, Arena& arena) {
  if (!kept_ || !kept_->needs.response_trailers) return;
  kept_->trailers = trailers;
  kept_->trailers.own(arena);
}

void Record::tried(std::string_view host) {
  ++attempts_;
  reached(format::Point::kUpstreamConnectionEnd);
  reached(format::Point::kUpstreamSendBegin);
  if (kept_ && kept_->needs.hosts) kept_->hosts.emplace_back(host);
}

void Record::complete(Loop& loop, std::chrono::steady_clock::duration took,
                      format::Values& values) {
  values.random = &loop.random;
  if (values.route) values.route_name = values.route->name;
  values.started = system_clock::now() - std::chrono::duration_cast<system_clock::duration>(took);
  values.duration = took;
  values.details = details;
  values.attempts = attempts_;
  if (kept_) {
    values.points = &kept_->points;
    if (values.status != 0) values.response = &kept_->response;
    if (!kept_->trailers.empty()) values.response_trailers = &kept_->trailers;
    for (const std::string& host : kept_->hosts) kept_->attempted.push_back({host, {}});
    values.hosts_attempted = kept_->attempted;
  }
}

void Record::log(const Loop& loop, const format::Values& values) const {
  if (logs_) logs_->write(loop.index, values);
}

}  // namespace tidegate::proxy::exchange
