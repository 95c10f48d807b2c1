#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Hosts as written. Source: StaticBackend.
struct StaticBackend {
  enum class AppProtocol { kHttp2, kGrpc, kGrpcWeb, kKubernetesH2c, kKubernetesWs };
  struct Host {
    std::string host;  // an address or a name
    int port = 0;
    bool operator==(const Host&) const = default;
  };
  std::vector<Host> hosts;
  std::optional<AppProtocol> app_protocol;  // absent: HTTP/1.1
  bool operator==(const StaticBackend&) const = default;
};

/// The host that the request names. Source: DynamicForwardProxyBackend.
struct DynamicForwardProxy {
  bool enable_tls = false;
  bool operator==(const DynamicForwardProxy&) const = default;
};

/// Source: AwsBackend; exactly one of `lambda` and `ec2`.
struct AwsBackend {
  struct Lambda {
    enum class Mode { kSync, kAsync };
    enum class Payload { kNone, kEnvoy };
    std::string account_id;                   // empty: that of the AwsBackend
    std::optional<std::string> endpoint_url;  // absent: Amazon's of the region
    std::string function_name;
    Mode invocation_mode = Mode::kSync;
    std::string qualifier = "$LATEST";
    Payload payload_transform_mode = Payload::kEnvoy;
    bool operator==(const Lambda&) const = default;
  };
  struct Tag {
    std::string key;
    std::string value;
    bool operator==(const Tag&) const = default;
  };
  struct Filter {  // exactly one
    std::optional<std::string> key;
    std::optional<Tag> key_value;
    bool operator==(const Filter&) const = default;
  };
  struct Ec2 {
    enum class AddressType { kPrivateIp, kPublicIp };
    int port = 80;
    AddressType address_type = AddressType::kPrivateIp;
    std::vector<Filter> filters;
    bool operator==(const Ec2&) const = default;
  };
  struct AssumeRole {
    std::string role_arn;
    bool operator==(const AssumeRole&) const = default;
  };
  struct Auth {
    enum class Type { kSecret, kAssumeRole };
    Type type = Type::kSecret;
    std::optional<LocalName> secret_ref;  // accessKey, secretKey, sessionToken
    std::optional<AssumeRole> assume_role;
    bool operator==(const Auth&) const = default;
  };
  std::optional<Lambda> lambda;
  std::optional<Ec2> ec2;
  std::string account_id;
  std::optional<Auth> auth;  // absent: the environment's credentials
  std::string region = "us-east-1";
  bool operator==(const AwsBackend&) const = default;
};

/// Source: GcpBackend.
struct GcpBackend {
  std::string host;
  std::optional<std::string> audience;  // absent: https://<host>
  bool operator==(const GcpBackend&) const = default;
};

/// Backends of the same namespace that share the traffic; the next group is for when this one has
/// no healthy endpoint. Source: PriorityGroup.
struct PriorityGroup {
  std::vector<LocalName> backend_refs;
  bool operator==(const PriorityGroup&) const = default;
};

/// A place that requests go to which is no Service. Exactly one of the members after `type`; `type`
/// decides nothing. Source: BackendSpec.
struct Backend {
  enum class Type { kAws, kStatic, kDynamicForwardProxy, kGcp, kPriorityGroups };
  Meta meta;
  std::optional<Type> type;
  std::optional<AwsBackend> aws;
  std::optional<StaticBackend> static_;
  std::optional<DynamicForwardProxy> dynamic_forward_proxy;
  std::optional<GcpBackend> gcp;
  std::vector<PriorityGroup> priority_groups;
  bool operator==(const Backend&) const = default;
};

}  // namespace tidegate::config::kgateway
