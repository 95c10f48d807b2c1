#include "proxy/rpc/ext_authz.h"

#include <chrono>

#include "proxy/http/version_name.h"
#include "proxy/rpc/struct.h"

namespace tidegate::proxy::rpc {
namespace {

/// AttributeContext.Peer with its address.
ProtoWriter peer(std::string_view ip, std::uint16_t port) {
  ProtoWriter socket;
  socket.bytes(2, ip);
  socket.number(3, port);
  ProtoWriter address;
  address.message(1, socket);
  ProtoWriter out;
  out.message(1, address);
  return out;
}

/// HeaderValueOption: its HeaderValue, with `value` or `raw_value`, into `set`, or into `append`
/// where it says so.
bool header(std::string_view bytes, CheckResponse::Headers& set, CheckResponse::Headers& append) {
  ProtoReader option(bytes);
  std::string name;
  std::string value;
  bool appended = false;
  while (option.next()) {
    if (option.field() == 2) {  // google.protobuf.BoolValue
      ProtoReader flag(option.bytes());
      while (flag.next()) appended = flag.field() == 1 && flag.number() != 0;
      if (flag.malformed()) return false;
    }
    if (option.field() != 1) continue;
    ProtoReader one(option.bytes());
    while (one.next()) {
      if (one.field() == 1) name = one.bytes();
      if (one.field() == 2 || one.field() == 3) value = one.bytes();
    }
    if (one.malformed()) return false;
  }
  if (!name.empty()) (appended ? append : set).emplace_back(std::move(name), std::move(value));
  return !option.malformed();
}

bool parameter(std::string_view bytes, CheckResponse::Headers& out) {
  ProtoReader reader(bytes);
  auto& [name, value] = out.emplace_back();
  while (reader.next()) {
    if (reader.field() == 1) name = reader.bytes();
    if (reader.field() == 2) value = reader.bytes();
  }
  return !reader.malformed();
}

bool denied(std::string_view bytes, CheckResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    if (reader.field() == 1) {  // HttpStatus
      ProtoReader status(reader.bytes());
      while (status.next()) {
        if (status.field() == 1 && status.number() >= 200 && status.number() < 600)
          out.status = static_cast<int>(status.number());
      }
      if (status.malformed()) return false;
    }
    if (reader.field() == 2 && !header(reader.bytes(), out.set, out.set)) return false;
    if (reader.field() == 3) out.body = reader.bytes();
  }
  return !reader.malformed();
}

bool ok(std::string_view bytes, CheckResponse& out) {
  ProtoReader reader(bytes);
  while (reader.next()) {
    bool good = true;
    if (reader.field() == 2) good = header(reader.bytes(), out.set, out.append);
    if (reader.field() == 5) out.remove.emplace_back(reader.bytes());
    if (reader.field() == 6) good = header(reader.bytes(), out.to_client, out.to_client);
    if (reader.field() == 7) good = parameter(reader.bytes(), out.query_set);
    if (reader.field() == 8) out.query_remove.emplace_back(reader.bytes());
    if (!good) return false;
  }
  return !reader.malformed();
}

}  // namespace

std::string encode(const CheckRequest& request) {
  const http::RequestHead& head = *request.request;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  ProtoWriter time;
  time.number(1, static_cast<std::uint64_t>(
                     std::chrono::duration_cast<std::chrono::seconds>(since).count()));
  ProtoWriter to;
  to.bytes(1, head.fields.get("x-request-id"));
  to.bytes(2, head.method);
  to.entry(3, ":method", head.method);
  to.entry(3, ":path", head.path);
  to.entry(3, ":authority", head.authority);
  to.entry(3, ":scheme", head.scheme);
  for (const auto& [name, value] : request.fields) to.entry(3, name, value);
  to.bytes(4, head.path);
  to.bytes(5, head.authority);
  to.bytes(6, head.scheme);
  const bool known = head.body.kind != http::BodyLength::Kind::kUnknown;
  to.number(9, known ? head.body.bytes : static_cast<std::uint64_t>(-1));
  to.bytes(10, http::version_name(head.version));
  to.bytes(request.body_as_bytes ? 12 : 11, request.body);
  ProtoWriter one;
  one.message(1, time);
  one.message(2, to);
  ProtoWriter attributes;
  attributes.message(1, peer(request.client_ip, request.client_port));
  attributes.message(2, peer(request.local_ip, request.local_port));
  attributes.message(4, one);
  if (request.context_extensions) {
    for (const auto& [name, value] : *request.context_extensions) attributes.entry(10, name, value);
  }
  if (!request.sni.empty()) {
    ProtoWriter session;
    session.bytes(1, request.sni);
    attributes.message(12, session);
  }
  ProtoWriter out;
  out.message(1, attributes);
  return out.data();
}

bool decode(std::string_view bytes, CheckResponse& out) {
  ProtoReader reader(bytes);
  std::uint64_t code = 0;  // of google.rpc.Status; 0: OK
  while (reader.next()) {
    if (reader.field() == 1) {
      ProtoReader status(reader.bytes());
      while (status.next()) {
        if (status.field() == 1) code = status.number();
      }
      if (status.malformed()) return false;
    }
    if (reader.field() == 2 && !denied(reader.bytes(), out)) return false;
    if (reader.field() == 3 && !ok(reader.bytes(), out)) return false;
    if (reader.field() == 4 && !decode_struct(reader.bytes(), out.metadata)) return false;
  }
  out.allowed = code == 0 && !reader.malformed();
  return !reader.malformed();
}

}  // namespace tidegate::proxy::rpc
