#include "proxy/cel/value.h"

#include <boost/json.hpp>

namespace tidegate::proxy::cel {

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kType:
      return "type";
    case Kind::kError:
      break;
  }
  return "error";
}

Value Value::boolean(bool value) {
  Value out(Kind::kBool);
  out.data_.boolean = value;
  return out;
}
Value Value::integer(std::int64_t value) {
  Value out(Kind::kInt);
  out.data_.integer = value;
  return out;
}
Value Value::natural(std::uint64_t value) {
  Value out(Kind::kUint);
  out.data_.natural = value;
  return out;
}
Value Value::real(double value) {
  Value out(Kind::kDouble);
  out.data_.real = value;
  return out;
}
Value Value::string(std::string_view text) {
  Value out(Kind::kString);
  out.data_.text = {text.data(), text.size()};
  return out;
}
Value Value::bytes(std::string_view bytes) {
  Value out(Kind::kBytes);
  out.data_.text = {bytes.data(), bytes.size()};
  return out;
}
Value Value::list(std::span<const Value> elements) {
  Value out(Kind::kList);
  out.data_.list = {elements.data(), elements.size()};
  return out;
}
Value Value::map(const Map& map) {
  Value out(Kind::kMap);
  out.data_.map = &map;
  return out;
}
Value Value::timestamp(std::int64_t seconds, std::int32_t nanos) {
  Value out(Kind::kTimestamp);
  out.data_.time = {seconds, nanos};
  return out;
}
Value Value::duration(std::int64_t nanos) {
  Value out(Kind::kDuration);
  out.data_.integer = nanos;
  return out;
}
Value Value::type(Kind kind) {
  Value out(Kind::kType);
  out.data_.type = kind;
  return out;
}
Value Value::error(std::string_view text) {
  Value out(Kind::kError);
  out.data_.text = {text.data(), text.size()};
  return out;
}
std::span<const Value> Value::list() const { return {data_.list.data, data_.list.size}; }

namespace {

std::string_view text_of(boost::json::string_view text) { return {text.data(), text.size()}; }

class JsonMap final : public Map {
 public:
  explicit JsonMap(const boost::json::object& json) : json_(json) {}
  std::size_t size() const override { return json_.size(); }
  Value key(std::size_t index, Heap&) const override {
    return Value::string(text_of((json_.begin() + static_cast<std::ptrdiff_t>(index))->key()));
  }
  bool find(const Value& key, Heap& heap, Value& out) const override {
    if (!key.is(Kind::kString) || !heap.charge_text(key.text().size())) return false;
    const boost::json::value* found = json_.if_contains(key.text());
    if (found == nullptr) return false;
    out = from_json(*found, heap);
    return true;
  }

 private:
  const boost::json::object& json_;
};

}  // namespace

Value from_json(const boost::json::object& json, Heap& heap) {
  const JsonMap* map = heap.make<JsonMap>(json);
  return map == nullptr ? Value::error(kLimit) : Value::map(*map);
}

Value from_json(const boost::json::value& json, Heap& heap) {
  switch (json.kind()) {
    case boost::json::kind::null:
      return {};
    case boost::json::kind::bool_:
      return Value::boolean(json.get_bool());
    case boost::json::kind::int64:
      return Value::real(static_cast<double>(json.get_int64()));
    case boost::json::kind::uint64:
      return Value::real(static_cast<double>(json.get_uint64()));
    case boost::json::kind::double_:
      return Value::real(json.get_double());
    case boost::json::kind::string:
      return Value::string(text_of(json.get_string()));
    case boost::json::kind::object:
      return from_json(json.get_object(), heap);
    case boost::json::kind::array:
      break;
  }
  const boost::json::array& array = json.get_array();
  auto* elements = heap.allocate<Value>(array.size());
  if (elements == nullptr || !heap.charge(array.size())) return Value::error(kLimit);
  std::size_t count = 0;
  for (const boost::json::value& one : array) new (elements + count++) Value(from_json(one, heap));
  return Value::list({elements, count});
}

}  // namespace tidegate::proxy::cel
