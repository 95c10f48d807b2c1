#include <fmt/format.h>

#include "config/yaml/document.h"

namespace tidegate::config::yaml {
namespace {

enum class LineKind { kBlank, kComment, kDirective, kStart, kEnd, kContent };

LineKind kind_of(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.substr(0, 3) == "---" || line.substr(0, 3) == "...") {
    const bool alone = line.size() == 3 || line[3] == ' ' || line[3] == '\t';
    if (alone) return line[0] == '-' ? LineKind::kStart : LineKind::kEnd;
  }
  if (!line.empty() && line.front() == '%') return LineKind::kDirective;
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return LineKind::kBlank;
  return line[first] == '#' ? LineKind::kComment : LineKind::kContent;
}

/// Whether a "---" line has more than a comment after the marker.
bool has_content(std::string_view marker_line) {
  const std::size_t first = marker_line.find_first_not_of(" \t\r", 3);
  return first != std::string_view::npos && marker_line[first] != '#';
}

}  // namespace

Outcome<std::vector<Piece>> split(std::string_view bytes, const Budgets& budgets) {
  Outcome<std::vector<Piece>> outcome;
  if (bytes.size() > budgets.file_bytes_max) {
    outcome.problem = {1, fmt::format("the file has {} bytes, more than {}", bytes.size(),
                                      budgets.file_bytes_max)};
    return outcome;
  }
  std::vector<Piece> pieces;
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);

  std::size_t begin = 0;  // of the piece at hand
  int first_line = 1;     //
  bool content = false;   // it has something to parse
  bool started = false;   // it has content or a "---" already; directives come before
  const auto finish = [&](std::size_t end) {
    if (content) pieces.push_back({bytes.substr(begin, end - begin), first_line});
    content = started = false;
  };
  int line_number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    ++line_number;
    const std::size_t newline = bytes.find('\n', at);
    const std::size_t next = newline == std::string_view::npos ? bytes.size() : newline + 1;
    const std::string_view line =
        bytes.substr(at, (newline == std::string_view::npos ? next : newline) - at);
    switch (kind_of(line)) {
      case LineKind::kStart:
        if (started) {
          finish(at);
          begin = at;
          first_line = line_number;
        }
        started = true;
        content = content || has_content(line);
        break;
      case LineKind::kEnd:
        finish(at);
        begin = next;
        first_line = line_number + 1;
        break;
      case LineKind::kContent:
        content = started = true;
        break;
      case LineKind::kDirective:  // after content it is text of a scalar
        content = content || started;
        break;
      case LineKind::kBlank:
      case LineKind::kComment:
        break;
    }
    if (pieces.size() > budgets.documents_max) {
      outcome.problem = {line_number,
                         fmt::format("more than {} documents in a file", budgets.documents_max)};
      return outcome;
    }
    at = next;
  }
  finish(bytes.size());
  outcome.value = std::move(pieces);
  return outcome;
}

DocumentCache::Entry DocumentCache::get(std::string_view bytes, Syntax syntax) {
  std::string key(1, syntax == Syntax::kYaml ? 'y' : 'j');
  key += bytes;
  if (const auto known = entries_.find(key); known != entries_.end()) return known->second;
  auto parsed = std::make_shared<const Outcome<Document>>(
      syntax == Syntax::kYaml ? parse_yaml(bytes, budgets_) : parse_json(bytes, budgets_));
  return entries_.emplace(std::move(key), std::move(parsed)).first->second;
}

void DocumentCache::sweep() {
  std::erase_if(entries_, [](const auto& slot) { return slot.second.use_count() == 1; });
}

}  // namespace tidegate::config::yaml
