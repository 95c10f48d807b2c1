#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string_view>

#include "proxy/runtime/arena.h"

namespace tidegate::proxy::http {

/// Case-insensitive comparison of ASCII text of one length.
bool same_letters(const char* a, const char* b, std::size_t size);

/// Case-insensitive comparison of ASCII text. Most names that are compared differ in their length
/// or in their first letter.
inline bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  return ((a.front() ^ b.front()) & ~0x20) == 0 && same_letters(a.data(), b.data(), a.size());
}

/// One header or trailer field. Both are views: into the connection's buffer, or into the
/// exchange's arena.
struct Field {
  std::string_view name;   // as received; HTTP/2: lower case
  std::string_view value;  // without white space at its ends
};

/// Fields that frame a message or belong to one hop: they are written by us alone, and neither a
/// modifier nor a service can forge them.
bool frames_message(std::string_view name);

/// The names that somebody has taken out of a head, or has set in it: the sender has no say in
/// them, not in trailers either.
class Settled {
 public:
  explicit Settled(Arena& arena) : arena_(arena) {}
  void note(std::string_view name);
  /// `_` counts as `-`, as some backends read it.
  bool has(std::string_view name) const;

 private:
  Arena& arena_;
  boost::container::small_vector<std::string_view, 2> names_;
};

/// The end-to-end fields of a message, in order, several of one name allowed. What frames or routes
/// the message is not in here: Host, Content-Length, Transfer-Encoding, Connection and the fields
/// it names, Keep-Alive, Proxy-Connection, TE, Trailer, Upgrade, Expect are members of the head,
/// and are written anew for the next hop. Source: RFC 9110 sections 5, 7.6.1.
class Fields {
 public:
  using List = boost::container::small_vector<Field, 24>;

  void append(std::string_view name, std::string_view value) {
    Field& added = list_.emplace_back();  // the two stay in registers until they are where they go
    added.name = name;
    added.value = value;
  }
  /// The first value; empty view with data() == nullptr where there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).data() != nullptr; }
  /// Replaces all of that name by one. Those go too that have `_` where it has `-`: to some
  /// backends they are the same.
  void set(std::string_view name, std::string_view value);
  /// Adds a value: HTTP allows a list in one field or several fields; this is a new field.
  void add(std::string_view name, std::string_view value) { append(name, value); }
  /// All of that name, in either spelling.
  void remove(std::string_view name);
  /// From now on tells `settled` what is set and removed; null: nobody. It outlives this, or is
  /// taken back. Belongs to this head alone: neither copied nor assigned.
  void tell(Settled* settled) { told_.who = settled; }
  void clear() { list_.clear(); }
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  List::const_iterator begin() const { return list_.begin(); }
  List::const_iterator end() const { return list_.end(); }
  List& list() { return list_; }

  /// Copies names and values into `arena`, for a message that outlives its buffer.
  void own(Arena& arena);

 private:
  struct Told {
    Told() = default;
    Told(const Told&) noexcept {}
    Told& operator=(const Told&) noexcept { return *this; }
    Settled* who = nullptr;
  };
  void told(std::string_view name) {
    if (told_.who != nullptr) told_.who->note(name);
  }

  List list_;
  Told told_;
};

}  // namespace tidegate::proxy::http
