#pragma once

#include <memory>
#include <string>

#include "proxy/cel/attributes.h"
#include "proxy/cel/expression.h"
#include "proxy/format/values.h"

namespace tidegate::proxy::format {

using ExpressionPtr = std::shared_ptr<const cel::Expression>;

/// What a CEL expression may ask of an exchange, answered from Values: request.*, response.*,
/// source.*, destination.*, connection.*, upstream.*, metadata, xds.route_name and its like. What
/// is not known is absent.
class ValueAttributes final : public cel::Attributes {
 public:
  explicit ValueAttributes(const Values& values) : values_(values) {}
  bool get(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const override;

 private:
  bool request(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const;
  bool response(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const;
  bool connection(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const;
  bool upstream(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const;

  const Values& values_;
};

/// Null, with a problem that names line and column, where the text is wrong.
ExpressionPtr compile_cel(std::string_view text, std::string& problem);

/// Appends the value as text, or as JSON where `typed`. False: it is an error or null. Lists and
/// maps are JSON in both.
bool print_cel(const cel::Expression& expression, const Values& values, bool typed,
               std::string& out);

}  // namespace tidegate::proxy::format
