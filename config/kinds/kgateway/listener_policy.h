#pragma once

#include <optional>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/backend_config_policy.h"
#include "config/kinds/kgateway/http_settings.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// The PROXY protocol in front of a connection. Source: ProxyProtocolConfig.
struct ListenerProxyProtocol {
  bool allow_requests_without_proxy_protocol = false;
  bool operator==(const ListenerProxyProtocol&) const = default;
};

/// Source: ListenerConfig.
struct ListenerSettings {
  std::optional<ListenerProxyProtocol> proxy_protocol;
  std::optional<TcpKeepalive> tcp_keepalive;
  std::optional<int> per_connection_buffer_limit_bytes;  // absent: 1 MiB
  std::optional<HttpSettings> http_settings;
  std::optional<Millis> transport_socket_connect_timeout;  // a TLS handshake; absent: none
  bool operator==(const ListenerSettings&) const = default;
};

/// Source: ClientCertificateValidationConfig.
struct ClientCertificates {
  enum class Mode { kRequire, kOptional };
  Mode mode = Mode::kRequire;
  std::vector<ObjectRef> ca_certificate_refs;
  bool operator==(const ClientCertificates&) const = default;
};

/// Source: ListenerDefaultConfig.
struct DefaultListenerSettings : ListenerSettings {
  std::optional<ClientCertificates> client_certificate_validation;
  bool operator==(const DefaultListenerSettings&) const = default;
};

/// How the listeners of Gateways take connections. What stands for a port replaces all of
/// `default_` there. Source: ListenerPolicySpec.
struct ListenerPolicy {
  struct Port {
    int port = 0;
    ListenerSettings listener;
    bool operator==(const Port&) const = default;
  };
  Meta meta;
  std::vector<TargetRef> target_refs;
  std::vector<TargetSelector> target_selectors;
  std::optional<DefaultListenerSettings> default_;
  std::vector<Port> per_port;
  bool operator==(const ListenerPolicy&) const = default;
};

/// The older name of a ListenerPolicy's default.httpSettings. Source: HTTPListenerPolicySpec.
struct HttpListenerPolicy : HttpSettings {
  Meta meta;
  std::vector<WholeTargetRef> target_refs;
  std::vector<WholeTargetSelector> target_selectors;
  bool operator==(const HttpListenerPolicy&) const = default;
};

}  // namespace tidegate::config::kgateway
