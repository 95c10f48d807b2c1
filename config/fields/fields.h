#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "config/fields/finding.h"
#include "config/fields/node.h"
#include "config/fields/pattern.h"
#include "config/fields/schema.h"

/// One declarative description a field, and what comes of it: decoding with defaults, validation as
/// an API server words it, warnings for unknown fields, and the schema. A struct is described once,
/// in its kind's .cc:
///
///   template <>
///   const Description& description<ListenerTls>() {
///     static const Description d =
///         Fields<ListenerTls>()
///             .field<&ListenerTls::mode>("mode")
///             .required<&ListenerTls::refs>("certificateRefs", Bounds().items(1, 64))
///             .rule("certificateRefs must be specified when ...", [](const ListenerTls& t) {
///             return ...; });
///     return d;
///   }
///
/// The struct's own initializers are the defaults. A JSON null counts as absent, as with an API
/// server. Everything is type-erased behind Description, so that a field costs one small function.
namespace tidegate::config::fields {

/// Where we are in the object: rendered only when something is wrong.
struct Path {
  const Path* parent = nullptr;
  std::string_view name;  // of a member; empty: element `index`
  std::size_t index = 0;
  std::string text() const;
};

/// Collects what is wrong.
/// Of each object a limited number of problems, of a limited length, is told, errors before
/// warnings: a large file may be wrong in every byte.
class Findings {
 public:
  static constexpr std::size_t kToldMax = 100;
  static constexpr std::size_t kMessageMax = 2000;

  void error(const Node& node, const Path& path, std::string_view message);
  void warning(const Node& node, const Path& path, std::string_view message);
  /// "PATH: Required value".
  void required(const Node& parent, const Path& path);
  /// "PATH: Invalid value: VALUE: message".
  void invalid(const Node& node, const Path& path, std::string_view message);
  /// "PATH: Invalid value: "string": PATH in body must be of type integer: "string"".
  void wrong_type(const Node& node, const Path& path, std::string_view wanted);

  std::size_t errors() const { return errors_; }
  /// Nothing more is told.
  bool full() const { return list_.size() > kToldMax; }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  /// Whether one more would only be counted.
  bool enough(Severity severity);
  void add(Severity severity, const Node& node, std::string_view message);
  std::vector<Finding> list_;
  std::size_t errors_ = 0;
  std::size_t replace_ = kToldMax;  // where the list is full: behind it are errors only
};

/// What a field accepts. Strings in a list or map are held to the same bounds as one string. Of a
/// duration, `minimum` and `maximum` are milliseconds.
struct Bounds {
  std::optional<std::int64_t> minimum, maximum;
  std::size_t length_min = 0, length_max = SIZE_MAX;
  std::size_t items_min = 0, items_max = SIZE_MAX;  // of lists and maps
  const Pattern* pattern_ = nullptr;
  const Pattern* key_pattern_ = nullptr;  // of a map's keys
  std::vector<std::string_view> one_of_;
  bool unique_ = false;  // a list's elements differ (listType set)
  std::string_view doc_;
  Effect effect_ = Effect::kWorks;
  bool tell_ = false;  // whoever sets the field is told

  Bounds& range(std::int64_t low, std::int64_t high) {
    return minimum = low, maximum = high, *this;
  }
  Bounds& at_least(std::int64_t low) { return minimum = low, *this; }
  Bounds& length(std::size_t low, std::size_t high) {
    return length_min = low, length_max = high, *this;
  }
  Bounds& items(std::size_t low, std::size_t high) {
    return items_min = low, items_max = high, *this;
  }
  Bounds& pattern(const Pattern& p) { return pattern_ = &p, *this; }
  Bounds& keys(const Pattern& p) { return key_pattern_ = &p, *this; }
  Bounds& one_of(std::initializer_list<std::string_view> names) { return one_of_ = names, *this; }
  Bounds& unique() { return unique_ = true, *this; }
  Bounds& doc(std::string_view text) { return doc_ = text, *this; }
  Bounds& effect(Effect e) { return effect_ = e, *this; }
  /// Accepted, and whoever sets it is warned: `why` follows "accepted without effect: ".
  Bounds& no_effect(std::string_view why) {
    return doc_ = why, effect_ = Effect::kNoEffect, tell_ = true, *this;
  }
};

class Description;

/// The description of a struct; each described type specialises it.
template <class T>
const Description& description();

struct FieldDescription {
  std::string name;
  std::string_view type;
  std::string_view suffix;  // "[]", "{}"
  bool required = false;
  std::string default_;
  Bounds bounds;
  const Description& (*nested)() = nullptr;
  void (*read)(Findings&, const Path&, const Node&, const Bounds&, void* object) = nullptr;
};

class Description {
 public:
  /// Reads an object's members into `object`, which has its defaults; then holds it to the rules,
  /// unless a member was wrong already. Members named in `accepted` are somebody else's.
  void read(Findings& findings, const Path& path, const Node& node, void* object,
            std::initializer_list<std::string_view> accepted = {}) const;

