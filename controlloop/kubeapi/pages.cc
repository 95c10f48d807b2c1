#include "controlloop/kubeapi/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "controlloop/kubeapi/discovery.h"
#include "controlloop/kubeapi/openapi.h"
#include "controlloop/kubeapi/query.h"

namespace tidegate::controlloop::kubeapi {

namespace json = boost::json;

namespace {

PageResponse as_json(const json::value& value, int status = 200) {
  return {status, "application/json", json::serialize(value) + "\n"};
}

PageResponse refuse(int code, const char* reason, const std::string& message) {
  return as_json(failure(code, reason, message), code);
}

PageResponse found_or_404(json::object object) {
  if (object.empty())
    return refuse(404, "NotFound", "the server could not find the requested resource");
  return as_json(object);
}

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 1; at < path.size();) {
    std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

template <class Number>
std::optional<Number> number(const std::string* text) {
  Number out{};
  if (text == nullptr || text->empty()) return std::nullopt;
  auto [end, bad] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (bad != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return out;
}

bool is_true(const std::string* text) {
  return text != nullptr && (text->empty() || *text == "true" || *text == "1");
}

PageResponse watch(const std::shared_ptr<Ledger>& ledger, Query query, const PageRequest& request) {
  WatchOptions options;
  options.bookmarks = is_true(request.parameter("allowWatchBookmarks"));
  options.timeout_seconds = number<int>(request.parameter("timeoutSeconds"));
  const std::string* version = request.parameter("resourceVersion");
  if (version != nullptr && !version->empty() && *version != "0") {
    options.since = number<std::uint64_t>(version);
    if (!options.since || *options.since > ledger->version())
      return refuse(410, "Expired", "the resource version is not of this process");
    if (*options.since < ledger->oldest())
      return refuse(410, "Expired", "too old resource version");
  }
  PageResponse out{200, "application/json", ""};
  out.stream = make_watch(ledger, std::move(query), options);
  return out;
}

/// All objects that the query takes, or the next `limit` of them.
PageResponse list(const Ledger& ledger, const Query& query, const PageRequest& request) {
  const std::size_t limit = number<std::size_t>(request.parameter("limit")).value_or(0);
  const std::string* from = request.parameter("continue");
  json::array items;
  std::string last;
  std::size_t left = 0;
  for (const auto& [key, entry] : ledger.entries()) {
    const std::string place = key.namespace_ + "/" + key.name;
    if (key.kind != query.kind || (from != nullptr && !from->empty() && place <= *from)) continue;
    if (!query.takes(ledger, key, entry)) continue;
    if (limit > 0 && items.size() >= limit) {
      ++left;
      continue;
    }
    json::object shown = ledger.show(entry, query.api_version);
    items.push_back(query.table ? row(key, entry, std::move(shown), query.include)
                                : std::move(shown));
    last = place;
  }
  json::object meta{{"resourceVersion", std::to_string(ledger.version())}};
  if (left > 0) {
    meta["continue"] = last;
    meta["remainingItemCount"] = left;
  }
  json::object out;
  out["kind"] = query.table ? std::string("Table") : std::string(query.kind->kind) + "List";
  out["apiVersion"] = query.table ? "meta.k8s.io/v1" : query.api_version;
  out["metadata"] = std::move(meta);
  if (query.table) out["columnDefinitions"] = columns(*query.kind);
  out[query.table ? "rows" : "items"] = std::move(items);
  return as_json(out);
}

/// What a change would have to be made to: the file.
PageResponse read_only(const Ledger& ledger, const Query& query, const std::string& name) {
  auto found = ledger.entries().find({query.kind, query.space.value_or(""), name});
  const std::string where =
      found == ledger.entries().end() || !found->second.object
          ? "the config directory"
          : fmt::format("{}:{}", found->second.object->meta.file, found->second.object->meta.line);
  return refuse(405, "MethodNotAllowed",
                "the API is read-only: what is served comes from files; edit " + where);
}

/// What follows the version: [namespaces/NS/]PLURAL[/NAME[/status]].
PageResponse objects(const std::shared_ptr<Ledger>& ledger, const std::string& group,
                     const std::string& version, std::vector<std::string> rest,
                     const PageRequest& request) {
  Query query;
  query.api_version = group.empty() ? version : group + "/" + version;
  if (rest.size() >= 3 && rest[0] == "namespaces") {
    query.space = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  query.kind = rest.empty() || rest.size() > 3 ? nullptr : find_plural(group, rest[0]);
  if (query.kind == nullptr || (rest.size() == 3 && rest[2] != "status") ||
      std::find(query.kind->versions.begin(), query.kind->versions.end(), version) ==
          query.kind->versions.end())
    return refuse(404, "NotFound", "the server could not find the requested resource");
  ledger->refresh();
  if (request.method != "GET" && request.method != "HEAD")
    return read_only(*ledger, query, rest.size() >= 2 ? rest[1] : "");
  std::string wrong;
  if (!read_query(request, query, wrong)) return refuse(400, "BadRequest", wrong);
  if (rest.size() >= 2) {
    auto found = ledger->entries().find({query.kind, query.space.value_or(""), rest[1]});
    if (found == ledger->entries().end() || query.space.has_value() != query.kind->namespaced)
      return refuse(404, "NotFound",
                    fmt::format("{}{}{} \"{}\" not found", query.kind->plural,
                                group.empty() ? "" : ".", group, rest[1]));
    return as_json(present(query, *ledger, found->first, found->second, true));
  }
  if (is_true(request.parameter("watch"))) return watch(ledger, std::move(query), request);
  return list(*ledger, query, request);
}

Page api_page(const char* path, const char* what,
              std::function<PageResponse(const PageRequest&)> serve) {
  Page out;
  out.path = path;
  out.what = what;
  out.prefix = true;
  out.any_method = true;
  out.serve = std::move(serve);
  return out;
}

PageResponse openapi_page(const PageRequest& request) {
  const std::vector<std::string> parts = segments(request.path);
  if (parts.size() == 2 && parts[1] == "v2") {
    const std::string* accept = request.header("accept");
    if (accept != nullptr && accept->find("protobuf") != std::string::npos &&
        accept->find("json") == std::string::npos && accept->find("*/*") == std::string::npos)
      return refuse(406, "NotAcceptable", "only application/json is served");
    return as_json(openapi_v2());
  }
  if (parts.size() >= 2 && parts[1] != "v3")
    return refuse(404, "NotFound", "there are /openapi/v2 and /openapi/v3");
  if (parts.size() <= 2) return as_json(openapi_index());
  if (parts.size() == 4 && parts[2] == "api") return found_or_404(openapi_document("", parts[3]));
  if (parts.size() == 5 && parts[2] == "apis")
    return found_or_404(openapi_document(parts[3], parts[4]));
  return found_or_404({});
}

}  // namespace

std::vector<Page> pages(Source source, const std::string& program_version) {
  auto ledger = std::make_shared<Ledger>(std::move(source));
  auto core = [ledger](const PageRequest& request) {
    std::vector<std::string> parts = segments(request.path);
    if (parts.size() == 1) return as_json(api_versions());
    if (parts.size() == 2) return found_or_404(api_resources("", parts[1]));
    return objects(ledger, "", parts[1], {parts.begin() + 2, parts.end()}, request);
  };
  auto grouped = [ledger](const PageRequest& request) {
    std::vector<std::string> parts = segments(request.path);
    if (parts.size() == 1) return as_json(api_groups());
    if (parts.size() == 2) return found_or_404(api_group(parts[1]));
    if (parts.size() == 3) return found_or_404(api_resources(parts[1], parts[2]));
    return objects(ledger, parts[1], parts[2], {parts.begin() + 3, parts.end()}, request);
  };
  Page version = api_page(
      "/version", "version of the Kubernetes API that this is like",
      [program_version](const PageRequest&) { return as_json(server_version(program_version)); });
  version.prefix = false;
  return {api_page("/api", "Kubernetes API of the core kinds, read-only", core),
          api_page("/apis", "Kubernetes API of the other kinds, read-only, with .status", grouped),
          api_page("/openapi", "the fields of every kind, for kubectl explain", openapi_page),
          std::move(version)};
}

}  // namespace tidegate::controlloop::kubeapi
