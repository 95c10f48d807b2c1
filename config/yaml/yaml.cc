#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <new>
#include <streambuf>
#include <unordered_map>

#include "config/yaml/document.h"
#include "config/yaml/scalar.h"
#include "config/yaml/utf8.h"

namespace tidegate::config::yaml {
namespace json = boost::json;

namespace {

/// What no text of people or programs comes near.
constexpr std::size_t kCopiedBytesMax = 16U << 20U;  // by anchors and aliases, in a document
constexpr std::size_t kHeldMarksMax = 400'000;       // []{},:?&*!"' that the scanner holds back

/// Leaves yaml-cpp in the middle of a document; caught at the door, in parse_yaml.
struct Stop {
  ParseProblem problem;
};

[[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
  throw Stop{{mark.line + 1, std::move(message)}};
}

/// Gives the scanner its bytes, and stops it where it takes too many of them without an event:
/// until the end of a list or map in brackets, all of it is held back, as it may still be a key. A
/// token of one byte takes about 250 there.
class MeteredBuffer : public std::streambuf {
 public:
  explicit MeteredBuffer(std::string_view bytes) : bytes_(bytes) {}

  void event() { marks_ = 0; }

 private:
  static constexpr std::size_t kPiece = 4096;

  int_type underflow() override {
    if (at_ == bytes_.size()) return traits_type::eof();
    const std::string_view piece = bytes_.substr(at_, kPiece);
    if (bytes_.size() > kHeldMarksMax) {
      marks_ += static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), is_mark));
      if (marks_ > kHeldMarksMax)
        throw Stop{{line_of(bytes_, at_),
                    fmt::format("more than {} of []{{}},:?&*!\"' in one list, map or text: split "
                                "it, or name the file .json if it is JSON",
                                kHeldMarksMax)}};
    }
    at_ += piece.size();
    char* begin = const_cast<char*>(piece.data());  // only read from
    setg(begin, begin, begin + piece.size());
    return traits_type::to_int_type(*begin);
  }
  static bool is_mark(char c) {
    return std::string_view("[]{},:?&*!\"'").find(c) != std::string_view::npos;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;     // given
  std::size_t marks_ = 0;  // since the last event
};

std::size_t count_nodes(const Lines& lines) {
  std::size_t count = 1;
  for (const Lines& child : lines.children) count += count_nodes(child);
  return count;
}

/// About what a copy of the value costs.
std::size_t weight_of(const json::value& value) {
  constexpr std::size_t kNode = 32;
  std::size_t sum = kNode;
  if (const json::string* text = value.if_string()) {
    sum += text->size();
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& one : *array) sum += weight_of(one);
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) sum += member.key().size() + weight_of(member.value());
  }
  return sum;
}

