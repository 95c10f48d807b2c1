#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/snapshot/snapshot.h"
#include "proxy/snapshot/unserved.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::admin {

/// A request that somebody wonders about.
struct Question {
  std::string gateway;  // "NAMESPACE/NAME"; empty: whichever Gateway listens on the port
  std::string method = "GET";
  std::string url;  // "http://www.example.com:8080/a?b=c"; http:// may be left out
  std::vector<std::pair<std::string, std::string>> headers;  // "Host" replaces that of the URL
};

/// What is known besides.
struct ExplainContext {
  std::vector<Unserved> unserved;
  /// The addresses of each cluster as they are now; null: the snapshot's endpoints are shown.
  const std::map<std::string, std::vector<upstream::Address>>* addresses = nullptr;
};

/// Which listener, route, rule, filters and backends a request would meet, and why nothing else.
/// Shape: "result" is "forward", "redirect", "direct_response", "stream", "no_listener",
///   "no_route", "misdirected" or "invalid" (with "error"); "summary" says it in a line; "request",
///   "listener", "route", "policies", "filters", "backends", "rule" are there as far as the request
///   got; "near_misses" are the listeners and rules that did not fit, nearest first, each with
///   "reason"; "unserved" are routes that are not part of what is served. Whatever came from a file
///   has "at": FILE:LINE. No secrets.
boost::json::object explain(const Snapshot& snapshot, const Question& question,
                            const ExplainContext& context);

/// The same for people.
std::string explain_text(const boost::json::object& explanation);

/// Whether the request reaches something: a rule or a route below HTTP.
bool is_served(const boost::json::object& explanation);

}  // namespace tidegate::proxy::admin
