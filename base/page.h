#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate {

/// What somebody asked of the admin port (or the readiness or the metrics port).
struct PageRequest {
  std::string method;                                      // "GET", "HEAD", "POST"
  std::string path;                                        // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; of a form body too
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  /// The first value of a query parameter; nullptr where it is absent.
  const std::string* parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
      if (key == name) return &value;
    }
    return nullptr;
  }
  /// The first value of a header (name in lower case); nullptr where it is absent.
  const std::string* header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};

/// An answer that goes on as long as the client stays: a watch. Control thread.
class PageStream {
 public:
  virtual ~PageStream() = default;
  /// What there is to tell since the last call; empty: nothing. Called at once, whenever something
  /// may have changed, and every few seconds.
  virtual std::string next() = 0;
  /// Nothing follows what next() gave last.
  virtual bool over() const { return false; }
};

struct PageResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=UTF-8";
  std::string body;
  std::shared_ptr<PageStream> stream;  // null: `body` is all
};

/// One path of the admin port. Any house may offer pages; `main` hands them to proxy/admin, which
/// serves them on the control thread: `serve` runs there and must not block.
struct Page {
  struct Parameter {
    std::string name;
    std::string meaning;  // "File format to use; One of (text, json)"
  };
  std::string path;            // "/clusters"; with `prefix`, everything at and below it
  std::string what;            // the line of /help; empty: not listed
  bool changes_state = false;  // POST only, refused by --admin-read-only
  bool prefix = false;
  bool any_method = false;  // `serve` refuses what it does not take; it changes nothing
  std::vector<Parameter> parameters;
  std::function<PageResponse(const PageRequest&)> serve;
};

}  // namespace tidegate
