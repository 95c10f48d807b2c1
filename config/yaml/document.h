#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// Bytes -> documents. Nothing here throws: what is wrong comes back as a ParseProblem.
namespace tidegate::config::yaml {

/// The lines of a JSON value, a tree of the same shape: the children of an object in the order of
/// its members, those of an array in the order of its elements. The line of a member is that of its
/// key.
struct Lines {
  int line = 0;  // from 1, counted from the first line of the document
  std::vector<Lines> children;
};

/// One YAML or JSON document. `root` is null where there is nothing but comments.
struct Document {
  boost::json::value root;
  Lines lines;
};

struct ParseProblem {
  int line = 0;  // from 1; of the document for parse(), of the file for split()
  std::string message;
};

/// What a file may cost us.
struct Budgets {
  std::size_t file_bytes_max = 32U << 20U;
  std::size_t documents_max = 50'000;     // a file
  std::size_t depth_max = 64;             // nesting of one document
  std::size_t nodes_max = 2'000'000;      // values of one document; 32 MiB of objects have fewer
  std::size_t alias_nodes_max = 100'000;  // nodes that aliases may add to one document
};

/// A value, or the problem why there is none.
template <class T>
struct Outcome {
  std::optional<T> value;
  ParseProblem problem;  // meaningful where there is no value
  explicit operator bool() const { return value.has_value(); }
};

/// One document of a file, unparsed: a view into the file's bytes, with the line of the file at
/// which it begins (from 1).
struct Piece {
  std::string_view bytes;
  int first_line = 1;
};

/// Cuts a YAML file at its document markers ("---" and "..." at the start of a line, which YAML
/// reserves even inside scalars; YAML 1.2.2 section 9.1.2). Pieces with only comments are left out;
/// directives stay with their document. Errors: more bytes or documents than the budget.
Outcome<std::vector<Piece>> split(std::string_view bytes, const Budgets& budgets);

/// Parses one document of YAML. Plain scalars are read as Kubernetes reads them (YAML 1.2 core
/// schema and octal 0644); quoted ones are strings; merge keys ("<<") are applied. Errors: syntax,
/// bytes that are not UTF-8, a duplicate key, a key that is no scalar, a budget.
Outcome<Document> parse_yaml(std::string_view bytes, const Budgets& budgets);

/// Parses one JSON text (RFC 8259), with the same guarantees.
Outcome<Document> parse_json(std::string_view bytes, const Budgets& budgets);

enum class Syntax { kYaml, kJson };

/// Parsed documents by their bytes, so that a changed file costs only the documents that changed.
/// Not thread safe.
class DocumentCache {
 public:
  using Entry = std::shared_ptr<const Outcome<Document>>;

  explicit DocumentCache(Budgets budgets) : budgets_(budgets) {}

  /// The outcome of parsing these bytes; the same pointer for the same bytes while it is in use.
  Entry get(std::string_view bytes, Syntax syntax);
  /// Forgets what nobody but the cache holds.
  void sweep();
  std::size_t size() const { return entries_.size(); }

 private:
  Budgets budgets_;
  std::unordered_map<std::string, Entry> entries_;  // by syntax and bytes
};

}  // namespace tidegate::config::yaml
