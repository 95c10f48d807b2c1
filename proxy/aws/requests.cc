#include "proxy/aws/requests.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "proxy/aws/sigv4.h"
#include "proxy/aws/xml.h"
#include "proxy/rpc/call.h"

namespace tidegate::proxy::aws {

using std::chrono::system_clock;

namespace {

constexpr std::chrono::seconds kTimeout{10};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

}  // namespace

void sign(http::RequestHead& request, std::string_view payload, const AwsCredentials& credentials,
          std::string_view region, std::string_view service, Arena& arena) {
  http::Fields& fields = request.fields;
  const std::string date = date_of(system_clock::now());
  const std::string hash = hash_of(payload);
  fields.set("x-amz-date", arena.copy(date));
  fields.set("x-amz-content-sha256", arena.copy(hash));
  if (!credentials.session_token.empty())
    fields.set("x-amz-security-token", arena.copy(credentials.session_token.reveal()));
  Signable signable;
  signable.method = request.method;
  signable.path = request.path;
  signable.payload_hash = hash;
  signable.fields.emplace_back("host", request.authority);
  for (const http::Field& field : fields) {
    std::string name = lower(field.name);
    if (name == "content-type" || name.starts_with("x-amz-"))
      signable.fields.emplace_back(std::move(name), field.value);
  }
  fields.set("authorization",
             arena.copy(authorization(signable, credentials, {region, service}, date)));
}

Task<QueryAnswer> ask(upstream::Clusters& clusters, QueryApi api, std::string region,
                      CredentialsPtr credentials, std::string form) {
  QueryAnswer out;
  Arena arena;
  http::RequestHead head;
  head.method = "POST";
  head.scheme = "https";
  head.authority = api.authority;
  head.path = "/";
  head.body = {http::BodyLength::Kind::kExact, form.size()};
  head.fields.append("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  if (credentials) sign(head, form, *credentials, region, api.service, arena);
  const rpc::CallOptions options{kTimeout, api.answer_max};
  rpc::Answer answer = co_await rpc::call(clusters, api.cluster, head, form, options, arena);
  if (answer.whole && answer.status == 200) {
    out.body = std::move(answer.body);
    co_return out;
  }
  out.problem = fmt::format("{} did not answer", api.authority);
  if (answer.whole) {
    const std::unique_ptr<XmlElement> error = parse_xml(answer.body);
    const XmlElement* code = error ? error->find("Error/Code") : nullptr;
    if (error && !code) code = error->find("Errors/Error/Code");
    if (code) out.code = code->text.substr(0, 100);
    out.problem = fmt::format("{} answered {}{}{}", api.authority, answer.status,
                              out.code.empty() ? "" : " ", out.code);
  }
  co_return out;
}

}  // namespace tidegate::proxy::aws
