#pragma once

#include <string_view>

#include "config/fields/fields.h"
#include "config/fields/meta.h"

namespace tidegate::config::fields {

/// Where a kind keeps what its description describes.
enum class Body { kSpec, kTopLevel };

struct ObjectShape {
  Body body = Body::kSpec;
  bool namespaced = true;
};

/// Reads a whole Kubernetes object: apiVersion, kind, metadata, and the body into `object`.
/// `status` is accepted without a look. `meta.line` is the line of the object in its document.
void read_object(Findings& findings, const Node& root, const ObjectShape& shape,
                 const Description& body, void* object, Meta& meta);

/// Reads only apiVersion, kind, namespace and name, as far as they are there: to name an object in
/// a problem.
Meta peek_meta(const Node& root);

/// The rows of a whole object: those of its metadata that matter, and its body.
Schema object_schema(const ObjectShape& shape, const Description& body);

}  // namespace tidegate::config::fields
