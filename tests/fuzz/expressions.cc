#include <boost/json/parse.hpp>
#include <string>

#include "proxy/cel/expression.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

/// Texts, numbers and maps, by turns.
class SomeAttributes final : public cel::Attributes {
 public:
  bool get(cel::Attribute attribute, cel::Heap& heap, cel::Value& out) const override {
    static const boost::json::value map =
        boost::json::parse(R"({"a": 1, "b": [1.5, "x", null, {"c": true}], "content-type": "é"})");
    switch (static_cast<int>(attribute) % 4) {
      case 0:
        out = cel::Value::string("/a/b?c=d");
        return true;
      case 1:
        out = cel::Value::integer(-7);
        return true;
      case 2:
        out = cel::from_json(map, heap);
        return true;
      default:
        return false;
    }
  }
};

}  // namespace

/// An expression of CEL: it has a value or an error, the same each time.
void expressions(std::string_view bytes) {
  const auto compiled = cel::Expression::compile(bytes);
  if (!compiled) return;
  must(bytes.size() <= cel::kExpressionBytesMax, "an expression has a limit");
  (*compiled)->attributes();
  Arena arena;
  const cel::Value value = (*compiled)->evaluate(SomeAttributes(), arena);
  const cel::Value again = (*compiled)->evaluate(SomeAttributes(), arena);
  must(value.kind() == again.kind(), "an expression has one value");
  if (value.is(cel::Kind::kString) || value.is(cel::Kind::kBytes) || value.is_error())
    must(value.text() == again.text(), "an expression has one value");
  if (value.is(cel::Kind::kTimestamp))
    must(value.nanos() >= 0 && value.nanos() < 1'000'000'000, "a time has a fraction of a second");
  (*compiled)->evaluate(cel::NoAttributes(), arena);
}

}  // namespace tidegate::fuzz