  /// The rows of the schema, below `prefix` ("spec").
  void rows(const std::string& prefix, std::vector<SchemaField>& out) const;

 protected:
  struct Rule {
    std::string field;  // that the message names; empty: the object
    std::string message;
    std::function<bool(const void*)> holds;
  };
  const FieldDescription* find(std::string_view name) const;
  std::vector<FieldDescription> fields_;
  std::vector<Rule> rules_;
  std::function<void(void*)> finish_;
};

// What a type of member does. read() is given a value that is not null.

void read_value(Findings&, const Path&, const Node&, const Bounds&, std::string& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, bool& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, int& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, std::int64_t& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, double& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, std::chrono::milliseconds& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&, boost::json::value& out);
void read_value(Findings&, const Path&, const Node&, const Bounds&,
                std::variant<int, std::string>& out);
/// The index of a string among `names`; nothing, and a finding, where it is not there.
std::optional<std::size_t> read_enum(Findings&, const Path&, const Node&,
                                     const std::vector<std::string_view>& names);
/// Whether the value is an array (object) of an allowed size; a finding where it is not.
bool check_array(Findings&, const Path&, const Node&, const Bounds&);
bool check_map(Findings&, const Path&, const Node&, const Bounds&);
std::size_t size_of(const Node& node);
Node element(const Node& node, std::size_t index);
std::string_view key_of(const Node& node, std::size_t index);

inline std::string default_text(const std::string& v) { return v.empty() ? v : '"' + v + '"'; }
inline std::string default_text(bool v) { return v ? "true" : "false"; }
inline std::string default_text(int v) { return v == 0 ? std::string() : std::to_string(v); }

template <class V>
struct Codec {  // bool, numbers, strings, enumerations, described structs
  static constexpr std::string_view kSuffix = "";
  static constexpr bool kLeaf = !std::is_class_v<V> || std::is_same_v<V, std::string> ||
                                std::is_same_v<V, boost::json::value> ||
                                std::is_same_v<V, std::chrono::milliseconds> ||
                                std::is_same_v<V, std::variant<int, std::string>>;

  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   V& out) {
    if constexpr (std::is_enum_v<V>) {
      if (auto index = read_enum(findings, path, node, enum_names(V{}))) {
        out = static_cast<V>(*index);
      }
    } else if constexpr (kLeaf) {
      read_value(findings, path, node, bounds, out);
    } else {
      description<V>().read(findings, path, node, &out);
    }
  }
  static constexpr std::string_view type() {
    if constexpr (std::is_enum_v<V> || std::is_same_v<V, std::string>) return "string";
    if constexpr (std::is_same_v<V, bool>) return "boolean";
    if constexpr (std::is_same_v<V, int> || std::is_same_v<V, std::int64_t>) return "integer";
    if constexpr (std::is_same_v<V, double>) return "number";
    if constexpr (std::is_same_v<V, std::chrono::milliseconds>) return "duration";
    if constexpr (std::is_same_v<V, boost::json::value>) return "any";
    if constexpr (std::is_same_v<V, std::variant<int, std::string>>) return "int-or-string";
    return "object";
  }
  static constexpr auto nested() -> const Description& (*)() {
    if constexpr (kLeaf) {
      return nullptr;
    } else {
      return &description<V>;
    }
  }
  static void add_names(Bounds& bounds) {
    if constexpr (std::is_enum_v<V>) bounds.one_of_ = enum_names(V{});
  }
  static std::string default_of(const V& v) {
    if constexpr (std::is_enum_v<V>) {
      return default_text(std::string(enum_names(V{})[static_cast<std::size_t>(v)]));
    } else if constexpr (std::is_same_v<V, std::string> || std::is_same_v<V, bool> ||
                         std::is_same_v<V, int>) {
      return default_text(v);
    } else {
      return {};
    }
  }
};

template <class V>
struct Codec<std::optional<V>> : Codec<V> {
  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   std::optional<V>& out) {
    // Not emplace(): inside the class that V is nested in, clang takes V for not constructible.
    Codec<V>::read(findings, path, node, bounds, *(out = V{}));
  }
  static std::string default_of(const std::optional<V>&) { return {}; }
};

