#include "proxy/exchange/client.h"

#include <boost/container/small_vector.hpp>
#include <cctype>
#include <string>

#include "proxy/http/percent.h"

namespace tidegate::proxy::exchange {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The addresses of all lines of X-Forwarded-For, from the last one back.
class Backwards {
 public:
  explicit Backwards(const http::Fields& fields) {
    for (const http::Field& field : fields) {
      if (http::iequals(field.name, "x-forwarded-for")) lines_.push_back(field.value);
    }
  }
  bool any() const { return !lines_.empty(); }
  /// Empty: there is no further one.
  std::string_view next() {
    while (!lines_.empty()) {
      std::string_view& line = lines_.back();
      const std::size_t comma = line.rfind(',');
      const std::string_view one = trimmed(comma == line.npos ? line : line.substr(comma + 1));
      if (comma == line.npos) {
        lines_.pop_back();
      } else {
        line = line.substr(0, comma);
      }
      if (!one.empty()) return one;
    }
    return {};
  }

 private:
  boost::container::small_vector<std::string_view, 4> lines_;
};

/// RFC 1918, RFC 4193, and loopback.
bool is_private(std::string_view ip) {
  const std::optional<IpBytes> bytes = parse_ip(ip);
  if (!bytes) return false;
  const IpBytes& b = *bytes;
  const bool v4 = b[10] == 0xff && b[11] == 0xff && b[0] == 0;
  if (v4) {
    return b[12] == 10 || b[12] == 127 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
           (b[12] == 192 && b[13] == 168);
  }
  if ((b[0] & 0xfe) == 0xfc) return true;
  for (std::size_t i = 0; i < 15; ++i) {
    if (b[i] != 0) return false;
  }
  return b[15] == 1;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string element(const net::CertificateFacts& peer, const ClientCertForwarding& how) {
  std::string out = "Hash=" + peer.fingerprint_256;
  if (how.cert) out += ";Cert=\"" + http::percent_encode(peer.pem) + "\"";
  if (how.chain) out += ";Chain=\"" + http::percent_encode(peer.chain_pem) + "\"";
  if (how.subject) out += ";Subject=" + quoted(peer.subject);
  if (how.uri) {
    for (const std::string& uri : peer.uri_sans) out += ";URI=" + uri;
  }
  if (how.dns) {
    for (const std::string& name : peer.dns_sans) out += ";DNS=" + name;
  }
  return out;
}

}  // namespace

Client find_client(const http::Fields& fields, const net::ConnectionFacts& facts,
                   const HttpOptions& options, const CidrTable& trusted) {
  Client out;
  out.ip = facts.remote_ip;
  Backwards list(fields);
  out.internal = !list.any() && is_private(facts.remote_ip);
  if (!options.trusted_cidrs.empty()) {
    const std::optional<IpBytes> peer = parse_ip(facts.remote_ip);
    if (!peer || !trusted.find(*peer)) return out;
    while (true) {
      const std::string_view one = list.next();
      const std::optional<IpBytes> address = parse_ip(one);
      if (!address) return out;
      out.ip = one;
      if (!trusted.find(*address)) return out;
    }
  }
  // With use_remote_address the peer is the nearest hop, and counts as one.
  const std::size_t back = options.trusted_hops + (options.use_remote_address ? 0 : 1);
  std::string_view found;
  for (std::size_t i = 0; i < back; ++i) {
    found = list.next();
    if (found.empty()) return out;
  }
  if (!found.empty() && parse_ip(found)) out.ip = found;
  return out;
}

void forward_client_certificate(http::Fields& fields, const net::ConnectionFacts& facts,
                                const ClientCertForwarding& how, Arena& arena) {
  constexpr std::string_view kName = "x-forwarded-client-cert";
  using Mode = ClientCertForwarding::Mode;
  if (how.mode == Mode::kAlwaysForwardOnly) return;
  if (how.mode == Mode::kSanitize || !facts.peer || !facts.peer_verified) {
    fields.remove(kName);
    return;
  }
  if (how.mode == Mode::kForwardOnly) return;
  std::string value = element(*facts.peer, how);
  const std::string_view before = fields.get(kName);
  if (how.mode == Mode::kAppendForward && !before.empty())
    value = std::string(before) + "," + value;
  fields.set(kName, arena.copy(value));
}

}  // namespace tidegate::proxy::exchange
