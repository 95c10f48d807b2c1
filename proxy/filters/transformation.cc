#include <fmt/format.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <charconv>

#include "base/log.h"
#include "proxy/filters/answers.h"
#include "proxy/filters/table.h"
#include "proxy/filters/transformed_message.h"
#include "proxy/http/characters.h"

namespace tidegate::proxy::filters {
namespace {

using templates::Template;
using ParseAs = MessageTransformation::ParseAs;

/// How deep a body's JSON may be nested, as the parser of kgateway's filter has it.
constexpr std::size_t kJsonDepthMax = 127;
/// Of one header's value; heads have a limit of their own at the next hop.
constexpr std::size_t kValueBytesMax = 64U << 10U;

/// One direction, compiled.
struct Changes {
  struct Header {
    std::string name;
    Template value;
  };
  struct Metadata {
    std::string name_space;
    std::string key;
    Template value;
  };
  std::vector<Header> set;
  std::vector<Header> add;
  std::vector<std::string> remove;
  std::vector<Metadata> metadata;
  std::optional<Template> body;
  bool parses = false;         // the body as JSON, since some template wants a field of it
  bool gathers = false;        // the body must be here before anything can be rendered
  bool needs_fields = false;   // a header or metadata entry names a field of the body
  bool reads_request = false;  // some template calls request_header()
};

/// Null where a template does not compile, which translation has made sure of.
std::optional<Changes> compiled(const MessageTransformation& from) {
  Changes out;
  bool sound = true;
  bool reads_body = false;
  bool reads_fields = false;
  const auto one = [&](const std::string& text) {
    auto made = Template::compile(text);
    if (!made.has_value()) {
      sound = false;
      return *Template::compile("");
    }
    reads_body |= made->reads_body();
    reads_fields |= !made->variables().empty();
    out.reads_request |= made->reads_request();
    return *std::move(made);
  };
  for (const HeaderValue& each : from.set) out.set.push_back({each.name, one(each.value)});
  for (const HeaderValue& each : from.add) out.add.push_back({each.name, one(each.value)});
  for (const MetadataTemplate& each : from.metadata)
    out.metadata.push_back({each.namespace_, each.key, one(each.value)});
  out.remove = from.remove;
  out.needs_fields = reads_fields;
  if (from.parse_as != ParseAs::kNone) {
    if (!from.body.empty()) out.body = one(from.body);
    out.parses = from.parse_as == ParseAs::kJson && (reads_body || reads_fields);
    out.gathers = out.body || out.parses || reads_body;
  }
  if (!sound) return std::nullopt;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// The request as it was, for request_header() of the response's templates.
struct Original {
  http::RequestHead request;
  bool kept = false;
};

class TransformationFilter final : public Filter {
 public:
  TransformationFilter(std::optional<Changes> request, std::optional<Changes> response,
                       std::uint64_t body_bytes_max)
      : request_(std::move(request)),
        response_(std::move(response)),
        body_bytes_max_(body_bytes_max) {}

  Verdict request(Call& call) const override {
    if (request_ && response_ && response_->reads_request) {
      auto& original = call.state<Original>(*this);
      original.request = call.request;
      original.kept = true;
    }
    if (!request_) return Verdict::kContinue;
    const bool tunnel = !call.request.upgrade.empty() || call.request.method == "CONNECT";
    if (request_->gathers && !tunnel && !call.request.body.none()) return Verdict::kWait;
    TransformedMessage message(call.request, nullptr, call.facts, call.arena);
    return change(call, message, request_->gathers && !tunnel, nullptr);
  }

  Task<Verdict> request_waiting(Call& call) const override {
    const http::BodyLength& length = call.request.body;
    if (length.kind == http::BodyLength::Kind::kExact && length.bytes > body_bytes_max_)
      co_return answer_request_too_large(call);
    Result<Gathered> gathered = co_await call.gather_request(body_bytes_max_);
    if (!gathered) {
      call.reply = Reply{400, {}, "bad request\n", "DPE"};
      co_return Verdict::kReply;
    }
    if (!gathered->whole) co_return answer_request_too_large(call);
    TransformedMessage message(call.request, nullptr, call.facts, call.arena);
    co_return with_body(call, message, gathered->bytes, nullptr);
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    if (!response_) return Verdict::kContinue;
    if (response_->gathers && has_body(call, head)) return Verdict::kWait;
    TransformedMessage message(original(call), &head, call.facts, call.arena);
    // An answer that was empty may get a body, one that cannot have any may not; what GET would
    // have got has another length than the backend says.
    if (response_->body && call.request.is_head()) head.declared_length = -1;
    const bool may_have_body =
        head.status != 101 && head.status != 204 && head.status != 304 && !call.request.is_head();
    return change(call, message, response_->gathers && may_have_body, &head);
  }

  Task<Verdict> response_waiting(Call& call, http::ResponseHead& head) const override {
    const http::BodyLength& length = head.body;
    const bool known = length.kind == http::BodyLength::Kind::kExact;
    if (known && length.bytes > body_bytes_max_) co_return answer_too_large(call);
    Result<Gathered> gathered = co_await call.gather_response(head, body_bytes_max_);
    if (!gathered) {
      co_return answer_broken_off(call);
    }
    if (!gathered->whole) co_return answer_too_large(call);
    TransformedMessage message(original(call), &head, call.facts, call.arena);
    co_return with_body(call, message, gathered->bytes, &head);
  }

 private:
  static bool has_body(const Call& call, const http::ResponseHead& head) {
    return !head.body.none() && head.status != 101 && !call.request.is_head();
  }

  const http::RequestHead& original(Call& call) const {
    if (!request_ || !response_->reads_request) return call.request;
    auto& kept = call.state<Original>(*this);
    return kept.kept ? kept.request : call.request;
  }

  /// A body that is no JSON where JSON was asked for: the message goes on as it is.
  Verdict with_body(Call& call, TransformedMessage& message, std::string_view body,
                    http::ResponseHead* head) const {
    const Changes& changes = head ? *response_ : *request_;
    message.set_body(body);
    boost::json::monotonic_resource memory;
    boost::json::value json(&memory);
    if (changes.parses && !body.empty()) {
      boost::json::parse_options options;
      options.max_depth = kJsonDepthMax;
      boost::system::error_code failed;
      json = boost::json::parse(body, failed, &memory, options);
      if (failed) {
        log::debug(log::Component::kFilter, "transformation skipped: the body is no JSON: {}",
                   failed.message());
        return Verdict::kContinue;
      }
      message.set_json(&json);
    }
    return change(call, message, true, head);
  }

  /// A value that is rendered and may stand in a head; empty where it fails.
  static std::string_view rendered(const Template& value, TransformedMessage& message,
                                   std::string& buffer, Arena& arena, std::string_view name) {
    if (const std::string* constant = value.constant()) {
      const std::string_view text = trimmed(*constant);
      return http::all_of(text, http::kValue) ? text : std::string_view();
    }
    static const templates::Limits kLimits{kValueBytesMax};
    buffer.clear();
    std::string error;
    if (!value.render(message, buffer, &error, kLimits)) {
      log::debug(log::Component::kFilter, "transformation of {} failed: {}", name, error);
      return {};
    }
    const std::string_view text = trimmed(buffer);
    if (!http::all_of(text, http::kValue)) {
      log::debug(log::Component::kFilter, "transformation of {} gives no value for a header", name);
      return {};
    }
    return arena.copy(text);
  }

  /// Renders all, then changes: every template sees the message as it came.
  Verdict change(Call& call, TransformedMessage& message, bool may_change_body,
                 http::ResponseHead* head) const {
    const Changes& changes = head ? *response_ : *request_;
    if (changes.needs_fields && message.json() == nullptr) {
      call.reply = Reply{400,
                         {},
                         "undeclared json variables in transformation template",
                         "-",
                         "undeclared_json_variables"};
      return Verdict::kReply;
    }
    std::string buffer;
    std::optional<std::string> body;
    if (may_change_body && changes.body) body = new_body(*changes.body, message);
    boost::container::small_vector<std::string_view, 8> values;
    const auto render = [&](const Template& value, std::string_view name) {
      values.push_back(rendered(value, message, buffer, call.arena, name));
    };
    for (const Changes::Header& each : changes.set) render(each.value, each.name);
    for (const Changes::Header& each : changes.add) render(each.value, each.name);
    for (const Changes::Metadata& each : changes.metadata) render(each.value, each.key);

    std::size_t at = 0;
    for (const Changes::Header& each : changes.set) put(call, head, each.name, values[at++], false);
    for (const Changes::Header& each : changes.add) put(call, head, each.name, values[at++], true);
    http::Fields& fields = head ? head->fields : call.request.fields;
    for (const std::string& name : changes.remove) fields.remove(name);
    for (const Changes::Metadata& each : changes.metadata) {
      const std::string_view value = values[at++];
      if (!value.empty()) call.metadata(each.name_space)[each.key] = value;
    }
    if (body) {
      if (body->empty()) fields.remove("content-type");
      if (head) {
        call.replace_response_body(*head, *std::move(body));
      } else {
        call.replace_request_body(*std::move(body));
      }
    }
    if (head && (head->status == 204 || head->status == 304) && !head->body.none()) {
      call.replace_response_body(*head, {});
      head->body = {};
    }
    return Verdict::kContinue;
  }

  /// Empty where it fails, as kgateway has it: what was there is not for the receiver.
  std::string new_body(const Template& value, TransformedMessage& message) const {
    std::string out;
    std::string error;
    if (!value.variables().empty() && message.json() == nullptr) {
      error = "the body is not parsed as JSON";
    } else if (value.render(message, out, &error)) {
      return out;
    }
    log::debug(log::Component::kFilter, "transformation of the body failed: {}", error);
    return {};
  }

  static void put(Call& call, http::ResponseHead* head, const std::string& name,
                  std::string_view value, bool add) {
    if (name.starts_with(':') || name == "host") {
      if (value.empty()) return;  // a message cannot be without them
      if (head) {
        put_status(*head, name, value);
      } else {
        put_pseudo(call.request, name, value);
      }
      return;
    }
    http::Fields& fields = head ? head->fields : call.request.fields;
    if (http::frames_message(name)) return;
    if (add) {
      if (!value.empty()) fields.add(name, value);
    } else if (value.empty()) {
      fields.remove(name);
    } else {
      fields.set(name, value);
    }
  }

  static void put_status(http::ResponseHead& head, std::string_view name, std::string_view value) {
    int status = 0;
    const char* end = value.data() + value.size();
    const auto result = std::from_chars(value.data(), end, status);
    const bool sound = result.ec == std::errc() && result.ptr == end;
    if (name != ":status" || !sound || status < 200 || status > 599 || head.status == 101) {
      log::debug(log::Component::kFilter, "transformation: {} cannot be \"{}\"", name, value);
      return;
    }
    head.status = status;
  }

  static void put_pseudo(http::RequestHead& request, std::string_view name,
                         std::string_view value) {
    const bool tunnel = request.method == "CONNECT" || !request.upgrade.empty();
    if (name == ":path" && http::valid_path(value) && request.method != "CONNECT") {
      request.path = value;
    } else if ((name == ":authority" || name == "host") && http::valid_authority(value)) {
      request.authority = value;
    } else if (name == ":method" && http::valid_method(value) && !tunnel && value != "CONNECT") {
      request.method = value;
    } else if (name == ":scheme" && (value == "http" || value == "https")) {
      request.scheme = value;
    } else {
      log::debug(log::Component::kFilter, "transformation: {} cannot be \"{}\"", name, value);
    }
  }

  std::optional<Changes> request_;
  std::optional<Changes> response_;
  std::uint64_t body_bytes_max_;
};

/// Stands where templates do not compile: nothing passes that was to be changed.
class Refusing final : public Filter {
 public:
  Verdict request(Call& call) const override {
    call.reply =
        Reply{500, {}, "the route's transformation is not valid\n", "-", "invalid_transformation"};
    return Verdict::kReply;
  }
};

}  // namespace

FilterPtr compile(const Transformation& from, const CompileContext&) {
  std::optional<Changes> request;
  std::optional<Changes> response;
  if (from.request && !(request = compiled(*from.request))) return std::make_shared<Refusing>();
  if (from.response && !(response = compiled(*from.response))) return std::make_shared<Refusing>();
  if (!request && !response) return nullptr;
  return std::make_shared<TransformationFilter>(std::move(request), std::move(response),
                                                from.body_bytes_max);
}

}  // namespace tidegate::proxy::filters
