#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::proxy::templates {

class Value;
using List = std::vector<Value>;
using Map = std::vector<std::pair<std::string_view, Value>>;  // sorted by key, each key once

/// What an expression of a template gives. A small handle: texts, lists and maps are borrowed from
/// the template, from the message (its heads, its parsed body) or from the Scratch of the
/// rendering, all of which outlive it.
class Value {
 public:
  enum class Kind : std::uint8_t {
    kUndefined,  // a name or key that is not there; prints as nothing
    kNone,       // null
    kBool,
    kInt,
    kUnsigned,  // what does not fit into kInt
    kDouble,
    kString,
    kList,      // made by the template
    kMap,       // made by the template
    kJsonList,  // of the body
    kJsonMap,   // of the body
  };

  Value() = default;
  static Value none() { return Value(Kind::kNone); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value unsigned_integer(std::uint64_t value);  // kInt where it fits
  static Value number(double value);
  static Value text(std::string_view value);
  static Value list(const List* value);
  static Value map(Map* value);
  static Value json(const boost::json::value& value);

  Kind kind() const { return kind_; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_number() const { return kind_ >= Kind::kInt && kind_ <= Kind::kDouble; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_list() const { return kind_ == Kind::kList || kind_ == Kind::kJsonList; }
  bool is_map() const { return kind_ == Kind::kMap || kind_ == Kind::kJsonMap; }
  const char* kind_name() const;  // "string", "sequence": for messages

  bool as_bool() const { return boolean_; }
  std::int64_t as_int() const { return integer_; }
  std::uint64_t as_unsigned() const { return unsigned_; }
  double as_double() const;  // of any number, and of a bool
  std::string_view as_text() const { return text_; }
  Map* as_map() const { return map_; }  // kMap

  /// False: undefined, none, false, 0 and what is empty.
  bool truthy() const;
  /// Elements of a list or map, characters of a text; 0 for all else.
  std::size_t length() const;
  /// Of a list, index < length().
  Value element(std::size_t index) const;
  /// Of a map; undefined where the key is missing.
  Value member(std::string_view key) const;
  /// Keys and values of a map, sorted by key as kgateway's engines print them.
  Map members() const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::kUndefined;
  union {
    bool boolean_;
    std::int64_t integer_ = 0;
    std::uint64_t unsigned_;
    double double_;
    const List* list_;
    Map* map_;
    const boost::json::array* json_list_;
    const boost::json::object* json_map_;
  };
  std::string_view text_;
};

/// How deep values may be nested where they are printed or compared: a template can nest without
/// end through a namespace.
inline constexpr int kValueDepthMax = 128;

/// Texts as they are, numbers as JSON writes them (a whole double with ".0"), true, false, none;
/// lists and maps as compact JSON, keys sorted. False: nested deeper than kValueDepthMax, or `out`
/// would be longer than `bytes_max`.
bool print(const Value& value, std::string& out, std::size_t bytes_max);
/// As JSON, texts quoted too; with `indent` spaces a level where it is not 0.
bool print_json(const Value& value, std::string& out, std::size_t bytes_max, int indent = 0);
void quote_json(std::string_view text, std::string& out);  // with the quotes

/// Less than 0, 0, more than 0. Numbers by value (true is 1), texts by bytes, lists element by
/// element; else by kind. `budget` counts the comparisons down and stops at 0.
int compare(const Value& a, const Value& b, std::int64_t& budget, int depth = 0);

std::size_t count_characters(std::string_view utf8);
/// Bytes of the first character of a text that is not empty; 1 where it is not UTF-8.
std::size_t character_bytes(std::string_view utf8);
bool is_utf8(std::string_view bytes);

/// Memory of one rendering. What was taken is counted, and never given back before the end.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes_max) : left_(bytes_max) {}

  /// False: over the limit; nothing is taken.
  bool take(std::size_t bytes);
  Value keep(std::string text);  // undefined and exhausted() where it is too much
  Value keep(List list);
  Value keep(Map map);  // sorts it; of equal keys the last stays
  bool exhausted() const { return exhausted_; }
  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
  bool exhausted_ = false;
  std::forward_list<std::string> texts_;
  std::forward_list<List> lists_;
  std::forward_list<Map> maps_;
};

}  // namespace tidegate::proxy::templates
