#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/format/filter.h"
#include "proxy/format/json_format.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::proxy::exchange {

/// How replies of our own look at one site. Immutable. Source: kgateway, LocalReplyConfig; Envoy,
/// "Local reply modification".
class LocalReplyRules {
 public:
  /// What is wrong leaves that rule out and is told in `problems`.
  static LocalReplyRules compile(const LocalReplies& config, std::vector<std::string>& problems);

  bool empty() const { return mappers_.empty() && !format_; }
  /// Changes status, fields and body of a reply; `values` is what is known of the exchange, the
  /// status of `head` included.
  void apply(format::Values values, http::ResponseHead& head, std::string& body) const;

 private:
  struct Body {
    format::Format text;
    std::optional<format::JsonFormat> json;
    std::string content_type;
  };
  struct Mapper {
    format::EntryFilter filter;
    int status = 0;
    std::optional<std::string> body;
    std::optional<Body> format;
    HeaderChanges headers;
  };
  static std::optional<Body> compile_body(const BodyFormat& config,
                                          std::vector<std::string>& problems);
  static void print(const Body& format, const format::Values& values, http::ResponseHead& head,
                    std::string& body);

  std::vector<Mapper> mappers_;
  std::optional<Body> format_;
};

}  // namespace tidegate::proxy::exchange
