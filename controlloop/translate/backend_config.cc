#include "controlloop/translate/backend_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/core/secret_object.h"
#include "config/kinds/core/service.h"
#include "config/kinds/kgateway/backend.h"
#include "controlloop/translate/backend_settings.h"
#include "controlloop/translate/certificate.h"
#include "proxy/snapshot/closed.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;
using Value = status::Condition::Value;

namespace {

constexpr const char* kKind = "BackendConfigPolicy";

enum Field : std::size_t {
  kConnectTimeout,
  kDns,
  kBufferLimit,
  kTcpKeepalive,
  kCommonHttp,
  kHttp2,
  kTls,
  kLoadBalancer,
  kHealthCheck,
  kOutlierDetection,
  kCircuitBreakers,
  kProxyProtocol,
  kFieldCount,
};

bool has_labels(const config::Meta& meta, const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&meta](const auto& label) {
    auto found = meta.labels.find(label.first);
    return found != meta.labels.end() && found->second == label.second;
  });
}

/// Whether an object that could not be decoded has something at spec.tls.
bool writes_tls(const config::Object* object) {
  const json::object* root = object && object->raw ? object->raw->if_object() : nullptr;
  const json::value* spec = root ? root->if_contains("spec") : nullptr;
  return spec && spec->is_object() && spec->get_object().contains("tls");
}

}  // namespace

static_assert(kFieldCount == BackendConfigs::kFields);

BackendConfigs::BackendConfigs(const config::ObjectSet& objects, proxy::Snapshot& snapshot,
                               std::string zone, const NamedFiles& files, status::Report& report)
    : objects_(objects),
      snapshot_(snapshot),
      zone_(std::move(zone)),
      files_(files),
      report_(report) {
  auto add = [this](const std::shared_ptr<const Object>& object, bool valid) {
    Policy& policy = *policies_.emplace_back(std::make_unique<Policy>());
    policy.object = object;
    if (valid) return;
    policy.invalid = "the object is not valid: see its problems";
    policy.tls_failed = object->tls || writes_tls(objects_.object(kKind, object->meta.namespace_,
                                                                  object->meta.name));
  };
  for (const auto& [key, object] : objects.all<Object>()) add(object, true);
  for (const auto& [key, object] : objects.rejected<Object>()) add(object, false);
  std::stable_sort(policies_.begin(), policies_.end(), [](const auto& a, const auto& b) {
    return config::older(a->object->meta, b->object->meta);
  });
  for (const auto& policy : policies_) {
    find_targets(*policy);
    if (policy->invalid.empty() && policy->object->tls) read_tls(*policy);
    const auto& balancer = policy->object->load_balancer;
    if (balancer && balancer->zone_aware && zone_.empty()) {
      report_.warning(kKind, policy->object->meta, "spec.loadBalancer.zoneAware",
                      "without effect: KGATEWAY_NODE_ZONE does not say where this process is");
    }
  }
  attach();
}

void BackendConfigs::problem(const Policy& policy, const std::string& path,
                             const std::string& message) {
  report_.error(kKind, policy.object->meta, path, message);
}

void BackendConfigs::find_targets(Policy& policy) {
  const std::string& space = policy.object->meta.namespace_;
  for (std::size_t i = 0; i < policy.object->target_refs.size(); ++i) {
    const auto& ref = policy.object->target_refs[i];
    BackendTarget target{ref.group, ref.kind, {space, ref.name}};
    const bool found = ref.kind == "Service"
                           ? objects_.find<config::Service>(space, ref.name) != nullptr
                           : ref.kind == "Backend" && objects_.find<config::kgateway::Backend>(
                                                          space, ref.name) != nullptr;
    policy.targets[target].found = found;
    if (!found) {
      report_.warning(kKind, policy.object->meta, fmt::format("spec.targetRefs[{}]", i),
                      fmt::format("{} {}/{} does not exist", ref.kind, space, ref.name));
    }
  }
  for (const auto& selector : policy.object->target_selectors) {
    auto select = [&](const auto& all) {
      for (const auto& [key, object] : all) {
        if (key.namespace_ == space && has_labels(object->meta, selector.match_labels))
          policy.targets[{selector.group, selector.kind, key}];
      }
    };
    if (selector.kind == "Service") select(objects_.all<config::Service>());
    if (selector.kind == "Backend") select(objects_.all<config::kgateway::Backend>());
  }
}

BackendConfigs::Fields BackendConfigs::fields_of(const Object& policy) {
  Fields out;
  out[kConnectTimeout] = policy.connect_timeout.has_value();
  out[kDns] = policy.dns.has_value();
  out[kBufferLimit] = policy.per_connection_buffer_limit_bytes.has_value();
  out[kTcpKeepalive] = policy.tcp_keepalive.has_value();
  out[kCommonHttp] = policy.common_http_protocol_options.has_value();
  out[kHttp2] = policy.http2_protocol_options.has_value();
  out[kTls] = policy.tls.has_value();
  out[kLoadBalancer] = policy.load_balancer.has_value();
  out[kHealthCheck] = policy.health_check.has_value();
  out[kOutlierDetection] = policy.outlier_detection.has_value();
  out[kCircuitBreakers] = policy.circuit_breakers.has_value();
  out[kProxyProtocol] = policy.upstream_proxy_protocol.has_value();
  return out;
}

