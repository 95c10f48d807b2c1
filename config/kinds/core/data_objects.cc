#include "config/kinds/core/base64.h"
#include "config/kinds/core/descriptions.h"

// Secret, ConfigMap and Namespace. A message about a Secret never shows a value.
namespace tidegate::config::fields {
namespace {

/// Calls `use(key, text, findings, path, node)` for every member that is a string.
template <class Use>
void each_text(Findings& findings, const Path& path, const Node& node, Use use) {
  if (!check_map(findings, path, node, Bounds().keys(kDataKey))) return;
  for (std::size_t i = 0; i < size_of(node); ++i) {
    const std::string_view key = key_of(node, i);
    const Node member = element(node, i);
    const Path member_path{&path, key};
    if (member.value->is_null()) {
      use(std::string(key), std::string_view(), member_path, member);
    } else if (const boost::json::string* text = member.value->if_string()) {
      use(std::string(key), std::string_view(text->data(), text->size()), member_path, member);
    } else {
      findings.wrong_type(member, member_path, "string");
    }
  }
}

void read_secret_data(Findings& findings, const Path& path, const Node& node, SecretObject& out) {
  each_text(findings, path, node,
            [&](std::string key, std::string_view text, const Path& at, const Node& member) {
              if (auto bytes = decode_base64(text)) {
                // stringData wins, whichever was written first.
                out.data.try_emplace(std::move(key), tidegate::Secret(std::move(*bytes)));
              } else {
                findings.error(member, at, "Invalid value: [redacted]: illegal base64 data");
              }
            });
}

void read_string_data(Findings& findings, const Path& path, const Node& node, SecretObject& out) {
  each_text(findings, path, node,
            [&](std::string key, std::string_view text, const Path&, const Node&) {
              out.data.insert_or_assign(std::move(key), tidegate::Secret(std::string(text)));
            });
}

void read_binary_data(Findings& findings, const Path& path, const Node& node, ConfigMap& out) {
  each_text(findings, path, node,
            [&](std::string key, std::string_view text, const Path& at, const Node& member) {
              if (auto bytes = decode_base64(text)) {
                out.binary_data.insert_or_assign(std::move(key), std::move(*bytes));
              } else {
                findings.error(member, at, "Invalid value: illegal base64 data");
              }
            });
}

}  // namespace

template <>
const Description& description<SecretObject>() {
  static const Description description =
      Fields<SecretObject>()
          .field<&SecretObject::type>("type")
          .custom<read_secret_data>("data", "map of base64")
          .custom<read_string_data>("stringData", "map of string")
          .ignored({"immutable"})
          .rule_at("data", "tls.crt and tls.key are required when type is kubernetes.io/tls",
                   [](const SecretObject& s) {
                     return s.type != "kubernetes.io/tls" ||
                            (s.data.count("tls.crt") == 1 && s.data.count("tls.key") == 1);
                   });
  return description;
}

template <>
const Description& description<ConfigMap>() {
  static const Description description =
      Fields<ConfigMap>()
          .field<&ConfigMap::data>("data", Bounds().keys(kDataKey))
          .custom<read_binary_data>("binaryData", "map of base64", Bounds().keys(kDataKey))
          .ignored({"immutable"});
  return description;
}

template <>
const Description& description<Namespace>() {
  static const Description description = Fields<Namespace>().ignored({"spec"});
  return description;
}

}  // namespace tidegate::config::fields
