#include "proxy/snapshot/transformation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "controlloop/policy/traffic_fields.h"
#include "proxy/template/template.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::Transformation;
using proxy::templates::Template;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

/// Fields that are written anew for every hop, whatever a policy says.
bool frames_message(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "connection", "content-length",    "keep-alive", "te",
      "trailer",    "transfer-encoding", "upgrade",    "proxy-connection"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

/// Checks the templates of one direction while they are copied.
class Direction {
 public:
  Direction(const Transformation::Changes& from, std::string path, bool request,
            FieldContext& context)
      : from_(from), path_(std::move(path)), request_(request), context_(context) {}

  proxy::MessageTransformation made() {
    using ParseAs = proxy::MessageTransformation::ParseAs;
    proxy::MessageTransformation out;
    const auto parse_as = from_.body ? from_.body->parse_as : Transformation::Body::ParseAs::kNone;
    json_ = parse_as == Transformation::Body::ParseAs::kAsJson;
    if (json_) {
      out.parse_as = ParseAs::kJson;
    } else if (parse_as == Transformation::Body::ParseAs::kAsString) {
      out.parse_as = ParseAs::kString;
    }
    headers(from_.set, "set", out.set);
    headers(from_.add, "add", out.add);
    for (std::size_t i = 0; i < from_.remove.size(); ++i) {
      std::string name = lower(from_.remove[i]);
      if (name.starts_with(':') || name == "host" || frames_message(name)) {
        warn(fmt::format("remove[{}]", i), fmt::format("{} stays: no message is without it", name));
      } else {
        out.remove.push_back(std::move(name));
      }
    }
    for (std::size_t i = 0; i < from_.dynamic_metadata.size(); ++i) {
      const Transformation::Metadata& one = from_.dynamic_metadata[i];
      const std::string value = one.value.string_value.value_or("");
      check(fmt::format("dynamicMetadata[{}].value.stringValue", i), value, false);
      out.metadata.push_back({one.namespace_, one.key, value});
    }
    if (from_.body && from_.body->value && !from_.body->value->empty()) {
      if (out.parse_as == ParseAs::kNone) {
        warn("body.value", "has no effect: parseAs is None");
      } else {
        check("body.value", *from_.body->value, true);
        out.body = *from_.body->value;
      }
    }
    return out;
  }

 private:
  void warn(std::string_view where, std::string message) {
    context_.warning(fmt::format("{}.{}", path_, where), std::move(message));
  }

  void headers(const std::vector<Transformation::Header>& from, std::string_view field,
               std::vector<proxy::HeaderValue>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::string name = lower(from[i].name);
      const std::string where = fmt::format("{}[{}]", field, i);
      const bool known = request_ ? name == ":path" || name == ":method" || name == ":authority" ||
                                        name == ":scheme"
                                  : name == ":status";
      if (frames_message(name)) {
        warn(where + ".name", fmt::format("{} has no effect: the proxy writes it itself", name));
      } else if (name.starts_with(':') && !known) {
        warn(where + ".name", fmt::format("{} has no effect: it is no part of a {}", name,
                                          request_ ? "request" : "response"));
      } else {
        check(where + ".value", from[i].value, false);
        to.push_back({std::move(name), from[i].value});
      }
    }
  }

  void check(const std::string& where, const std::string& text, bool body) {
    const auto compiled = Template::compile(text);
    if (!compiled.has_value()) {
      context_.error(fmt::format("{}.{}", path_, where),
                     fmt::format("the template is wrong: {}", compiled.error().text()));
      return;
    }
    if (!json_ && !compiled->variables().empty()) {
      warn(where, fmt::format("{} can be fields of the body only, which parseAs does not parse: {}",
                              fmt::join(compiled->variables(), ", "),
                              body ? "the body will be empty" : "messages are answered with 400"));
    }
  }

  const Transformation::Changes& from_;
  std::string path_;
  bool request_;
  FieldContext& context_;
  bool json_ = false;
};

}  // namespace

void make_transformation(const TrafficPolicy& policy, FieldContext& context) {
  const Transformation& from = *policy.transformation;
  proxy::Transformation out;
  const std::string path = "spec.transformation.";
  if (from.request) out.request = Direction(*from.request, path + "request", true, context).made();
  if (from.response)
    out.response = Direction(*from.response, path + "response", false, context).made();
  if (out.request || out.response) context.add(kAtTransformation, std::move(out));
}

}  // namespace tidegate::controlloop::policy
