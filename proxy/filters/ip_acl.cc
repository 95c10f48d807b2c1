#include <algorithm>

#include "base/cidr.h"
#include "proxy/filters/chain.h"
#include "proxy/snapshot/auth_filters.h"

/// Access by the client's address. Source: kgateway TrafficPolicy.spec.acl.
namespace tidegate::proxy::filters {
namespace {

/// The client's address; nothing where it has none that we know.
std::optional<IpBytes> client(const Call& call) {
  if (!call.forwarded_client.empty()) return parse_ip(call.forwarded_client);
  const boost::asio::ip::address address = call.facts.remote.address();
  if (address.is_unspecified()) return std::nullopt;
  if (address.is_v6()) {
    IpBytes out;
    const auto bytes = address.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }
  IpBytes out{};
  out[10] = out[11] = 0xFF;
  const auto bytes = address.to_v4().to_bytes();
  std::copy(bytes.begin(), bytes.end(), out.begin() + 12);
  return out;
}

class IpAclFilter final : public Filter {
 public:
  explicit IpAclFilter(IpAcl config) : config_(std::move(config)) {
    for (std::size_t i = 0; i < config_.rules.size(); ++i) {
      for (const std::string& text : config_.rules[i].cidrs) {
        if (const ReadCidr read = parse_cidr(text); read.cidr) table_.add(*read.cidr, i);
      }
    }
  }

  Verdict request(Call& call) const override {
    const std::optional<IpBytes> address = client(call);
    if (!address) return deny(call, "unknown-ip");
    const std::optional<std::size_t> found = table_.find(*address);
    if (!found) return config_.deny ? deny(call, "default") : Verdict::kContinue;
    const IpAcl::Rule& rule = config_.rules[*found];
    if (!rule.deny) return Verdict::kContinue;
    return deny(call, rule.name.empty() ? std::string_view("rule") : rule.name);
  }

 private:
  Verdict deny(Call& call, std::string_view by) const {
    call.stats.acl.blocked.add();
    call.metadata("dev.kgateway.http.acl")["blocked-by"] = by;
    call.reply = Reply{config_.status, {}, {}, "-", "http_acl_denied"};
    for (const HeaderValue& header : config_.headers)
      call.reply.fields.append(header.name, header.value);
    if (!config_.blocked_by_header.empty()) call.reply.fields.append(config_.blocked_by_header, by);
    return Verdict::kReply;
  }

  IpAcl config_;
  CidrTable table_;  // to indices of rules
};

}  // namespace

FilterPtr compile(const IpAcl& from, const CompileContext&) {
  return std::make_shared<IpAclFilter>(from);
}

}  // namespace tidegate::proxy::filters
