#include "config/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "config/fields/fields.h"
#include "config/fields/object.h"
#include "config/yaml/utf8.h"

namespace tidegate::config {
namespace json = boost::json;

namespace {

constexpr std::size_t kShown = 260;          // of a name that may not be valid
constexpr std::size_t kFindingsMax = 10000;  // that are held of a file
constexpr std::size_t kProblemsMax = 1000;   // that are told of a file

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

/// A UUID that is the same for the same object in every run.
std::string derived_uid(const Kind& kind, const Meta& meta) {
  const std::string name =
      fmt::format("{}/{}/{}/{}", kind.group, kind.kind, meta.namespace_, meta.name);
  const std::uint64_t a = fnv1a(name, 0xcbf29ce484222325U);
  const std::uint64_t b = fnv1a(name, a ^ 0x9e3779b97f4a7c15U);
  return fmt::format("{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}", a >> 32U, a >> 16U & 0xFFFFU,
                     a & 0xFFFU, 0x8000U | (b >> 48U & 0x3FFFU), b & 0xFFFFFFFFFFFFU);
}

bool is_body(json::string_view key) {
  return key != "apiVersion" && key != "kind" && key != "metadata" && key != "status";
}

/// Whether two objects differ in what generation counts.
bool body_differs(const json::value& a, const json::value& b) {
  if (!a.is_object() || !b.is_object()) return a != b;
  const auto covers = [](const json::object& x, const json::object& y) {
    return std::all_of(x.begin(), x.end(), [&](const auto& member) {
      if (!is_body(member.key())) return true;
      const json::value* other = y.if_contains(member.key());
      return other != nullptr && *other == member.value();
    });
  };
  return !covers(a.get_object(), b.get_object()) || !covers(b.get_object(), a.get_object());
}

Problem problem_of(const fields::Finding& finding, const Meta& meta, const std::string& file,
                   int lines_before) {
  return {finding.severity, file,           lines_before + finding.line, meta.kind, meta.namespace_,
          meta.name,        finding.message};
}

/// Takes what an object's findings need of `room`. Where there is none left, one of them is held:
/// an error, if there is any.
/// Returns whether all are.
bool hold(std::vector<fields::Finding>& findings, std::size_t& room) {
  const bool all = findings.size() <= std::max<std::size_t>(room, 1);
  if (!all) {
    auto one = std::find_if(findings.begin(), findings.end(), [](const fields::Finding& finding) {
      return finding.severity == Severity::kError;
    });
    if (one == findings.end()) one = findings.begin();
    one->message += fmt::format(" (and {} more)", findings.size() - 1);
    findings = std::vector<fields::Finding>{std::move(*one)};  // and no room for more
  }
  room -= std::min(room, findings.size());
  return all;
}

}  // namespace

void Assembler::decode_node(DecodedDocument& out, const fields::Node& node, std::size_t& room) {
  const auto report = [&](Severity severity, std::string message, const Meta& meta) {
    Meta about = meta;  // only to be told, and of any length
    about.kind = yaml::shortened(meta.kind, kShown);
    about.name = yaml::shortened(meta.name, kShown);
    about.namespace_ = yaml::shortened(meta.namespace_, kShown);
    out.findings.push_back(
        {{severity, node.line(), yaml::shortened(message, fields::Findings::kMessageMax)}, about});
  };
  if (node.value->is_null()) return;
  if (!node.value->is_object()) {
    return report(Severity::kError, "not an object: expected apiVersion, kind and metadata", {});
  }
  const Meta meta = fields::peek_meta(node);
  if (meta.kind.empty()) return report(Severity::kError, "kind: Required value", meta);
  if (meta.api_version.empty()) return report(Severity::kError, "apiVersion: Required value", meta);

  const std::string group = group_of(meta.api_version);
  const std::string_view kind_name = meta.kind;
  const bool is_list =
      kind_name == "List" ||
      (kind_name.ends_with("List") && find_kind(group, kind_name.substr(0, kind_name.size() - 4)));
  if (is_list) {
    for (std::size_t i = 0; i < fields::size_of(node); ++i) {
      if (fields::key_of(node, i) != "items") continue;
      const fields::Node items = fields::element(node, i);
      if (!items.value->is_array()) {
        if (items.value->is_null()) return;
        return report(Severity::kError, "items: must be a list", meta);
      }
      for (std::size_t k = 0; k < fields::size_of(items); ++k) {
        decode_node(out, fields::element(items, k), room);
      }
    }
    return;
  }

  const Kind* kind = find_kind(group, kind_name);
  if (kind == nullptr) {
    ++out.ignored;
    if (is_our_group(group)) {
      report(Severity::kWarning,
             fmt::format("no kind \"{}\" in group {}: the object is ignored", kind_name, group),
             meta);
    }
    return;
  }
  const std::string version = version_of(meta.api_version);
  if (std::find(kind->versions.begin(), kind->versions.end(), version) == kind->versions.end()) {
    return report(
        Severity::kError,
        fmt::format("no matches for kind \"{}\" in version \"{}\", try \"{}{}{}\"", kind_name,
                    meta.api_version, group, group.empty() ? "" : "/", kind->versions.front()),
        meta);
  }
  Item& item = out.items.emplace_back();
  item.kind = kind;
  item.decoded = kind->decode(*kind, node);
  if (!hold(item.decoded.findings, room)) out.cut = true;
  item.raw = {out.parsed, node.value};
  item.lines = {out.parsed, node.lines};
  if (item.decoded.meta.name.empty()) {  // nothing to file it under
    for (fields::Finding& finding : item.decoded.findings) {
      out.findings.push_back({std::move(finding), item.decoded.meta});
    }
    out.items.pop_back();
  }
}

Assembler::DecodedDocument& Assembler::decode(const yaml::DocumentCache::Entry& parsed,
                                              std::size_t& room) {
  auto slot = decoded_.find(parsed.get());
  const auto outdated = [room](const DecodedDocument& one) {  // more is wrong before it, or less
    return (one.cut && one.room < room) || (one.held > room && one.room > room);
  };
  if (slot != decoded_.end() && outdated(slot->second)) {
    decoded_.erase(slot);
    slot = decoded_.end();
  }
  if (slot != decoded_.end()) {
    room -= std::min(room, slot->second.held);
  } else {
    DecodedDocument fresh;  // filed when it is whole: memory may be short in the middle
    fresh.parsed = parsed;
    fresh.room = room;
    const yaml::Document& content = *parsed->value;
    decode_node(fresh, {&content.root, &content.lines}, room);
    fresh.held = fresh.room - room;
    slot = decoded_.emplace(parsed.get(), std::move(fresh)).first;
  }
  slot->second.used = times_;
  return slot->second;
}

std::shared_ptr<const Object> Assembler::make_object(const Item& item, const std::string& file,
                                                     int lines_before) const {
  const Meta& decoded = item.decoded.meta;
  if (item.made && item.made->lines_before == lines_before && item.made->meta.file == file)
    return item.made;
  const Object* before =
      last_ ? last_->object(item.kind->kind, decoded.namespace_, decoded.name) : nullptr;
  auto object = std::make_shared<Object>();
  object->kind = item.kind;
  object->meta = decoded;
  object->raw = item.raw;
  object->lines = item.lines;
  object->lines_before = lines_before;
  Meta& meta = object->meta;
  meta.file = file;
  meta.line = lines_before + decoded.line;
  if (meta.uid.empty()) meta.uid = derived_uid(*item.kind, meta);
  if (meta.generation == 0) {
    meta.generation = 1;
    if (before != nullptr) {
      meta.generation = before->meta.generation + (body_differs(*before->raw, *item.raw) ? 1 : 0);
    }
  }
  for (const fields::Finding& finding : item.decoded.findings) {
    object->problems.push_back(problem_of(finding, meta, file, lines_before));
    if (finding.severity == Severity::kError) object->valid = false;
  }
  object->typed = item.kind->with_meta(item.decoded.typed, meta);
  return object;
}

void Assembler::add_file(ObjectSet& set, const SourceFile& source, ConfigFile& file) {
  file.path = source.path;
  file.state = source.state;
  file.problems = source.problems;
  const auto by_line = [](const Problem& a, const Problem& b) { return a.line < b.line; };
  std::size_t room = kFindingsMax;
  for (const PlacedDocument& placed : source.documents) {
    DecodedDocument& document = decode(placed.parsed, room);
    file.ignored += document.ignored;
    for (const DocumentFinding& f : document.findings) {
      file.problems.push_back(problem_of(f.finding, f.meta, source.path, placed.lines_before));
    }
    for (Item& item : document.items) {
      std::shared_ptr<const Object> object = make_object(item, source.path, placed.lines_before);
      if (set.add(object)) {
        item.made = object;
        ++file.objects;
        file.problems.insert(file.problems.end(), object->problems.begin(), object->problems.end());
        continue;
      }
      const Meta& meta = object->meta;
      const Object* kept = set.object(item.kind->kind, meta.namespace_, meta.name);
      // Two files of the same bytes share the item: what it made may be of the other one.
      if (item.made.get() != kept) item.made.reset();
      const Meta& first = kept->meta;
      file.problems.push_back(
          {Severity::kError, source.path, meta.line, meta.kind, meta.namespace_, meta.name,
           fmt::format("is already given in {}:{}, which is kept", first.file, first.line)});
    }
  }
  std::stable_sort(file.problems.begin(), file.problems.end(), by_line);
  if (file.problems.size() <= kProblemsMax) return;
  std::stable_partition(file.problems.begin(), file.problems.end(),
                        [](const Problem& one) { return one.severity == Severity::kError; });
  // One that is not told must not look like none.
  const auto rest = file.problems.begin() + static_cast<std::ptrdiff_t>(kProblemsMax);
  const bool error = std::any_of(rest, file.problems.end(), [](const Problem& one) {
    return one.severity == Severity::kError;
  });
  Problem more{error ? Severity::kError : Severity::kWarning,
               source.path,
               rest->line,
               {},
               {},
               {},
               fmt::format("{} more problems in this file", file.problems.end() - rest)};
  file.problems.resize(kProblemsMax);
  std::stable_sort(file.problems.begin(), file.problems.end(), by_line);
  file.problems.push_back(std::move(more));
}

LoadResult Assembler::assemble(const std::vector<const SourceFile*>& files,
                               std::vector<Problem> problems) {
  ++times_;
  auto set = std::make_shared<ObjectSet>();
  LoadResult result;
  result.problems = std::move(problems);
  result.files.reserve(files.size());
  for (const SourceFile* source : files) {
    ConfigFile& file = result.files.emplace_back();
    add_file(*set, *source, file);
    result.problems.insert(result.problems.end(), file.problems.begin(), file.problems.end());
  }
  std::erase_if(decoded_, [this](const auto& slot) { return slot.second.used != times_; });

  result.changed =
      !last_ || last_problems_ != result.problems || last_->objects() != set->objects();
  if (result.changed) {
    last_ = std::move(set);
    last_problems_ = result.problems;
  }
  result.objects = last_;
  return result;
}

}  // namespace tidegate::config
