#include "proxy/format/json_format.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdint>

namespace tidegate::proxy::format {
namespace {

namespace json = boost::json;

/// Source: RFC 3629 section 4.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t offset) -> unsigned {
      return i + offset < text.size() ? static_cast<unsigned char>(text[i + offset]) : 0u;
    };
    const unsigned char first = static_cast<unsigned char>(text[i]);
    std::size_t more = 0;
    unsigned low = 0x80, high = 0xbf;  // bounds of the second byte
    if (first < 0x80) {
      ++i;
      continue;
    }
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (at(1) < low || at(1) > high) return false;
    for (std::size_t k = 2; k <= more; ++k) {
      if ((at(k) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

void escaped(unsigned char byte, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  const char code[6] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  out.append(code, sizeof code);
}

}  // namespace

void escape_json(std::string& out, std::size_t begin) {
  bool plain = true;
  bool ascii = true;
  for (std::size_t i = begin; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    plain = plain && byte >= 0x20 && byte != '"' && byte != '\\' && byte < 0x7f;
    ascii = ascii && byte < 0x80;
  }
  if (plain) return;
  thread_local std::string raw;
  raw.assign(out, begin);
  out.resize(begin);
  const bool utf8 = ascii || is_utf8(raw);
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = byte < 0x20 || byte == 0x7f || c == '"' || c == '\\';
    if (!utf8 && (special || byte >= 0x80)) {
      escaped(byte, out);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      escaped(byte, out);
    } else {
      out += c;
    }
  }
}

JsonFormat JsonFormat::compile(const json::value& format, bool omit_empty, std::string& where,
                               Problem& problem) {
  JsonFormat out;
  problem = Problem();
  where.clear();
  out.omit_empty_ = omit_empty;
  out.root_ = compile_node(format, where, problem);
  return out;
}

JsonFormat::Node JsonFormat::compile_node(const json::value& format, std::string& where,
                                          Problem& problem) {
  Node out;
  if (const json::object* object = format.if_object()) {
    out.kind = Node::Kind::kObject;
    std::vector<const json::key_value_pair*> sorted;
    for (const auto& member : *object) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->key() < b->key(); });
    for (const json::key_value_pair* member : sorted) {
      const std::size_t outside = where.size();
      if (outside > 0) where += '.';
      where.append(member->key().data(), member->key().size());
      Node value = compile_node(member->value(), where, problem);
      if (problem) return out;
      where.resize(outside);
      out.members.push_back({json::serialize(json::value(member->key())) + ":", std::move(value)});
    }
  } else if (const json::array* array = format.if_array()) {
    out.kind = Node::Kind::kArray;
    for (const json::value& one : *array) {
      Node value = compile_node(one, where, problem);
      if (problem) return out;
      out.members.push_back({std::string(), std::move(value)});
    }
  } else if (const json::string* text = format.if_string()) {
    out.kind = Node::Kind::kString;
    out.format = Format::compile({text->data(), text->size()}, problem);
  } else {
    out.constant = json::serialize(format);
  }
  return out;
}

void JsonFormat::render(const Values& values, std::string& out) const {
  render_node(root_, values, out);
}

/// False: there is nothing in it.
bool JsonFormat::render_node(const Node& node, const Values& values, std::string& out) const {
  switch (node.kind) {
    case Node::Kind::kConstant:
      out += node.constant;
      return node.constant != "null";
    case Node::Kind::kString:
      return render_string(node.format, values, out);
    case Node::Kind::kObject:
    case Node::Kind::kArray:
      break;
  }
  const bool object = node.kind == Node::Kind::kObject;
  out += object ? '{' : '[';
  bool any = false;
  for (const auto& [key, value] : node.members) {
    const std::size_t before = out.size();
    if (any) out += ',';
    out += key;
    if (!render_node(value, values, out) && omit_empty_ && object) {
      out.resize(before);
    } else {
      any = true;
    }
  }
  out += object ? '}' : ']';
  return any;
}

bool JsonFormat::render_string(const Format& format, const Values& values, std::string& out) const {
  if (format.alone()) {
    const Operation& operation = format.operations()[0];
    const std::size_t before = out.size();
    if (operation.type == Type::kText) out += '"';
    const std::size_t begin = out.size();
    if (!print_value(operation, values, true, out)) {
      out.resize(before);
      out += "null";
      return false;
    }
    if (operation.type != Type::kText) return true;
    const bool empty = out.size() == begin;
    escape_json(out, begin);
    out += '"';
    return !empty;
  }
  out += '"';
  const std::size_t begin = out.size();
  format.render(values, omit_empty_ ? Missing::kNothing : Missing::kDash, out);
  const bool empty = out.size() == begin;
  escape_json(out, begin);
  out += '"';
  return !empty;
}

void JsonFormat::add_needs(const Node& node, Needs& out) {
  out.add(node.format.needs());
  for (const auto& [key, value] : node.members) add_needs(value, out);
}

Needs JsonFormat::needs() const {
  Needs out;
  add_needs(root_, out);
  return out;
}

}  // namespace tidegate::proxy::format
