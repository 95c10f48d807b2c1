#include "proxy/telemetry/otlp.h"

#include <cctype>
#include <vector>

#include "base/version.h"
#include "proxy/telemetry/utf8_text.h"

namespace tidegate::proxy::telemetry {
namespace {

using rpc::ProtoReader;
using rpc::ProtoWriter;
using Attributes = std::vector<Collector::Attribute>;

std::uint64_t nanoseconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

bool has(const Attributes& attributes, std::string_view name) {
  for (const Collector::Attribute& one : attributes) {
    if (one.name == name) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool decode_percent(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return true;
}

/// key=value,key=value
bool read_list(std::string_view list, Attributes& out) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view pair = trimmed(list.substr(0, comma));
    list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) return false;
    Collector::Attribute one;
    one.name = trimmed(pair.substr(0, equals));
    if (!decode_percent(trimmed(pair.substr(equals + 1)), one.value)) return false;
    out.push_back(std::move(one));
  }
  return true;
}

}  // namespace

void add_attribute(ProtoWriter& out, std::uint32_t field, std::string_view key,
                   std::string_view value) {
  const std::size_t pair = out.open(field);
  write_text(out, 1, key);
  const std::size_t any = out.open(2);
  write_text(out, 1, value);
  out.close(any);
  out.close(pair);
}

void add_span_attribute(ProtoWriter& out, std::string_view key, std::string_view value) {
  add_attribute(out, 9, key, value);
}

void add_span_event(ProtoWriter& out, std::string_view name,
                    std::chrono::system_clock::time_point time) {
  const std::size_t event = out.open(11);
  out.fixed64(1, nanoseconds(time));
  out.bytes(2, name);
  out.close(event);
}

void print(const Span& span, ProtoWriter& out) {
  out.bytes(1, span.trace.view());
  out.bytes(2, span.id.view());
  if (!span.trace_state.empty()) write_text(out, 3, span.trace_state);
  if (span.parent.valid()) out.bytes(4, span.parent.view());
  write_text(out, 5, span.name);
  out.number(6, static_cast<std::uint64_t>(span.kind));
  out.fixed64(7, nanoseconds(span.start));
  out.fixed64(8, nanoseconds(span.end));
  if (span.error) {
    const std::size_t status = out.open(15);
    out.number(3, 2);  // STATUS_CODE_ERROR
    out.close(status);
  }
  constexpr std::uint32_t kSampled = 1;
  constexpr std::uint32_t kRemoteKnown = 0x100;
  constexpr std::uint32_t kParentRemote = 0x200;
  out.fixed32(16, kSampled | kRemoteKnown | (span.parent_remote ? kParentRemote : 0U));
}

std::string resource_of(const Collector& collector, const char* environment) {
  Attributes all = collector.resource;
  Attributes more;
  if (environment && collector.environment_resource && !read_list(environment, more)) more.clear();
  for (Collector::Attribute& one : more) {
    if (!has(all, one.name)) all.push_back(std::move(one));
  }
  for (const auto& [name, value] :
       {std::pair("telemetry.sdk.language", "cpp"), std::pair("telemetry.sdk.name", "tidegate"),
        std::pair("telemetry.sdk.version", kVersion)}) {
    if (!has(all, name)) all.push_back({name, value});
  }
  ProtoWriter out;
  for (const Collector::Attribute& one : all) add_attribute(out, 1, one.name, one.value);
  return out.take();
}

std::string export_request(std::string_view resource, std::string_view records) {
  ProtoWriter out;
  const std::size_t of_resource = out.open(1);
  out.text(1, resource);
  const std::size_t of_scope = out.open(2);
  const std::size_t scope = out.open(1);
  out.bytes(1, "tidegate");
  out.bytes(2, kVersion);
  out.close(scope);
  out.append(records);
  out.close(of_scope);
  out.close(of_resource);
  return out.take();
}

std::uint64_t rejected_by(std::string_view response) {
  ProtoReader reader(response);
  while (reader.next()) {
    if (reader.field() != 1) continue;
    ProtoReader partial(reader.bytes());
    while (partial.next()) {
      if (partial.field() == 1) return partial.number();
    }
  }
  return 0;
}

bool retryable_grpc(int status) {
  switch (status) {
    case 1:   // CANCELLED
    case 4:   // DEADLINE_EXCEEDED
    case 10:  // ABORTED
    case 11:  // OUT_OF_RANGE
    case 14:  // UNAVAILABLE
    case 15:  // DATA_LOSS
      return true;
    default:
      return false;
  }
}

bool retryable_http(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace tidegate::proxy::telemetry
