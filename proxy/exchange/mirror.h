#pragma once

#include <memory>
#include <vector>

#include "proxy/exchange/exchange.h"
#include "proxy/snapshot/filters.h"

namespace tidegate::proxy::exchange {

/// Copies of one request to other clusters, whose answers are thrown away. A body is gathered while
/// it passes, up to 1 MiB: a longer one is not mirrored, and a mirror never holds the request
/// itself back. Source: HTTPRouteFilter type RequestMirror.
class Mirrors {
 public:
  Mirrors();
  ~Mirrors();

  /// Draws whether this request is one of the mirrored ones, and copies its head if so.
  void add(const Context& context, const RequestMirror& mirror, const http::RequestHead& request);
  /// The same for every mirror of the rule and of the backend that was picked.
  void add_all(const Context& context, const Rule& rule, const WeightedCluster& backend,
               const http::RequestHead& request);
  /// A part of the body. The one that ends it sends the copies on their way.
  void body(http::Chunk chunk);

 private:
  struct Copy;
  std::vector<std::unique_ptr<Copy>> copies_;
};

}  // namespace tidegate::proxy::exchange
