#include "controlloop/kubeapi/ledger.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

std::string text(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

bool same(const Ledger::Entry& a, const Ledger::Entry& b) {
  if (a.status_version != b.status_version || !a.object != !b.object) return false;
  if (a.object)
    return a.object->meta.generation == b.object->meta.generation &&
           (a.object->raw == b.object->raw || *a.object->raw == *b.object->raw);
  return *a.generated == *b.generated;
}

/// FNV-1a: part of the name of an Event, the same in every process.
std::uint64_t hash_of(const std::string& of) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : of) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char out[32];
  return {out, std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

const config::Kind& event_kind() {
  static const config::Kind kind{"", {"v1"}, "Event", "events", "event", {"ev"}, true};
  return kind;
}

std::vector<const config::Kind*> api_kinds() {
  std::vector<const config::Kind*> out;
  for (const config::Kind& kind : config::kind_table()) out.push_back(&kind);
  out.push_back(&event_kind());
  return out;
}

const config::Kind* find_plural(std::string_view group, std::string_view plural) {
  for (const config::Kind* kind : api_kinds()) {
    if (kind->group == group && kind->plural == plural) return kind;
  }
  return nullptr;
}

std::map<std::string, std::string> Ledger::Entry::labels() const {
  if (object) return object->meta.labels;
  std::map<std::string, std::string> out;
  const json::value* meta = generated->if_contains("metadata");
  const json::value* labels = meta == nullptr ? nullptr : meta->get_object().if_contains("labels");
  if (labels == nullptr) return out;
  for (const auto& label : labels->get_object())
    out[label.key()] = std::string(label.value().get_string());
  return out;
}

Ledger::Ledger(Source source)
    : source_(std::move(source)),
      version_(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                              std::chrono::system_clock::now().time_since_epoch())
                                              .count())),
      oldest_(version_) {}

/// Keeps the versions of an entry that has not changed.
void Ledger::take(const Key& key, Entry fresh, std::map<Key, Entry>& into) {
  auto known = entries_.find(key);
  if (known != entries_.end() && same(known->second, fresh)) {
    fresh.created = known->second.created;
    fresh.version = known->second.version;
  } else {
    fresh.version = ++version_;
    fresh.created = known == entries_.end() ? fresh.version : known->second.created;
  }
  into.insert_or_assign(key, std::move(fresh));
}

void Ledger::take_problems(std::map<Key, Entry>& into) {
  for (const config::Problem& problem : source_.problems()) {
    if (problem.kind.empty() || problem.name.empty()) continue;
    const std::string space = problem.namespace_.empty() ? "default" : problem.namespace_;
    const std::string message = to_string(problem);
    const Key key{&event_kind(), space, fmt::format("{}.{:016x}", problem.name, hash_of(message))};
    if (auto known = entries_.find(key); known != entries_.end()) {
      into.insert(*known);  // with the time at which it was first seen
      continue;
    }
    json::object event{{"apiVersion", "v1"}, {"kind", "Event"}};
    event["metadata"] = json::object{{"name", key.name},
                                     {"namespace", space},
                                     {"uid", key.name},
                                     {"creationTimestamp", utc_now()}};
    json::object about{{"kind", problem.kind}, {"name", problem.name}};
    if (!problem.namespace_.empty()) about["namespace"] = problem.namespace_;
    if (const config::Object* object =
            source_.objects().object(problem.kind, problem.namespace_, problem.name)) {
      about["uid"] = object->meta.uid;
      about["apiVersion"] = object->meta.api_version;
    }
    event["involvedObject"] = std::move(about);
    event["type"] = "Warning";
    event["reason"] = problem.severity == config::Severity::kError ? "Invalid" : "Suspicious";
    event["message"] = fmt::format("{}:{}: {}", problem.file, problem.line, problem.message);
    event["source"] = json::object{{"component", "tidegate"}};
    event["firstTimestamp"] = event["metadata"].at("creationTimestamp");
    event["lastTimestamp"] = event["metadata"].at("creationTimestamp");
    event["count"] = 1;
    Entry fresh;
    fresh.generated = std::make_shared<const json::object>(std::move(event));
    take(key, std::move(fresh), into);
  }
}

void Ledger::refresh() {
  const std::uint64_t now = source_.resource_version();
  if (now == seen_) return;
  seen_ = now;
  std::map<Key, Entry> fresh;
  for (const auto& object : source_.objects().objects()) {
    Entry entry;
    entry.object = object;
    entry.status_version =
        source_.statuses().version({object->meta.kind, object->meta.namespace_, object->meta.name});
    take({object->kind, object->meta.namespace_, object->meta.name}, std::move(entry), fresh);
  }
  for (const json::object& one : source_.generated()) {
    const json::object& meta = one.at("metadata").get_object();
    const config::Kind* kind = nullptr;
    for (const config::Kind* candidate : api_kinds()) {
      if (candidate->kind == text(one, "kind")) kind = candidate;
    }
    if (kind == nullptr) continue;
    Entry entry;
    entry.generated = std::make_shared<const json::object>(one);
    take({kind, text(meta, "namespace"), text(meta, "name")}, std::move(entry), fresh);
  }
  take_problems(fresh);
  for (auto& [key, entry] : entries_) {
    if (fresh.contains(key)) continue;
    entry.version = ++version_;
    deleted_.push_back({key, std::move(entry)});
  }
  while (deleted_.size() > kDeletedMax) {
    oldest_ = deleted_.front().entry.version;
    deleted_.pop_front();
  }
  entries_ = std::move(fresh);
}

json::object Ledger::show(const Entry& entry, const std::string& api_version) const {
  json::object out;
  json::object meta;
  if (!entry.object) {
    out = *entry.generated;
    meta = out["metadata"].get_object();
  } else {
    const config::Object& object = *entry.object;
    json::value raw = config::redacted(object);
    if (raw.is_object()) out = std::move(raw.get_object());
    if (json::object* written = out["metadata"].if_object()) meta = *written;
    meta["name"] = object.meta.name;
    if (!object.meta.namespace_.empty()) meta["namespace"] = object.meta.namespace_;
    meta["uid"] = object.meta.uid;
    meta["generation"] = object.meta.generation;
    if (!object.meta.creation_timestamp.empty())
      meta["creationTimestamp"] = object.meta.creation_timestamp;
    out["apiVersion"] = api_version;
    out.erase("status");
    if (const json::object* status =
            source_.statuses().find({object.meta.kind, object.meta.namespace_, object.meta.name}))
      out["status"] = *status;
  }
  meta["resourceVersion"] = std::to_string(entry.version);
  out["metadata"] = std::move(meta);
  return out;
}

}  // namespace tidegate::controlloop::kubeapi