/// Field by field, the oldest policy that gives it has it.
void BackendConfigs::attach() {
  std::map<BackendTarget, Fields> taken;
  for (const auto& policy : policies_) {
    // One whose TLS failed takes part for that: who is younger must not open the way again.
    if (!policy->invalid.empty() && !policy->tls_failed) continue;
    const Fields given = policy->tls_failed ? Fields().set(kTls) : fields_of(*policy->object);
    for (auto& [target, reach] : policy->targets) {
      if (!reach.found) continue;
      const Fields counts = given & ~taken[target];
      reach.any = given.none() || counts.any();
      reach.all = counts == given;
      taken[target] |= given;
      if (counts.any()) by_target_[target].emplace_back(policy.get(), counts);
    }
  }
}

void BackendConfigs::fail_tls(Policy& policy, const std::string& field,
                              const std::string& message) {
  problem(policy, "spec.tls." + field, message);
  policy.invalid = message;
  policy.tls_failed = true;
}

/// Messages name the files, and hold nothing of what is in them.
void BackendConfigs::read_tls_files(Policy& policy) {
  const auto& from = *policy.object->tls->files;
  auto text_of = [&](const char* field, const std::optional<std::string>& path) {
    if (!path || policy.tls_failed) return Secret();
    const auto found = files_.find(*path);
    const std::string why =
        found == files_.end() ? std::string("it was not looked at") : found->second.problem;
    if (why.empty()) return found->second.text;
    fail_tls(policy, field, fmt::format("file {} cannot be read: {}", *path, why));
    return Secret();
  };
  const Secret authority = text_of("files.rootCA", from.root_ca);
  const Secret chain = text_of("files.tlsCertificate", from.tls_certificate);
  const Secret key = text_of("files.tlsKey", from.tls_key);
  if (policy.tls_failed) return;
  if (from.root_ca) {
    policy.tls.ca_pem = certificates_in(authority.reveal());
    if (!is_certificate(policy.tls.ca_pem))
      return fail_tls(policy, "files.rootCA",
                      fmt::format("file {} is no PEM certificate", *from.root_ca));
  }
  if (!from.tls_certificate && !from.tls_key) return;
  if (!from.tls_certificate || !from.tls_key)
    return fail_tls(policy, "files", "tlsCertificate and tlsKey go together");
  if (policy.object->tls->simple_tls) return;
  const std::string wrong =
      pair_problem(chain.reveal(), key.reveal(), *from.tls_certificate, *from.tls_key);
  if (!wrong.empty()) return fail_tls(policy, "files", "file " + wrong);
  const config::Meta& meta = policy.object->meta;
  policy.tls.client_certificate = fmt::format("{}/{} (files)", meta.namespace_, meta.name);
  proxy::Certificate& to = snapshot_.certificates[policy.tls.client_certificate];
  to.origin = {std::string(kKind), meta.namespace_, meta.name, "", meta.file, meta.line};
  to.chain_pem = certificates_in(chain.reveal());
  to.key_pem = key;
}

void BackendConfigs::read_tls(Policy& policy) {
  const config::kgateway::BackendTls& from = *policy.object->tls;
  const std::string& space = policy.object->meta.namespace_;
  auto fail = [&](const char* field, const std::string& message) {
    fail_tls(policy, field, message);
  };
  policy.tls.sni = from.sni.value_or("");
  policy.tls.sans = from.verify_subject_alt_names;
  if (from.files) {
    read_tls_files(policy);
    if (policy.tls_failed) return;
  }
  if (from.secret_ref) {
    const auto* secret = objects_.find<config::SecretObject>(space, from.secret_ref->name);
    if (secret == nullptr)
      return fail("secretRef",
                  fmt::format("Secret {}/{} does not exist", space, from.secret_ref->name));
    if (auto ca = secret->data.find("ca.crt"); ca != secret->data.end() && !ca->second.empty()) {
      policy.tls.ca_pem = certificates_in(ca->second.reveal());
      if (!is_certificate(policy.tls.ca_pem))
        return fail("secretRef", fmt::format("Secret {}/{}: ca.crt is no PEM certificate", space,
                                             from.secret_ref->name));
    }
    const bool pair = secret->data.contains("tls.crt") || secret->data.contains("tls.key");
    if (pair && !from.simple_tls) {
      const ResolvedCertificate shown = resolve_certificate(
          objects_, kKind, space, {"", "Secret", from.secret_ref->name, std::nullopt}, snapshot_);
      if (!shown.reason.empty()) return fail("secretRef", shown.message);
      policy.tls.client_certificate = shown.name;
    }
  }
  policy.tls.options = tls_options(from, policy.tls);
  if (policy.tls.options->any_name && policy.tls.ca_pem.empty() && !policy.tls.options->insecure) {
    report_.warning(kKind, policy.object->meta, "spec.tls",
                    "without sni and verifySubjectAltNames any certificate of the system's "
                    "authorities is accepted, whatever its name");
  }
}

