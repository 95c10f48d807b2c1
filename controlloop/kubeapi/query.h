#pragma once

#include <optional>
#include <string>

#include "base/page.h"
#include "controlloop/kubeapi/ledger.h"
#include "controlloop/kubeapi/selector.h"
#include "controlloop/kubeapi/table.h"

namespace tidegate::controlloop::kubeapi {

/// What a list or a watch asks for.
struct Query {
  const config::Kind* kind = nullptr;
  std::string api_version;  // "gateway.networking.k8s.io/v1"
  std::optional<std::string> space;
  Selector labels;
  Selector fields;
  bool table = false;
  IncludeObject include = IncludeObject::kMetadata;

  bool takes(const Ledger& ledger, const Ledger::Key& key, const Ledger::Entry& entry) const;
};

/// Reads the parameters and Accept. False, and `wrong`, where a selector is malformed.
bool read_query(const PageRequest& request, Query& out, std::string& wrong);

/// An object, or a table of one row, as the query wants it.
boost::json::object present(const Query& query, const Ledger& ledger, const Ledger::Key& key,
                            const Ledger::Entry& entry, bool with_columns);

/// {"kind": "Status", ...}: what a client is told that gets no object.
boost::json::object failure(int code, const char* reason, const std::string& message);

/// The changes of what a query takes, from a version on, as they come: one JSON object a line.
/// Source: Kubernetes API concepts, "Efficient detection of changes".
struct WatchOptions {
  std::optional<std::uint64_t> since;  // nothing: all that is there now comes first
  bool bookmarks = false;
  std::optional<int> timeout_seconds;
};
/// `ledger` is shared: a watch may outlive the pages.
std::shared_ptr<PageStream> make_watch(std::shared_ptr<Ledger> ledger, Query query,
                                       WatchOptions options);

}  // namespace tidegate::controlloop::kubeapi
