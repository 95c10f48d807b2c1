#pragma once

#include "proxy/cel/attributes.h"
#include "proxy/filters/filter.h"

namespace tidegate::proxy::filters {

/// What CEL sees of an exchange whose request has come in: cel::known_on_request(). Lives as long
/// as the evaluation. Source: Envoy, "Attributes".
class CallAttributes final : public cel::Attributes {
 public:
  explicit CallAttributes(const Call& call) : call_(call) {}
  bool get(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const override;

 private:
  bool get_request(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const;
  const Call& call_;
};

}  // namespace tidegate::proxy::filters
