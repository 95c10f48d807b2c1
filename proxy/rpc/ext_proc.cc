#include "proxy/rpc/ext_proc.h"

#include <algorithm>

#include "proxy/rpc/struct.h"

namespace tidegate::proxy::rpc {
namespace {

/// The longest that a Duration can be here: beyond is no time-out that anybody means.
constexpr std::uint64_t kSecondsMax = 1'000'000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// HeaderMap: values are raw_value, since they are bytes and need not be text.
ProtoWriter header_map(const ProcessingRequest& from) {
  ProtoWriter out;
  const auto add = [&out](const http::Field& field) {
    ProtoWriter one;
    one.bytes(1, lower(field.name));
    one.bytes(3, field.value);
    out.message(1, one);
  };
  for (const http::Field& field : from.pseudo) add(field);
  if (from.fields) {
    for (const http::Field& field : *from.fields) add(field);
  }
  return out;
}

ProtoWriter part(const ProcessingRequest& from) {
  ProtoWriter out;
  switch (from.part) {
    case ProcessingPart::kRequestHeaders:
    case ProcessingPart::kResponseHeaders:
      out.message(1, header_map(from));
      out.number(3, from.end_of_stream ? 1 : 0);
      break;
    case ProcessingPart::kRequestBody:
    case ProcessingPart::kResponseBody:
      out.bytes(1, from.body);
      out.number(2, from.end_of_stream ? 1 : 0);
      break;
    default:
      out.message(1, header_map(from));
  }
  return out;
}

/// An entry of map<string, Struct>.
ProtoWriter struct_entry(std::string_view key, const boost::json::object& value) {
  ProtoWriter out;
  out.bytes(1, key);
  out.message(2, encode_struct(value));
  return out;
}

bool header_value(std::string_view bytes, HeaderMutation::Set& out, bool& ambiguous) {
  ProtoReader reader(bytes);
  std::string_view value;
  std::string_view raw;
  while (reader.next()) {
    if (reader.field() == 1) out.name = reader.bytes();
    if (reader.field() == 2) value = reader.bytes();
    if (reader.field() == 3) raw = reader.bytes();
  }
  ambiguous = ambiguous || (!value.empty() && !raw.empty());
  out.value = raw.empty() ? value : raw;
  return !reader.malformed();
}

/// HeaderValueOption. One without a header says nothing.
/// More than any head may have.
constexpr std::size_t kChangesMax = 1000;

bool header_option(std::string_view bytes, HeaderMutation& out) {
  using Action = HeaderMutation::Action;
  ProtoReader reader(bytes);
  HeaderMutation::Set one;
  bool has_header = false;
  std::optional<bool> append;
  while (reader.next()) {
    if (reader.field() == 1) {
      has_header = true;
      if (!header_value(reader.bytes(), one, out.ambiguous)) return false;
    } else if (reader.field() == 2) {  // google.protobuf.BoolValue
      append = false;
      ProtoReader flag(reader.bytes());
      while (flag.next()) append = flag.field() == 1 && flag.number() != 0;
      if (flag.malformed()) return false;
    } else if (reader.field() == 3) {
      if (reader.number() == 1) one.action = Action::kAddIfAbsent;
      if (reader.number() == 2) one.action = Action::kOverwrite;
      if (reader.number() == 3) one.action = Action::kOverwriteIfExists;
    }
  }
  if (append) one.action = *append ? Action::kAppend : Action::kOverwrite;
  if (has_header) out.set.push_back(std::move(one));
  return !reader.malformed();
}

bool header_mutation(std::string_view bytes, HeaderMutation& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1 && !header_option(reader.bytes(), out)) return false;
    if (reader.field() == 2) out.remove.emplace_back(reader.bytes());
    if (out.set.size() > kChangesMax || out.remove.size() > kChangesMax) return false;
  }
  return !reader.malformed();
}

bool body_mutation(std::string_view bytes, ProcessingResponse& out) {
  using Body = ProcessingResponse::Body;
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) {
      out.body_change = Body::kReplaced;
      out.body = reader.bytes();
    } else if (reader.field() == 2) {
      out.body_change = reader.number() != 0 ? Body::kReplaced : Body::kKept;
      out.body.clear();
    } else if (reader.field() == 3) {
      out.body_change = Body::kStreamed;
      out.body.clear();
      out.end_of_stream = false;
      ProtoReader streamed(reader.bytes());
      while (streamed.next()) {
        if (streamed.field() == 1) out.body = streamed.bytes();
        if (streamed.field() == 2) out.end_of_stream = streamed.number() != 0;
      }
      if (streamed.malformed()) return false;
    }
  }
  return !reader.malformed();
}

