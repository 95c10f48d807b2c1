#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/kind_table.h"
#include "controlloop/kubeapi/source.h"

namespace tidegate::controlloop::kubeapi {

/// Events: the problems of objects, as kubectl describe shows them. A kind that no file can have.
const config::Kind& event_kind();
/// The kinds of the API: those of the directory, and Event.
std::vector<const config::Kind*> api_kinds();
/// By the name in a path; nullptr where there is none.
const config::Kind* find_plural(std::string_view group, std::string_view plural);

/// Gives every object a resource version that only grows, over all objects, so that a watch can
/// begin where a list ended. Versions begin at the time of the start, so that one of an earlier
/// process is known to be old. Control thread.
class Ledger {
 public:
  struct Key {
    const config::Kind* kind = nullptr;
    std::string namespace_;
    std::string name;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    std::shared_ptr<const config::Object> object;          // null: generated
    std::shared_ptr<const boost::json::object> generated;  // without resourceVersion
    std::uint64_t status_version = 0;
    std::uint64_t created = 0;  // the version at which it appeared
    std::uint64_t version = 0;  // and last changed

    std::map<std::string, std::string> labels() const;
  };

  explicit Ledger(Source source);

  /// Takes note of what has changed since the last call.
  void refresh();
  std::uint64_t version() const { return version_; }
  /// Watches can begin at this version or later; what was deleted before is forgotten.
  std::uint64_t oldest() const { return oldest_; }
  const std::map<Key, Entry>& entries() const { return entries_; }
  /// What was deleted, with the version of the deletion, oldest first.
  struct Deleted {
    Key key;
    Entry entry;
  };
  const std::deque<Deleted>& deleted() const { return deleted_; }

  /// An object as an API server would give it, in the version that was asked for: with its status,
  /// Secrets redacted.
  boost::json::object show(const Entry& entry, const std::string& api_version) const;

 private:
  void take(const Key& key, Entry fresh, std::map<Key, Entry>& into);
  void take_problems(std::map<Key, Entry>& into);

  static constexpr std::size_t kDeletedMax = 4096;
  Source source_;
  std::uint64_t seen_ = UINT64_MAX;  // of source_.resource_version
  std::uint64_t version_ = 0;
  std::uint64_t oldest_ = 0;
  std::map<Key, Entry> entries_;
  std::deque<Deleted> deleted_;
};

}  // namespace tidegate::controlloop::kubeapi