template <class V>
struct Codec<std::vector<V>> : Codec<V> {
  static constexpr std::string_view kSuffix = "[]";
  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   std::vector<V>& out) {
    out.clear();
    if (!check_array(findings, path, node, bounds)) return;
    const std::size_t size = size_of(node);
    out.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
      Codec<V>::read(findings, Path{&path, {}, i}, element(node, i), bounds, out.emplace_back());
    }
  }
  static std::string default_of(const std::vector<V>&) { return {}; }
};

template <class V>
struct Codec<std::map<std::string, V>> : Codec<V> {
  static constexpr std::string_view kSuffix = "{}";
  static void read(Findings& findings, const Path& path, const Node& node, const Bounds& bounds,
                   std::map<std::string, V>& out) {
    out.clear();
    if (!check_map(findings, path, node, bounds)) return;
    const std::size_t size = size_of(node);
    for (std::size_t i = 0; i < size; ++i) {
      const std::string_view key = key_of(node, i);
      Codec<V>::read(findings, Path{&path, key}, element(node, i), bounds, out[std::string(key)]);
    }
  }
  static std::string default_of(const std::map<std::string, V>&) { return {}; }
};

template <class M>
struct MemberType;
template <class C, class V>
struct MemberType<V C::*> {
  using type = V;
};

/// Builds the description of T.
template <class T>
class Fields : public Description {
 public:
  template <auto M>
  Fields& field(std::string name, Bounds bounds = {}) {
    return add<M>(std::move(name), std::move(bounds), false);
  }
  template <auto M>
  Fields& required(std::string name, Bounds bounds = {}) {
    return add<M>(std::move(name), std::move(bounds), true);
  }
  /// Known, and accepted without effect.
  Fields& ignored(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      FieldDescription& f = fields_.emplace_back();
      f.name = name;
      f.type = "any";
      f.bounds.effect_ = Effect::kNoEffect;
    }
    return *this;
  }
  /// An object whose members are members of T itself.
  template <const Description& (*Members)()>
  Fields& inlined(std::string name, bool required = false) {
    FieldDescription& f = fields_.emplace_back();
    f.name = std::move(name);
    f.type = "object";
    f.required = required;
    f.nested = Members;
    f.read = [](Findings& findings, const Path& path, const Node& node, const Bounds&, void* out) {
      Members().read(findings, path, node, out);
    };
    return *this;
  }
  /// A field that only `Read` understands: void(Findings&, const Path&, const Node&, T&).
  template <void (*Read)(Findings&, const Path&, const Node&, T&)>
  Fields& custom(std::string name, std::string_view type, Bounds bounds = {}) {
    FieldDescription& f = fields_.emplace_back();
    f.name = std::move(name);
    f.type = type;
    f.bounds = std::move(bounds);
    f.read = [](Findings& findings, const Path& path, const Node& node, const Bounds&, void* out) {
      Read(findings, path, node, *static_cast<T*>(out));
    };
    return *this;
  }
  /// What must hold between fields; the message is the object's, or with `field` that of a member.
  Fields& rule(std::string message, bool (*holds)(const T&)) {
    return rule_at({}, std::move(message), holds);
  }
  Fields& rule_at(std::string field, std::string message, bool (*holds)(const T&)) {
    rules_.push_back({std::move(field), std::move(message), [holds](const void* object) {
                        return holds(*static_cast<const T*>(object));
                      }});
    return *this;
  }
  /// Runs when all members are read, before the rules: defaults that depend on other fields.
  Fields& finish(void (*f)(T&)) {
    finish_ = [f](void* object) { f(*static_cast<T*>(object)); };
    return *this;
  }

 private:
  template <auto M>
  Fields& add(std::string name, Bounds bounds, bool is_required) {
    using V = typename MemberType<decltype(M)>::type;
    FieldDescription& f = fields_.emplace_back();
    f.name = std::move(name);
    f.type = Codec<V>::type();
    f.suffix = Codec<V>::kSuffix;
    f.required = is_required;
    f.bounds = std::move(bounds);
    Codec<V>::add_names(f.bounds);
    if (!is_required) f.default_ = Codec<V>::default_of(T().*M);
    f.nested = Codec<V>::nested();
    f.read = [](Findings& findings, const Path& path, const Node& node, const Bounds& b,
                void* object) {
      Codec<V>::read(findings, path, node, b, static_cast<T*>(object)->*M);
    };
    return *this;
  }
};

}  // namespace tidegate::config::fields