/// HeadersResponse, BodyResponse: their CommonResponse.
bool common_response(std::string_view bytes, ProcessingResponse& out) {
  ProtoReader outer(bytes);
  while (outer.next()) {
    if (outer.field() != 1) continue;
    ProtoReader reader(outer.bytes());
    while (reader.next()) {
      if (reader.field() == 1) out.replace = reader.number() == 1;
      if (reader.field() == 2 && !header_mutation(reader.bytes(), out.headers)) return false;
      if (reader.field() == 3 && !body_mutation(reader.bytes(), out)) return false;
      if (reader.field() == 5) out.clear_route_cache = reader.number() != 0;
    }
    if (reader.malformed()) return false;
  }
  return !outer.malformed();
}

bool trailers_response(std::string_view bytes, ProcessingResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1 && !header_mutation(reader.bytes(), out.headers)) return false;
  }
  return !reader.malformed();
}

/// The number in a field of a message that is no more than that: HttpStatus, GrpcStatus.
bool only_number(std::string_view bytes, std::uint64_t& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) out = reader.number();
  }
  return !reader.malformed();
}

bool immediate_response(std::string_view bytes, ProcessingResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    std::uint64_t number = 0;
    if (reader.field() == 1) {
      if (!only_number(reader.bytes(), number)) return false;
      out.status = static_cast<int>(std::min<std::uint64_t>(number, 1000));
    }
    if (reader.field() == 2 && !header_mutation(reader.bytes(), out.headers)) return false;
    if (reader.field() == 3) out.body = reader.bytes();
    if (reader.field() == 4) {
      if (!only_number(reader.bytes(), number)) return false;
      out.grpc_status = static_cast<std::uint32_t>(number);
    }
    if (reader.field() == 5) out.details = reader.bytes();
  }
  return !reader.malformed();
}

bool mode(std::string_view bytes, WireMode& out) {
  ProtoReader reader(bytes);
  std::uint8_t* const members[] = {&out.request_headers,  &out.response_headers,
                                   &out.request_body,     &out.response_body,
                                   &out.request_trailers, &out.response_trailers};
  while (reader.next()) {
    if (reader.field() > std::size(members)) continue;
    *members[reader.field() - 1] =
        static_cast<std::uint8_t>(std::min<std::uint64_t>(reader.number(), 255));
  }
  return !reader.malformed();
}

bool duration(std::string_view bytes, std::chrono::milliseconds& out) {
  ProtoReader reader(bytes);
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  while (reader.next()) {
    if (reader.field() == 1) seconds = reader.number();
    if (reader.field() == 2) nanos = reader.number();
  }
  if (seconds > kSecondsMax || nanos >= 1'000'000'000) {  // negative ones too
    out = std::chrono::milliseconds::max();
  } else {
    out = std::chrono::milliseconds(seconds * 1000 + nanos / 1'000'000);
  }
  return !reader.malformed();
}

}  // namespace

std::string encode(const ProcessingRequest& request) {
  ProtoWriter out;
  // Their numbers on the wire are one higher than ours: 1 is reserved.
  out.message(static_cast<std::uint32_t>(request.part) + 1, part(request));
  if (!request.metadata.empty()) {
    ProtoWriter metadata;
    for (const auto& [name_space, value] : request.metadata) {
      if (value.is_object()) metadata.message(1, struct_entry(name_space, value.get_object()));
    }
    out.message(8, metadata);
  }
  if (!request.attributes.empty())
    out.message(9, struct_entry("envoy.filters.http.ext_proc", request.attributes));
  if (request.first) {
    ProtoWriter protocol;
    protocol.number(1, request.first->request_body);
    protocol.number(2, request.first->response_body);
    out.message(11, protocol);
  }
  return out.data();
}

bool decode(std::string_view bytes, ProcessingResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    bool good = true;
    const std::uint32_t field = reader.field();
    if (field >= 1 && field <= 7) {  // a oneof: the last holds
      ProcessingResponse one;
      one.part = static_cast<ProcessingPart>(field);
      one.mode_override = out.mode_override;
      one.message_timeout = out.message_timeout;
      out = std::move(one);
    }
    if (field >= 1 && field <= 4) good = common_response(reader.bytes(), out);
    if (field == 5 || field == 6) good = trailers_response(reader.bytes(), out);
    if (field == 7) good = immediate_response(reader.bytes(), out);
    if (field == 9) good = mode(reader.bytes(), out.mode_override.emplace());
    if (field == 10) good = duration(reader.bytes(), out.message_timeout.emplace());
    if (!good) return false;
  }
  return !reader.malformed();
}

}  // namespace tidegate::proxy::rpc
