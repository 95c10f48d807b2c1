#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "proxy/cel/heap.h"

namespace boost::json {
class value;
class object;
}  // namespace boost::json

namespace tidegate::proxy::cel {

/// The types of CEL's values. kError is what an operation gives that has no value.
/// Source: cel-spec, langdef.md, "Values".
enum class Kind : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kList,
  kMap,
  kTimestamp,
  kDuration,
  kType,
  kError,
};
/// As type() shows it: "int", "google.protobuf.Timestamp".
std::string_view name(Kind kind);

class Value;

/// A map that is asked, not built: header fields, a JSON object, a map of the expression. Lives in
/// a Heap or longer; nobody destroys it.
class Map {
 public:
  virtual std::size_t size() const = 0;
  /// The keys in a fixed order; `index` below size().
  virtual Value key(std::size_t index, Heap& heap) const = 0;
  /// False: no such key. Numeric keys are equal across their types.
  virtual bool find(const Value& key, Heap& heap, Value& out) const = 0;

 protected:
  ~Map() = default;
};

/// A value during one evaluation: small and copied freely. What it points to (text, elements, map)
/// is the expression's, the attributes' or the heap's.
class Value {
 public:
  Value() : kind_(Kind::kNull) { data_.integer = 0; }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value natural(std::uint64_t value);  // CEL's uint
  static Value real(double value);
  static Value string(std::string_view text);
  static Value bytes(std::string_view bytes);
  static Value list(std::span<const Value> elements);
  static Value map(const Map& map);
  static Value timestamp(std::int64_t seconds, std::int32_t nanos);  // nanos 0 to 999 999 999
  static Value duration(std::int64_t nanos);
  static Value type(Kind kind);
  /// `text` is a literal or lives in the heap: "no_matching_overload".
  static Value error(std::string_view text);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_error() const { return kind_ == Kind::kError; }
  bool is_true() const { return kind_ == Kind::kBool && data_.boolean; }
  bool is_false() const { return kind_ == Kind::kBool && !data_.boolean; }
  bool is_number() const { return kind_ >= Kind::kInt && kind_ <= Kind::kDouble; }

  /// Each of these only for its own kind.
  bool boolean() const { return data_.boolean; }
  std::int64_t integer() const { return data_.integer; }
  std::uint64_t natural() const { return data_.natural; }
  double real() const { return data_.real; }
  std::string_view text() const { return {data_.text.data, data_.text.size}; }  // and kError's
  std::span<const Value> list() const;
  const Map& map() const { return *data_.map; }
  std::int64_t seconds() const { return data_.time.seconds; }
  std::int32_t nanos() const { return data_.time.nanos; }
  std::int64_t duration() const { return data_.integer; }
  Kind type() const { return data_.type; }

 private:
  explicit Value(Kind kind) : kind_(kind) { data_.integer = 0; }
  union Data {
    bool boolean;
    std::int64_t integer;
    std::uint64_t natural;
    double real;
    struct {
      const char* data;
      std::size_t size;
    } text;
    struct {
      const Value* data;
      std::size_t size;
    } list;
    const Map* map;
    struct {
      std::int64_t seconds;
      std::int32_t nanos;
    } time;
    Kind type;
  };
  Kind kind_;
  Data data_;
};
static_assert(std::is_trivially_copyable_v<Value>);

/// A JSON value, not copied: it outlives the evaluation. Numbers are double, as in
/// google.protobuf.Struct, which is what metadata is elsewhere.
Value from_json(const boost::json::value& json, Heap& heap);
Value from_json(const boost::json::object& json, Heap& heap);

/// The errors that the language names, and those of our limits.
inline constexpr std::string_view kNoOverload = "no_matching_overload";
inline constexpr std::string_view kNoField = "no_such_field";
inline constexpr std::string_view kNoKey = "no_such_key";
inline constexpr std::string_view kRange = "range error";
inline constexpr std::string_view kLimit = "evaluation limit reached";

}  // namespace tidegate::proxy::cel
