#include "proxy/telemetry/remote_log.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/result.h"
#include "proxy/telemetry/envoy_log.h"
#include "proxy/telemetry/otlp.h"
#include "proxy/telemetry/utf8_text.h"

namespace tidegate::proxy::telemetry {

namespace json = boost::json;

namespace {

/// "ab" for the two digits; nothing where they are none, which our own ids are not.
std::string from_hex(std::string_view text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
  return out;
}

}  // namespace

RemoteLogWriter RemoteLogWriter::compile(const RemoteLog& config, std::string& wrong) {
  RemoteLogWriter out;
  out.config_ = config;
  format::Problem problem;
  out.body_ = format::Format::compile(config.body, problem);
  if (problem) wrong = "body: " + problem.text();
  if (config.attributes.empty()) return out;
  error_code failed;
  const json::value attributes = json::parse(config.attributes, failed);
  if (failed || !attributes.is_object()) {
    wrong = "attributes: not an object";
  } else {
    out.attributes_ = compile_node(attributes, wrong);
  }
  return out;
}

RemoteLogWriter::Node RemoteLogWriter::compile_node(const json::value& value, std::string& wrong) {
  Node out;
  if (const json::object* object = value.if_object()) {
    out.kind = Node::Kind::kObject;
    for (const auto& [key, one] : *object)
      out.members.push_back({std::string(key), compile_node(one, wrong)});
  } else if (const json::array* array = value.if_array()) {
    out.kind = Node::Kind::kArray;
    for (const json::value& one : *array)
      out.members.push_back({std::string(), compile_node(one, wrong)});
  } else {
    format::Problem problem;
    out.text = format::Format::compile(
        value.is_string() ? std::string_view(value.get_string()) : json::serialize(value), problem);
    if (problem) wrong = "attributes: " + problem.text();
  }
  return out;
}

void RemoteLogWriter::print_node(const Node& node, const format::Values& values,
                                 rpc::ProtoWriter& out) {
  if (node.kind == Node::Kind::kText) {
    std::string text;
    node.text.render(values, format::Missing::kDash, text);
    return write_text(out, 1, text);
  }
  const bool object = node.kind == Node::Kind::kObject;
  const std::size_t list = out.open(object ? 6 : 5);
  for (const auto& [key, one] : node.members) {
    const std::size_t member = out.open(1);
    if (object) out.text(1, key);
    const std::size_t value = object ? out.open(2) : 0;
    print_node(one, values, out);
    if (object) out.close(value);
    out.close(member);
  }
  out.close(list);
}

void RemoteLogWriter::print_record(const format::Values& values, rpc::ProtoWriter& out) const {
  out.fixed64(1, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                values.started.time_since_epoch())
                                                .count()));
  if (!config_.body.empty()) {
    std::string body;
    body_.render(values, format::Missing::kDash, body);
    const std::size_t mark = out.open(5);
    write_text(out, 1, body);
    out.close(mark);
  }
  for (const auto& [key, one] : attributes_.members) {
    const std::size_t pair = out.open(6);
    out.text(1, key);
    const std::size_t value = out.open(2);
    print_node(one, values, out);
    out.close(value);
    out.close(pair);
  }
  if (values.trace_id.size() == 32 && values.span_id.size() == 16) {
    out.bytes(9, from_hex(values.trace_id));
    out.bytes(10, from_hex(values.span_id));
  }
}

void RemoteLogWriter::write(std::size_t worker, const format::Values& values) const {
  if (config_.collector.protocol == Collector::Protocol::kEnvoyLogs) {
    sink_->add(
        worker, [&](rpc::ProtoWriter& out) { print_envoy_entry(config_, values, out); },
        !values.http);
  } else {
    sink_->add(worker, [&](rpc::ProtoWriter& out) { print_record(values, out); });
  }
}

void RemoteLogWriter::add_needs(const Node& node, format::Needs& out) {
  out.add(node.text.needs());
  for (const auto& [key, one] : node.members) add_needs(one, out);
}

format::Needs RemoteLogWriter::needs() const {
  format::Needs out = body_.needs();
  add_needs(attributes_, out);
  if (config_.collector.protocol == Collector::Protocol::kEnvoyLogs) {
    out.points = out.response = true;
    out.response_trailers = !config_.response_trailers.empty();
  }
  return out;
}

}  // namespace tidegate::proxy::telemetry
