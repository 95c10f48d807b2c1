#include "proxy/server/certificate_age.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/log.h"
#include "proxy/snapshot/about.h"
#include "proxy/tls/certificate_facts.h"

namespace tidegate::proxy::server {
namespace {

constexpr std::time_t kDay = 86400;

/// What there is to say of one; empty: nothing.
std::string age(const tls::CertificateFacts& facts, std::time_t now) {
  if (facts.expires <= now) {
    return fmt::format(
        "the certificate expired at {:%Y-%m-%dT%H:%M:%SZ}: clients refuse it; put a new one in its "
        "place",
        fmt::gmtime(facts.expires));
  }
  if (facts.valid_from > now) {
    return fmt::format(
        "the certificate is not valid before {:%Y-%m-%dT%H:%M:%SZ}: is the clock right?",
        fmt::gmtime(facts.valid_from));
  }
  if (facts.expires - now <= CertificateAge::kSoonDays * kDay) {
    return fmt::format(
        "the certificate expires at {:%Y-%m-%dT%H:%M:%SZ}: put a new one in its place",
        fmt::gmtime(facts.expires));
  }
  return {};
}

}  // namespace

void CertificateAge::look(const Snapshot& snapshot, std::time_t now) {
  std::map<std::string, std::string> told;
  for (const auto& [name, certificate] : snapshot.certificates) {
    for (const tls::CertificateFacts& facts : tls::read_certificates(certificate.chain_pem)) {
      const std::string text = age(facts, now);
      if (text.empty()) continue;
      auto before = told_.find(name);
      if (before == told_.end() || before->second != text)
        log::tell(log::Component::kSecret, log::Level::kWarning, about(certificate.origin), text);
      told[name] = text;
      break;
    }
  }
  told_ = std::move(told);
}

}  // namespace tidegate::proxy::server
