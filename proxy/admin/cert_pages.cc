#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "proxy/admin/page_parts.h"
#include "proxy/tls/certificate_facts.h"

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

json::array facts_json(const std::string& pem, const std::string& path) {
  json::array out;
  const std::time_t now = std::time(nullptr);
  for (const tls::CertificateFacts& facts : tls::read_certificates(pem)) {
    json::object one;
    one["path"] = path;
    one["serial_number"] = facts.serial;
    json::array names;
    for (const auto& [kind, name] : facts.sans) names.push_back(json::object{{kind, name}});
    one["subject_alt_names"] = std::move(names);
    one["days_until_expiration"] =
        std::to_string(facts.expires > now ? (facts.expires - now) / 86400 : 0);
    one["valid_from"] = time_text(std::chrono::system_clock::from_time_t(facts.valid_from));
    one["expiration_time"] = time_text(std::chrono::system_clock::from_time_t(facts.expires));
    out.push_back(std::move(one));
  }
  return out;
}

json::object context_json(const Snapshot& snapshot, const std::vector<std::string>& certificates,
                          const std::string& ca_pem, const std::string& ca_path) {
  json::array chain;
  for (const std::string& name : certificates) {
    auto found = snapshot.certificates.find(name);
    if (found == snapshot.certificates.end()) continue;
    for (json::value& one : facts_json(found->second.chain_pem, "secret " + name))
      chain.push_back(std::move(one));
  }
  json::object out;
  out["ca_cert"] = facts_json(ca_pem, ca_path);
  out["cert_chain"] = std::move(chain);
  return out;
}

PageResponse certs(const AdminContext& context) {
  json::array list;
  if (SnapshotPtr snapshot = context.server->snapshot()) {
    for (const Listener& listener : snapshot->listeners) {
      for (const Site& site : listener.sites) {
        if (site.tls)
          list.push_back(context_json(*snapshot, site.tls->certificates,
                                      site.tls->client ? site.tls->client->ca_pem : "",
                                      listener.name));
      }
    }
    for (const auto& [name, cluster] : snapshot->clusters) {
      if (!cluster.tls) continue;
      std::vector<std::string> own;
      if (!cluster.tls->client_certificate.empty()) own.push_back(cluster.tls->client_certificate);
      list.push_back(context_json(*snapshot, own, cluster.tls->ca_pem, name));
    }
  }
  return as_json(json::object{{"certificates", std::move(list)}});
}

}  // namespace

void add_cert_pages(std::vector<Page>& out, const AdminContext& context) {
  out.push_back(page("/certs", "print certs on machine",
                     [context](const PageRequest&) { return certs(context); }));
}

std::time_t first_expiry(const Snapshot& snapshot) {
  std::time_t first = 0;
  for (const auto& [name, certificate] : snapshot.certificates) {
    for (const tls::CertificateFacts& facts : tls::read_certificates(certificate.chain_pem))
      first = first == 0 ? facts.expires : std::min(first, facts.expires);
  }
  return first;
}

}  // namespace tidegate::proxy::admin
