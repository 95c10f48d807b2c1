#include "config/fields/object.h"

#include <fmt/format.h>

#include "config/yaml/utf8.h"

namespace tidegate::config::fields {
namespace json = boost::json;

namespace {

constexpr std::size_t kNameShown = 260;  // more than any name that is valid

void read_generation(Findings& findings, const Path& path, const Node& node, Meta& meta) {
  Codec<std::int64_t>::read(findings, path, node, Bounds().at_least(0), meta.generation);
}

const Description& meta_description() {
  static const Description description =
      Fields<Meta>()
          .field<&Meta::name>("name")
          .field<&Meta::namespace_>("namespace", Bounds().length(0, 63))
          .field<&Meta::labels>("labels", Bounds().keys(kLabelKey).pattern(kLabelValue))
          .field<&Meta::annotations>("annotations")
          .field<&Meta::uid>("uid")
          .custom<read_generation>("generation", "integer")
          .field<&Meta::creation_timestamp>("creationTimestamp", Bounds().pattern(kTimestamp))
          .field<&Meta::resource_version>("resourceVersion")
          .ignored({"generateName", "finalizers", "ownerReferences", "managedFields", "selfLink",
                    "deletionTimestamp", "deletionGracePeriodSeconds"});
  return description;
}

Node member(const Node& root, std::string_view name) {
  for (std::size_t i = 0; i < size_of(root); ++i) {
    if (key_of(root, i) == name) return element(root, i);
  }
  return {};
}

void read_text(const Node& root, std::string_view name, std::string& out) {
  const json::object* object = root.value->if_object();
  const json::value* value = object == nullptr ? nullptr : object->if_contains(name);
  if (value != nullptr && value->is_string()) out = std::string(value->get_string());
}

}  // namespace

Meta peek_meta(const Node& root) {
  Meta meta;
  meta.line = root.line();
  read_text(root, "apiVersion", meta.api_version);
  read_text(root, "kind", meta.kind);
  if (!root.value->is_object()) return meta;
  if (const Node metadata = member(root, "metadata"); metadata.value != nullptr) {
    read_text(metadata, "name", meta.name);
    read_text(metadata, "namespace", meta.namespace_);
  }
  return meta;
}

void read_object(Findings& findings, const Node& root, const ObjectShape& shape,
                 const Description& body, void* object, Meta& meta) {
  const Path top;
  read_text(root, "apiVersion", meta.api_version);
  read_text(root, "kind", meta.kind);
  meta.line = root.line();
  const Path metadata_path{&top, "metadata"};
  const Node metadata = member(root, "metadata");
  if (metadata.value == nullptr || metadata.value->is_null()) {
    findings.required(root, metadata_path);
  } else {
    meta_description().read(findings, metadata_path, metadata, &meta);
    const Path name_path{&metadata_path, "name"};
    if (meta.name.empty()) {
      findings.required(metadata, name_path);
    } else if (meta.name.size() > 253 || !kDnsSubdomain.matches(meta.name)) {
      const Node name = member(metadata, "name");
      findings.invalid(
          name, name_path,
          fmt::format("a lowercase RFC 1123 subdomain must match '{}'", kDnsSubdomain.text));
      meta.name = yaml::shortened(meta.name, kNameShown);
    }
    if (!shape.namespaced) {
      meta.namespace_.clear();
    } else if (!meta.namespace_.empty() && !kDnsLabel.matches(meta.namespace_)) {
      findings.invalid(member(metadata, "namespace"), Path{&metadata_path, "namespace"},
                       fmt::format("a lowercase RFC 1123 label must match '{}'", kDnsLabel.text));
      meta.namespace_ = yaml::shortened(meta.namespace_, kNameShown);
    }
  }
  if (shape.namespaced && meta.namespace_.empty()) meta.namespace_ = "default";

  if (shape.body == Body::kTopLevel) {
    return body.read(findings, top, root, object, {"apiVersion", "kind", "metadata", "status"});
  }
  static const Description no_fields = Fields<Meta>().ignored({"spec"});
  no_fields.read(findings, top, root, nullptr, {"apiVersion", "kind", "metadata", "status"});
  const Path spec_path{&top, "spec"};
  const Node spec = member(root, "spec");
  if (spec.value == nullptr || spec.value->is_null()) {
    findings.required(root, spec_path);
  } else {
    body.read(findings, spec_path, spec, object);
  }
}

Schema object_schema(const ObjectShape& shape, const Description& body) {
  Schema schema;
  meta_description().rows("metadata", schema.fields);
  body.rows(shape.body == Body::kSpec ? "spec" : "", schema.fields);
  return schema;
}

}  // namespace tidegate::config::fields
