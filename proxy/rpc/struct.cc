#include "proxy/rpc/struct.h"

#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace tidegate::proxy::rpc {
namespace {

namespace json = boost::json;

constexpr int kDepthMax = 32;

bool read_object(std::string_view bytes, json::object& out, int depth);

bool read_value(std::string_view bytes, json::value& out, int depth) {
  if (depth > kDepthMax) return false;
  ProtoReader reader(bytes);
  out = nullptr;
  while (reader.next()) {
    bool good = true;
    switch (reader.field()) {
      case 2:
        out = std::bit_cast<double>(reader.number());
        break;
      case 3:
        out = reader.bytes();
        break;
      case 4:
        out = reader.number() != 0;
        break;
      case 5:
        good = read_object(reader.bytes(), out.emplace_object(), depth + 1);
        break;
      case 6: {
        json::array& list = out.emplace_array();
        ProtoReader items(reader.bytes());
        while (items.next()) {
          if (items.field() != 1) continue;
          if (!read_value(items.bytes(), list.emplace_back(nullptr), depth + 1)) return false;
        }
        good = !items.malformed();
        break;
      }
      default:
        break;
    }
    if (!good) return false;
  }
  return !reader.malformed();
}

bool read_object(std::string_view bytes, json::object& out, int depth) {
  if (depth > kDepthMax) return false;
  ProtoReader fields(bytes);
  while (fields.next()) {
    if (fields.field() != 1) continue;
    ProtoReader entry(fields.bytes());
    std::string_view name;
    std::string_view value;
    while (entry.next()) {
      if (entry.field() == 1) name = entry.bytes();
      if (entry.field() == 2) value = entry.bytes();
    }
    if (entry.malformed() || !read_value(value, out[name], depth + 1)) return false;
  }
  return !fields.malformed();
}

ProtoWriter write_value(const json::value& value) {
  ProtoWriter out;
  if (value.is_bool()) {
    out.number(4, value.get_bool() ? 1 : 0);
    if (!value.get_bool()) out.explicit_zero(4);
  } else if (value.is_string()) {
    if (value.get_string().empty()) {
      out.message(3, ProtoWriter());
    } else {
      out.bytes(3, value.get_string());
    }
  } else if (value.is_number()) {
    out.real(2, value.to_number<double>());
  } else if (value.is_object()) {
    out.message(5, encode_struct(value.get_object()));
  } else if (value.is_array()) {
    ProtoWriter list;
    for (const json::value& one : value.get_array()) list.message(1, write_value(one));
    out.message(6, list);
  } else {
    out.explicit_zero(1);
  }
  return out;
}

}  // namespace

bool decode_struct(std::string_view bytes, json::object& out) { return read_object(bytes, out, 0); }

ProtoWriter encode_struct(const json::object& object) {
  ProtoWriter out;
  for (const auto& [name, value] : object) {
    ProtoWriter entry;
    entry.bytes(1, name);
    entry.message(2, write_value(value));
    out.message(1, entry);
  }
  return out;
}

}  // namespace tidegate::proxy::rpc
