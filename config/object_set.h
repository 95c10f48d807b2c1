#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include "config/fields/meta.h"
#include "config/problem.h"
#include "config/yaml/document.h"

namespace tidegate::config {

struct Kind;

/// One object as written, whatever its kind. Immutable once it is in an ObjectSet.
struct Object {
  const Kind* kind = nullptr;  // in kind_table(), which lives as long as the program
  Meta meta;
  std::shared_ptr<const boost::json::value>
      raw;  // as written, Secret data included: show redacted() instead
  std::shared_ptr<const yaml::Lines>
      lines;                          // of `raw`, counted from the first line of its document
  int lines_before = 0;               // lines of the file above the document
  bool valid = true;                  // false: an API server would have refused it
  std::vector<Problem> problems;      // errors and warnings of this object alone
  std::shared_ptr<const void> typed;  // the kind's struct

  /// The line of the file at which a field stands ("spec.rules[0].backendRefs[1].port"), or that of
  /// the nearest ancestor that was written.
  int line_of(std::string_view path) const;
};

/// `raw`, for showing: the values of a Secret, and of all fields that are secrets, are replaced by
/// "[redacted]".
boost::json::value redacted(const Object& object);

/// Objects of one kind by namespace and name; the namespace of cluster-scoped ones is empty.
template <class T>
using Objects = std::map<NamespacedName, std::shared_ptr<const T>>;

/// All objects of one generation of the configuration. Built by Directory, then shared as const.
class ObjectSet {
 public:
  /// The valid objects of a kind's struct: all<HttpRoute>().
  template <class T>
  const Objects<T>& all() const {
    return stored<T>(valid_);
  }

  /// Those that failed validation, as far as they could be decoded (what was wrong has its
  /// default), so that they can be given a status. They must not take part in traffic.
  template <class T>
  const Objects<T>& rejected() const {
    return stored<T>(rejected_);
  }

  /// A valid object, or nullptr.
  template <class T>
  const T* find(std::string_view namespace_, std::string_view name) const {
    const Objects<T>& objects = all<T>();
    const auto found = objects.find({std::string(namespace_), std::string(name)});
    return found == objects.end() ? nullptr : found->second.get();
  }

  /// Every object of a kind we know, valid or not, in the order of files and lines.
  const std::vector<std::shared_ptr<const Object>>& objects() const { return objects_; }

  /// The object as written; nullptr where there is none. `kind` is e.g. "HTTPRoute".
  const Object* object(std::string_view kind, std::string_view namespace_,
                       std::string_view name) const;

  /// Adds an object; false where one of the same kind, namespace and name is there already.
  bool add(std::shared_ptr<const Object> object);

  /// Adds a typed object without its text: for built-in objects and tests. Replaces none.
  template <class T>
  bool add(T object) {
    auto shared = std::make_shared<const T>(std::move(object));
    return typed<T>(valid_).emplace(shared->meta.key(), shared).second;
  }

  /// Used by the kind table: files a decoded object under its type.
  template <class T>
  void add_typed(std::shared_ptr<const T> object, bool valid) {
    NamespacedName key = object->meta.key();
    Objects<T>& objects = typed<T>(valid ? valid_ : rejected_);
    // They come nearly in the order of their names.
    objects.insert_or_assign(objects.end(), std::move(key), std::move(object));
  }

 private:
  using Store = std::map<std::type_index, std::shared_ptr<void>>;

  template <class T>
  static const Objects<T>& stored(const Store& store) {
    static const Objects<T> none;
    const auto found = store.find(typeid(T));
    return found == store.end() ? none : *static_cast<const Objects<T>*>(found->second.get());
  }
  template <class T>
  static Objects<T>& typed(Store& store) {
    std::shared_ptr<void>& slot = store[typeid(T)];
    if (!slot) slot = std::make_shared<Objects<T>>();
    return *static_cast<Objects<T>*>(slot.get());
  }

  Store valid_;
  Store rejected_;
  std::vector<std::shared_ptr<const Object>> objects_;
  std::map<std::string, std::map<NamespacedName, std::shared_ptr<const Object>>, std::less<>>
      by_kind_;  // every object, valid or not
};

}  // namespace tidegate::config
