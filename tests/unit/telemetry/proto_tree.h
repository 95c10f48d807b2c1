#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/rpc/protobuf.h"

/// Messages read back by their field numbers, for tests.
struct ProtoTree {
  explicit ProtoTree(std::string bytes_in) : bytes(std::move(bytes_in)) {}
  std::string bytes;

  std::vector<std::string> all(std::uint32_t field) const {
    std::vector<std::string> out;
    tidegate::proxy::rpc::ProtoReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == field) out.emplace_back(reader.bytes());
    }
    return out;
  }
  ProtoTree at(std::uint32_t field) const {
    const std::vector<std::string> found = all(field);
    return ProtoTree(found.empty() ? std::string() : found.back());
  }
  std::uint64_t number(std::uint32_t field) const {
    std::uint64_t out = 0;
    tidegate::proxy::rpc::ProtoReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == field) out = reader.number();
    }
    return out;
  }
  bool whole() const {
    tidegate::proxy::rpc::ProtoReader reader(bytes);
    while (reader.next()) {
    }
    return !reader.malformed();
  }
  /// Of a list of KeyValue; "(none)" where there is no such key.
  std::string attribute(std::uint32_t field, std::string_view key) const {
    for (const std::string& one : all(field)) {
      const ProtoTree pair(one);
      if (pair.at(1).bytes == key) return pair.at(2).at(1).bytes;
    }
    return "(none)";
  }
};
