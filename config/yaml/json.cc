#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/stream_parser.hpp>
#include <iterator>

#include "config/yaml/document.h"
#include "config/yaml/utf8.h"

namespace tidegate::config::yaml {
namespace json = boost::json;

namespace {

/// Walks a JSON text that is known to be valid beside its value, to note the lines and to find
/// duplicate keys (Boost.JSON keeps the last one, so an object with one has fewer members than the
/// text).
class LineScanner {
 public:
  explicit LineScanner(std::string_view text) : text_(text) {}

  void scan(const json::value& value, Lines& lines) {
    skip_space();
    lines.line = line_;
    if (const json::object* object = value.if_object()) {
      scan_object(*object, lines);
    } else if (const json::array* array = value.if_array()) {
      lines.children.resize(array->size());
      ++at_;  // [
      for (std::size_t i = 0; i < array->size(); ++i) {
        scan((*array)[i], lines.children[i]);
        skip_space();
        if (text_[at_] == ',') ++at_;
      }
      skip_space();
      ++at_;  // ]
    } else if (value.is_string()) {
      skip_string();
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
  }
  int duplicate_line() const { return duplicate_line_; }

 private:
  void scan_object(const json::object& object, Lines& lines) {
    lines.children.resize(object.size());
    ++at_;  // {
    std::size_t index = 0;
    while (duplicate_line_ == 0) {
      skip_space();
      if (text_[at_] == '}') break;
      const int key_line = line_;
      if (index == object.size()) {
        duplicate_line_ = line_;
        return;
      }
      const std::size_t begin = at_;
      skip_string();
      const json::value key = json::parse(json::string_view(text_.data() + begin, at_ - begin));
      const auto& member = *std::next(object.begin(), static_cast<std::ptrdiff_t>(index));
      if (member.key() != json::string_view(key.get_string())) {  // an earlier one came again
        duplicate_line_ = key_line;
        return;
      }
      skip_space();
      ++at_;  // :
      scan(member.value(), lines.children[index]);
      lines.children[index].line = key_line;
      ++index;
      skip_space();
      if (duplicate_line_ == 0 && text_[at_] == ',') ++at_;
    }
    ++at_;  // }
  }
  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
  }
  void skip_string() {
    for (++at_; text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int duplicate_line_ = 0;
};

/// Where a text has more values than `count`; npos: nowhere.
std::size_t beyond(std::string_view text, std::size_t count) {
  if (text.size() <= count) return text.npos;
  bool in_string = false;
  std::size_t values = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      if (c == '\\') ++i;
    } else if ((c == ',' || c == '[' || c == '{') && ++values > count) {
      return i;
    }
  }
  return text.npos;
}

}  // namespace

Outcome<Document> parse_json(std::string_view bytes, const Budgets& budgets) {
  Outcome<Document> outcome;
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  if (const std::size_t bad = first_bad_byte(bytes); bad != std::string_view::npos) {
    outcome.problem = {line_of(bytes, bad), "not valid UTF-8"};
    return outcome;
  }
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    outcome.value.emplace();
    return outcome;
  }
  if (const std::size_t at = beyond(bytes, budgets.nodes_max); at != std::string_view::npos) {
    outcome.problem = {line_of(bytes, at),
                       fmt::format("more than {} values in a document", budgets.nodes_max)};
    return outcome;
  }
  json::parse_options options;
  options.max_depth = budgets.depth_max;
  json::stream_parser parser({}, options);
  boost::system::error_code failed;
  std::size_t read = parser.write_some(bytes.data(), bytes.size(), failed);
  if (!failed && bytes.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    failed = json::error::extra_data;
  }
  if (!failed) parser.finish(failed);
  if (failed) {
    outcome.problem = {line_of(bytes, read), fmt::format("JSON: {}", failed.message())};
    return outcome;
  }
  Document document;
  document.root = parser.release();
  LineScanner scanner(bytes);
  scanner.scan(document.root, document.lines);
  if (scanner.duplicate_line() != 0) {
    outcome.problem = {scanner.duplicate_line(), "JSON: a key is given twice"};
    return outcome;
  }
  outcome.value = std::move(document);
  return outcome;
}

}  // namespace tidegate::config::yaml
