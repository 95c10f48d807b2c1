#include "proxy/filters/header_modifier.h"

#include "proxy/filters/chain.h"

namespace tidegate::proxy::filters {

std::string_view apply(const HeaderChanges& changes, http::Fields& fields) {
  std::string_view host;
  for (const HeaderValue& header : changes.set) {
    if (http::iequals(header.name, "host")) {
      host = header.text();
    } else if (!http::frames_message(header.name)) {
      fields.set(header.name, header.text());
    }
  }
  for (const HeaderValue& header : changes.add) {
    if (http::iequals(header.name, "host")) {
      host = header.text();
    } else if (!http::frames_message(header.name)) {
      fields.add(header.name, header.text());
    }
  }
  for (const std::string& name : changes.remove) fields.remove(name);
  return host;
}

namespace {

class RequestModifier final : public Filter {
 public:
  explicit RequestModifier(HeaderChanges changes) : changes_(std::move(changes)) {}
  Verdict request(Call& call) const override {
    const std::string_view host = apply(changes_, call.request.fields);
    if (!host.empty()) call.request.authority = host;
    return Verdict::kContinue;
  }

 private:
  HeaderChanges changes_;
};

class ResponseModifier final : public Filter {
 public:
  explicit ResponseModifier(HeaderChanges changes) : changes_(std::move(changes)) {}
  Verdict response(Call&, http::ResponseHead& head) const override {
    apply(changes_, head.fields);
    return Verdict::kContinue;
  }

 private:
  HeaderChanges changes_;
};

}  // namespace

FilterPtr compile(const RequestHeaderModifier& from, const CompileContext&) {
  return std::make_shared<RequestModifier>(from.changes);
}

FilterPtr compile(const ResponseHeaderModifier& from, const CompileContext&) {
  return std::make_shared<ResponseModifier>(from.changes);
}

}  // namespace tidegate::proxy::filters