/// Builds the value and its lines from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(const Budgets& budgets, MeteredBuffer& buffer) : budgets_(budgets), buffer_(buffer) {}

  Document take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    scalar(mark, json::value(), "null", anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool plain = tag == "?" || tag.empty();
    const bool typed = tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" ||
                       tag == "tag:yaml.org,2002:bool" || tag == "tag:yaml.org,2002:null";
    if (!plain && !typed) return scalar(mark, json::value(json::string(text)), {}, anchor);
    std::optional<json::value> value = plain_scalar(text);
    if (!value) stop(mark, fmt::format("{} cannot be written as JSON", text));
    scalar(mark, std::move(*value), text, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    buffer_.event();
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "an alias inside the node that it names");
    alias_nodes_ += found->second.nodes;
    if (alias_nodes_ > budgets_.alias_nodes_max) {
      stop(mark, fmt::format("aliases expand to more than {} nodes", budgets_.alias_nodes_max));
    }
    copied(mark, found->second.weight);
    if (frames_.size() + found->second.depth > budgets_.depth_max) too_deep(mark);
    if (expects_key()) return key(mark, found->second.value);
    Lines lines = found->second.lines;
    lines.line = mark.line + 1;
    place(json::value(found->second.value), std::move(lines));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, json::value(json::array()), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, json::value(json::object()), anchor);
  }
  void OnMapEnd() override {
    merge(frames_.back());
    close();
  }

 private:
  struct Frame {
    json::value value;
    Lines lines;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    std::string key;  // of the member that comes next
    int key_line = 0;
    bool has_key = false;
    std::vector<std::pair<json::value, Lines>> merged;  // values of "<<"
    std::size_t depth = 1;                              // levels below and including this one
  };
  struct Anchored {
    json::value value;
    Lines lines;
    std::size_t nodes = 1;
    std::size_t depth = 1;
    std::size_t weight = 0;
  };

  bool expects_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().has_key;
  }
  [[noreturn]] void too_deep(const YAML::Mark& mark) {
    stop(mark, fmt::format("nested deeper than {}", budgets_.depth_max));
  }

  void copied(const YAML::Mark& mark, std::size_t bytes) {
    copied_ += bytes;
    if (copied_ > kCopiedBytesMax)
      stop(mark, fmt::format("anchors and aliases add more than {} bytes", kCopiedBytesMax));
  }

  void scalar(const YAML::Mark& mark, json::value value, std::string_view text,
              YAML::anchor_t anchor) {
    buffer_.event();
    if (anchor != 0) {
      const std::size_t weight = weight_of(value);
      copied(mark, weight);
      anchors_[anchor] = {value, {mark.line + 1, {}}, 1, 1, weight};
    }
    if (!expects_key()) return place(std::move(value), {mark.line + 1, {}});
    if (value.is_null() && text != "null") stop(mark, "a key is empty");
    // A key that looks like a number or a boolean is the string that was written.
    key(mark, value.is_string() ? value : json::value(json::string(text)));
  }
  void key(const YAML::Mark& mark, const json::value& value) {
    Frame& frame = frames_.back();
    if (!value.is_string()) stop(mark, "a key must be a string");
    frame.key = std::string(value.get_string());
    frame.key_line = mark.line + 1;
    frame.has_key = true;
    if (frame.key != "<<" && frame.value.get_object().contains(frame.key)) {
      stop(mark, fmt::format("key \"{}\" is given twice", shortened(frame.key, 120)));
    }
  }
  void open(const YAML::Mark& mark, json::value value, YAML::anchor_t anchor) {
    buffer_.event();
    if (expects_key()) stop(mark, "a key must be a string");
    if (frames_.size() >= budgets_.depth_max) too_deep(mark);
    Frame& frame = frames_.emplace_back();
    frame.value = std::move(value);
    frame.lines.line = mark.line + 1;
    frame.mark = mark;
    frame.anchor = anchor;
  }
  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.anchor != 0) {
      const std::size_t weight = weight_of(frame.value);
      copied(frame.mark, weight);
      anchors_[frame.anchor] = {frame.value, frame.lines, count_nodes(frame.lines), frame.depth,
                                weight};
    }
    if (!frames_.empty()) frames_.back().depth = std::max(frames_.back().depth, frame.depth + 1);
    place(std::move(frame.value), std::move(frame.lines));
  }
  void place(json::value value, Lines lines) {
    if (++nodes_ > budgets_.nodes_max)
      throw Stop{
          {lines.line, fmt::format("more than {} values in a document", budgets_.nodes_max)}};
    if (frames_.empty()) {
      document_ = {std::move(value), std::move(lines)};
      return;
    }
    Frame& frame = frames_.back();
    if (json::array* array = frame.value.if_array()) {
      array->push_back(std::move(value));
      frame.lines.children.push_back(std::move(lines));
      return;
    }
    frame.has_key = false;
    lines.line = frame.key_line;
    if (frame.key == "<<") {
      frame.merged.emplace_back(std::move(value), std::move(lines));
      return;
    }
    frame.value.get_object().emplace(frame.key, std::move(value));
    frame.lines.children.push_back(std::move(lines));
  }
  /// "<<": members of other maps, where this one does not have them. Source: yaml.org/type/merge.
  void merge(Frame& frame) {
    for (auto& [value, lines] : frame.merged) {
      if (const json::array* maps = value.if_array()) {
        for (std::size_t i = 0; i < maps->size(); ++i) {
          merge_one(frame, (*maps)[i], lines.children[i], lines.line);
        }
      } else {
        merge_one(frame, value, lines, lines.line);
      }
    }
  }
  void merge_one(Frame& frame, const json::value& value, const Lines& lines, int line) {
    const json::object* map = value.if_object();
    if (map == nullptr) throw Stop{{line, "the value of << must be a map"}};
    std::size_t index = 0;
    for (const auto& member : *map) {
      const Lines& at = lines.children[index++];
      if (frame.value.get_object().emplace(member.key(), member.value()).second) {
        frame.lines.children.push_back(at);
      }
    }
  }

  const Budgets& budgets_;
  MeteredBuffer& buffer_;
  Document document_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
  std::size_t copied_ = 0;  // bytes, by anchors and aliases
};

}  // namespace

Outcome<Document> parse_yaml(std::string_view bytes, const Budgets& budgets) {
  Outcome<Document> outcome;
  if (const std::size_t bad = first_bad_byte(bytes); bad != std::string_view::npos) {
    outcome.problem = {line_of(bytes, bad), "not valid UTF-8"};
    return outcome;
  }
  try {
    MeteredBuffer buffer(bytes);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    Builder builder(budgets, buffer);
    parser.HandleNextDocument(builder);
    outcome.value = builder.take();
  } catch (const Stop& stopped) {
    outcome.problem = stopped.problem;
  } catch (const YAML::Exception& failed) {
    outcome.problem = {failed.mark.is_null() ? 1 : failed.mark.line + 1,
                       fmt::format("YAML: {}", failed.msg)};
  } catch (const std::bad_alloc&) {
    throw;  // not the text's fault: nothing about it may be kept
  } catch (const std::exception& failed) {
    outcome.problem = {1, fmt::format("YAML: {}", failed.what())};
  }
  return outcome;
}

}  // namespace tidegate::config::yaml
