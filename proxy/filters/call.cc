#include "proxy/filters/bodies.h"
#include "proxy/filters/filter.h"

namespace tidegate::proxy::filters {

Call::~Call() = default;

Task<std::optional<std::string>> whole(http::BodySource& body) {
  constexpr std::size_t kMax = 4U << 20U;
  std::string out;
  while (true) {
    Result<http::Chunk> chunk = co_await body.read();
    if (!chunk || out.size() + chunk->bytes.size() > kMax) co_return std::nullopt;
    out.append(chunk->bytes.data(), chunk->bytes.size());
    if (chunk->end) co_return out;
  }
}

Task<Result<Gathered>> Call::gather(http::BodySource*& body, std::uint64_t bytes_max) {
  auto kept = std::make_unique<KeptBody>(std::string());
  http::BodySource& from = *body;
  bool whole = false;
  while (!whole && kept->bytes().size() <= bytes_max) {
    Result<http::Chunk> chunk = co_await from.read();
    if (!chunk) co_return chunk.error();
    kept->bytes().append(chunk->bytes.data(), chunk->bytes.size());
    whole = chunk->end;
  }
  if (whole) {
    kept->ended(from.trailers());
  } else {
    kept->then(from);
  }
  const Gathered out{kept->bytes(), whole && kept->bytes().size() <= bytes_max};
  body = kept.get();
  bodies_.push_back(std::move(kept));
  co_return out;
}

Task<Result<Gathered>> Call::gather_request(std::uint64_t bytes_max) {
  if (request.body.none() || !request.upgrade.empty()) co_return Gathered{{}, true};
  co_return co_await gather(request_body_, bytes_max);
}

Task<Result<Gathered>> Call::gather_response(http::ResponseHead& head, std::uint64_t bytes_max) {
  if (head.body.none() || head.status == 101) co_return Gathered{{}, true};
  head.fields.own(arena);
  co_return co_await gather(response_body_, bytes_max);
}

void Call::replace_request_body(std::string bytes) {
  request.body = {http::BodyLength::Kind::kExact, bytes.size()};
  auto kept = std::make_unique<KeptBody>(std::move(bytes));
  kept->ended(request_body_->trailers());
  request_body_ = kept.get();
  bodies_.push_back(std::move(kept));
}

void Call::replace_response_body(http::ResponseHead& head, std::string bytes) {
  head.body = {http::BodyLength::Kind::kExact, bytes.size()};
  auto kept = std::make_unique<KeptBody>(std::move(bytes));
  kept->ended(response_body_->trailers());
  response_body_ = kept.get();
  bodies_.push_back(std::move(kept));
}

void Call::wrap_request(std::unique_ptr<http::BodySource> wrapper) {
  request.body = {http::BodyLength::Kind::kUnknown, 0};
  request_body_ = wrapper.get();
  bodies_.push_back(std::move(wrapper));
}

void Call::wrap_response(http::ResponseHead& head, std::unique_ptr<http::BodySource> wrapper) {
  head.body = {http::BodyLength::Kind::kUnknown, 0};
  head.declared_length = -1;
  head.fields.own(arena);  // it may be read from before the head is sent
  response_body_ = wrapper.get();
  bodies_.push_back(std::move(wrapper));
}

Task<void> Call::settle() {
  if (beside_ == 0) co_return;
  for (const auto& body : bodies_) body->abandon();
  while (beside_ > 0) co_await beside_ended_.wait();
}

boost::json::object& Call::metadata(std::string_view name_space) {
  if (!metadata_) metadata_ = std::make_unique<boost::json::object>();
  boost::json::value& found = (*metadata_)[name_space];
  if (!found.is_object()) found.emplace_object();
  return found.get_object();
}

}  // namespace tidegate::proxy::filters
