#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/arena.h"
#include "proxy/template/template.h"

namespace tidegate::proxy::filters {

/// What templates see of an exchange: its heads as they are, the body as it was gathered.
class TransformedMessage final : public templates::Values {
 public:
  /// `response` null: the request is transformed. All outlive it.
  TransformedMessage(const http::RequestHead& request, const http::ResponseHead* response,
                     const net::ConnectionFacts& facts, Arena& arena)
      : request_(request), response_(response), facts_(facts), arena_(arena) {}

  std::string_view header(std::string_view name) override;
  std::string_view request_header(std::string_view name) override;
  std::string_view body() override { return body_; }
  const boost::json::value* json() override { return json_; }
  const boost::json::object* connection() override;

  void set_body(std::string_view body) { body_ = body; }
  void set_json(const boost::json::value* json) { json_ = json; }

 private:
  std::string_view field(const http::Fields& fields, std::string_view name);
  std::string_view length(const http::BodyLength& body);

  const http::RequestHead& request_;
  const http::ResponseHead* response_;
  const net::ConnectionFacts& facts_;
  Arena& arena_;
  std::string_view body_;
  const boost::json::value* json_ = nullptr;
  std::optional<boost::json::object> connection_;
};

}  // namespace tidegate::proxy::filters
