#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/directory.h"
#include "config/kind_table.h"
#include "config/object_set.h"
#include "config/yaml/document.h"

/// Documents -> objects: the part of Directory that knows no file system.
namespace tidegate::config {

/// A parsed document and where it stands.
struct PlacedDocument {
  yaml::DocumentCache::Entry parsed;  // always a value
  int lines_before = 0;               // lines of the file above it
};

struct SourceFile {
  std::string path;
  ConfigFile::State state = ConfigFile::State::kGood;
  std::vector<PlacedDocument> documents;
  std::vector<Problem> problems;  // of reading and parsing
};

/// Makes an object set of files, and remembers it: an object whose text, file and line did not
/// change is shared with the set before, and changes of an object are counted for its generation.
class Assembler {
 public:
  /// `files` in order of path. `problems` are those that belong to no file.
  LoadResult assemble(const std::vector<const SourceFile*>& files, std::vector<Problem> problems);

 private:
  struct Item {
    const Kind* kind = nullptr;
    Decoded decoded;
    std::shared_ptr<const boost::json::value> raw;
    std::shared_ptr<const yaml::Lines> lines;
    std::shared_ptr<const Object> made;  // that is in the set of the last time
  };
  struct DocumentFinding {  // of a document that is no object of ours
    fields::Finding finding;
    Meta meta;  // as far as it is known
  };
  struct DecodedDocument {
    yaml::DocumentCache::Entry parsed;
    std::vector<Item> items;
    std::vector<DocumentFinding> findings;
    std::size_t ignored = 0;
    std::size_t room = 0;    // there was for findings
    std::size_t held = 0;    // of it
    bool cut = false;        // it was not enough
    std::uint64_t used = 0;  // the last time
  };

  /// `room`: for so many findings more of this file.
  DecodedDocument& decode(const yaml::DocumentCache::Entry& parsed, std::size_t& room);
  static void decode_node(DecodedDocument& out, const fields::Node& node, std::size_t& room);
  void add_file(ObjectSet& set, const SourceFile& source, ConfigFile& file);
  std::shared_ptr<const Object> make_object(const Item& item, const std::string& file,
                                            int lines_before) const;

  std::unordered_map<const void*, DecodedDocument> decoded_;  // by the parsed document
  std::uint64_t times_ = 0;                                   // that something was assembled
  std::shared_ptr<const ObjectSet> last_;
  std::vector<Problem> last_problems_;
};

}  // namespace tidegate::config
