#include "proxy/admin/explain.h"
#include "proxy/admin/page_parts.h"

namespace tidegate::proxy::admin {
namespace {

std::string parameter(const PageRequest& request, std::string_view name) {
  const std::string* found = request.parameter(name);
  return found == nullptr ? std::string() : *found;
}

PageResponse explain_page(const AdminContext& context, const PageRequest& request) {
  SnapshotPtr snapshot = context.server->snapshot();
  if (!snapshot) return as_text("no snapshot is served yet\n", 503);
  Question question;
  question.gateway = parameter(request, "gateway");
  question.url = parameter(request, "url");
  if (std::string method = parameter(request, "method"); !method.empty()) question.method = method;
  if (question.url.empty()) return as_text("url is missing: ?url=http://host/path\n", 400);
  for (const auto& [name, value] : request.query) {
    if (name != "header") continue;
    const std::size_t colon = value.find(':');
    if (colon == std::string::npos || colon == 0)
      return as_text("header must be NAME:VALUE\n", 400);
    const std::size_t first = value.find_first_not_of(' ', colon + 1);
    question.headers.emplace_back(value.substr(0, colon),
                                  first == std::string::npos ? "" : value.substr(first));
  }
  ExplainContext known;
  known.addresses = &context.server->addresses();
  if (context.unserved) known.unserved = context.unserved();
  boost::json::object out = explain(*snapshot, question, known);
  if (out.contains("error")) return as_text(std::string(out.at("error").get_string()) + "\n", 400);
  return parameter(request, "format") == "json" ? as_json(out) : as_text(explain_text(out));
}

}  // namespace

void add_explain_page(std::vector<Page>& out, const AdminContext& context) {
  Page one = page("/explain", "which listener, route, rule and backend a request takes, and why",
                  [context](const PageRequest& request) { return explain_page(context, request); });
  one.parameters = {{"url", "http://HOST[:PORT]/PATH"},
                    {"method", "GET where it is absent"},
                    {"header", "NAME:VALUE; may be repeated"},
                    {"gateway", "NAMESPACE/NAME, where several listen on the port"},
                    {"format", "One of (text, json)"}};
  out.push_back(std::move(one));
}

}  // namespace tidegate::proxy::admin