const void* BackendConfigs::tls_of(const BackendTarget& target) const {
  auto found = by_target_.find(target);
  if (found == by_target_.end()) return nullptr;
  for (const auto& [policy, counts] : found->second) {
    if (counts[kTls]) return policy;
  }
  return nullptr;
}

void BackendConfigs::apply(const BackendTarget& target, proxy::Cluster& cluster) {
  auto found = by_target_.find(target);
  if (found == by_target_.end()) return;
  for (const auto& [policy, counts] : found->second) {
    const Object& from = *policy->object;
    if (counts[kTls]) {
      if (policy->tls_failed) {
        proxy::close(cluster);
        continue;
      }
      // BackendTLSPolicy, the standard's, goes before ours.
      if (!cluster.tls || cluster.dynamic) {
        cluster.tls = policy->tls;
      } else {
        policy->targets[target].tls_overridden = true;
      }
      // Where the request names the host, that is the name the certificate must have.
      if (cluster.dynamic && cluster.tls->sans.empty()) cluster.tls->options->any_name = false;
    }
    if (counts[kConnectTimeout]) cluster.connect_timeout = *from.connect_timeout;
    if (counts[kDns]) cluster.dns = dns_refresh(*from.dns);
    if (counts[kBufferLimit] && *from.per_connection_buffer_limit_bytes > 0)
      cluster.buffer_max = static_cast<std::uint32_t>(*from.per_connection_buffer_limit_bytes);
    if (counts[kTcpKeepalive]) cluster.keepalive = keepalive(*from.tcp_keepalive);
    if (counts[kCommonHttp]) set_common_http(*from.common_http_protocol_options, cluster);
    if (counts[kHttp2]) cluster.http2 = http2_options(*from.http2_protocol_options);
    if (counts[kLoadBalancer]) cluster.balancing = load_balancing(*from.load_balancer, zone_);
    if (counts[kHealthCheck]) cluster.health_check = health_check(*from.health_check, cluster.name);
    if (counts[kOutlierDetection]) cluster.outliers = outlier_detection(*from.outlier_detection);
    if (counts[kCircuitBreakers]) cluster.breakers = circuit_breakers(*from.circuit_breakers);
    if (counts[kProxyProtocol]) {
      using Version = config::kgateway::UpstreamProxyProtocol::Version;
      cluster.proxy_protocol = from.upstream_proxy_protocol->version == Version::kV2
                                   ? proxy::ProxyProtocol::kV2
                                   : proxy::ProxyProtocol::kV1;
    }
  }
}

/// An ancestor is the target itself: it is what the policy's settings are of.
void BackendConfigs::statuses(const std::string& controller_name, status::Statuses& out) const {
  for (const auto& policy : policies_) {
    const config::Meta& meta = policy->object->meta;
    json::array ancestors;
    for (const auto& [target, reach] : policy->targets) {
      if (ancestors.size() == 16) break;  // that PolicyStatus has room for
      std::vector<status::Condition> conditions;
      const bool valid = policy->invalid.empty();
      status::set(conditions, "Accepted", valid ? Value::kTrue : Value::kFalse,
                  valid ? "Valid" : "Invalid", policy->invalid);
      if (!reach.found) {
        status::set(conditions, "Attached", Value::kFalse, "TargetNotFound",
                    "the target does not exist");
      } else if (!valid) {
        status::set(conditions, "Attached", Value::kFalse, "Pending", "the policy is not accepted");
      } else if (!reach.any) {
        status::set(conditions, "Attached", Value::kFalse, "Overridden",
                    "older policies give all that it says");
      } else {
        status::set(conditions, "Attached", Value::kTrue, reach.all ? "Attached" : "Merged",
                    reach.all ? "" : "older policies give some of what it says");
      }
      if (reach.tls_overridden) {
        // BackendTLSPolicies are of Services.
        const bool of_backend = target.kind == "Backend";
        status::set(conditions, "Overridden", Value::kTrue,
                    of_backend ? "ConflictedWithBackend" : "ConflictedWithBackendTLSPolicy",
                    fmt::format("{} says how TLS is spoken: spec.tls does not count",
                                of_backend ? "the Backend itself" : "a BackendTLSPolicy"));
      }
      json::object ref;
      ref["group"] = target.group;
      ref["kind"] = target.kind;
      ref["namespace"] = target.name.namespace_;
      ref["name"] = target.name.name;
      json::object entry;
      entry["ancestorRef"] = std::move(ref);
      entry["controllerName"] = controller_name;
      entry["conditions"] = status::to_json(conditions, meta.generation);
      ancestors.push_back(std::move(entry));
    }
    json::object status;
    status["ancestors"] = std::move(ancestors);
    out[{kKind, meta.namespace_, meta.name}] = std::move(status);
  }
}

}  // namespace tidegate::controlloop::translate
