#include "controlloop/kubeapi/query.h"

#include <fmt/format.h>

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

std::string field_of(const json::object& shown, std::string_view path) {
  const json::object* here = &shown;
  while (here != nullptr) {
    const std::size_t dot = path.find('.');
    const json::value* found = here->if_contains(path.substr(0, dot));
    if (found == nullptr) return {};
    if (dot == path.npos)
      return found->is_string() ? std::string(found->get_string()) : std::string();
    here = found->if_object();
    path.remove_prefix(dot + 1);
  }
  return {};
}

}  // namespace

bool Query::takes(const Ledger& ledger, const Ledger::Key& key, const Ledger::Entry& entry) const {
  if (key.kind != kind || (space && key.namespace_ != *space)) return false;
  if (!labels.empty() && !labels.matches(entry.labels())) return false;
  if (fields.empty()) return true;
  std::optional<json::object> shown;  // made only where another field is asked for
  return fields.matches([&](std::string_view path) {
    if (path == "metadata.name") return key.name;
    if (path == "metadata.namespace") return key.namespace_;
    if (!shown) shown = ledger.show(entry, api_version);
    return field_of(*shown, path);
  });
}

bool read_query(const PageRequest& request, Query& out, std::string& wrong) {
  if (const std::string* text = request.parameter("labelSelector")) {
    std::optional<Selector> selector = Selector::labels(*text);
    if (!selector) return wrong = "unable to parse labelSelector " + *text, false;
    out.labels = std::move(*selector);
  }
  if (const std::string* text = request.parameter("fieldSelector")) {
    std::optional<Selector> selector = Selector::fields(*text);
    if (!selector) return wrong = "unable to parse fieldSelector " + *text, false;
    out.fields = std::move(*selector);
  }
  const std::string* accept = request.header("accept");
  out.table = accept != nullptr && accept->find("as=Table") != std::string::npos;
  if (const std::string* include = request.parameter("includeObject")) {
    if (*include == "Object") out.include = IncludeObject::kObject;
    if (*include == "None") out.include = IncludeObject::kNone;
  }
  return true;
}

json::object present(const Query& query, const Ledger& ledger, const Ledger::Key& key,
                     const Ledger::Entry& entry, bool with_columns) {
  json::object shown = ledger.show(entry, query.api_version);
  if (!query.table) return shown;
  json::object out{{"kind", "Table"}, {"apiVersion", "meta.k8s.io/v1"}};
  out["metadata"] = json::object{{"resourceVersion", std::to_string(entry.version)}};
  out["columnDefinitions"] = with_columns ? columns(*key.kind) : json::array();
  out["rows"] = json::array{row(key, entry, std::move(shown), query.include)};
  return out;
}

json::object failure(int code, const char* reason, const std::string& message) {
  json::object out{{"kind", "Status"}, {"apiVersion", "v1"}};
  out["metadata"] = json::object();
  out["status"] = "Failure";
  out["message"] = message;
  out["reason"] = reason;
  out["code"] = code;
  return out;
}

}  // namespace tidegate::controlloop::kubeapi
