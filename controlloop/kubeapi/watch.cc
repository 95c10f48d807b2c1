#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <set>

#include "controlloop/kubeapi/query.h"

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr seconds kWatchMax{3600};
constexpr seconds kBookmarkEvery{30};

class Watch final : public PageStream {
 public:
  Watch(std::shared_ptr<Ledger> ledger, Query query, WatchOptions options)
      : ledger_(std::move(ledger)),
        query_(std::move(query)),
        options_(options),
        ends_(steady_clock::now() +
              std::min(kWatchMax, seconds(options.timeout_seconds.value_or(3600)))),
        bookmark_(steady_clock::now() + kBookmarkEvery) {
    since_ = options.since.value_or(0);
    if (!options_.since) return;
    // What the client knows already; of the rest it hears.
    for (const auto& [key, entry] : ledger_->entries()) {
      if (entry.created <= since_ && query_.takes(*ledger_, key, entry)) known_.insert(key);
    }
    for (const Ledger::Deleted& gone : ledger_->deleted()) {
      if (gone.entry.created <= since_ && gone.entry.version > since_ &&
          query_.takes(*ledger_, gone.key, gone.entry))
        known_.insert(gone.key);
    }
  }

  std::string next() override {
    ledger_->refresh();
    std::string out;
    const std::uint64_t now = ledger_->version();
    if (since_ != 0 && since_ < ledger_->oldest()) {
      over_ = true;
      return event("ERROR", failure(410, "Expired", "too old resource version"));
    }
    if (now != since_) {
      add_changes(out);
      since_ = now;
    }
    if (options_.bookmarks && steady_clock::now() >= bookmark_) {
      bookmark_ = steady_clock::now() + kBookmarkEvery;
      json::object object{{"kind", query_.kind->kind}, {"apiVersion", query_.api_version}};
      object["metadata"] = json::object{{"resourceVersion", std::to_string(since_)}};
      out += event("BOOKMARK", std::move(object));
    }
    return out;
  }

  bool over() const override { return over_ || steady_clock::now() >= ends_; }

 private:
  static std::string event(const char* type, json::object object) {
    json::object out{{"type", type}};
    out["object"] = std::move(object);
    return json::serialize(out) + "\n";
  }

  /// All that changed after `since_`, in the order in which it did.
  void add_changes(std::string& out) {
    struct Change {
      std::uint64_t version;
      const char* type;
      const Ledger::Key* key;
      const Ledger::Entry* entry;
    };
    std::vector<Change> changes;
    for (const Ledger::Deleted& gone : ledger_->deleted()) {
      if (gone.entry.version > since_ && known_.contains(gone.key))
        changes.push_back({gone.entry.version, "DELETED", &gone.key, &gone.entry});
    }
    for (const auto& [key, entry] : ledger_->entries()) {
      if (key.kind != query_.kind || entry.version <= since_) continue;
      if (query_.takes(*ledger_, key, entry)) {
        changes.push_back({entry.version,
                           known_.contains(key) && entry.created <= since_ ? "MODIFIED" : "ADDED",
                           &key, &entry});
      } else if (known_.contains(key)) {  // it has left what the selector takes
        changes.push_back({entry.version, "DELETED", &key, &entry});
      }
    }
    std::sort(changes.begin(), changes.end(),
              [](const Change& a, const Change& b) { return a.version < b.version; });
    for (const Change& change : changes) {
      if (change.type == std::string_view("DELETED")) {
        known_.erase(*change.key);
      } else {
        known_.insert(*change.key);
      }
      out +=
          event(change.type, present(query_, *ledger_, *change.key, *change.entry, !columns_told_));
      columns_told_ = true;
    }
  }

  std::shared_ptr<Ledger> ledger_;
  Query query_;
  WatchOptions options_;
  std::uint64_t since_ = 0;  // what the client has been told; 0: nothing
  std::set<Ledger::Key> known_;
  bool columns_told_ = false;
  bool over_ = false;
  steady_clock::time_point ends_;
  steady_clock::time_point bookmark_;
};

}  // namespace

std::shared_ptr<PageStream> make_watch(std::shared_ptr<Ledger> ledger, Query query,
                                       WatchOptions options) {
  return std::make_shared<Watch>(std::move(ledger), std::move(query), options);
}

}  // namespace tidegate::controlloop::kubeapi
