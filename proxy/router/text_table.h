#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::proxy::router {

/// Texts to numbers, for tables that are much larger than a cache: a look-up touches one slot and
/// one record, in which text and value stand together. `scope` tells the texts of one table apart,
/// so that many small tables are one large one.
class TextTable {
 public:
  struct Value {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
  };

  /// Replaces none: the first of equal keys stays. Pointers from find() end here.
  void add(std::uint32_t scope, std::string_view text, Value value);

  /// Null where there is none.
  const Value* find(std::uint32_t scope, std::string_view text) const {
    if (slots_.empty()) return nullptr;
    const std::uint32_t hash = hash_of(scope, text);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.record == 0) return nullptr;
      if (slot.hash != hash) continue;
      const Record& record = *record_at(slot.record);
      if (record.scope == scope && record.size == text.size() &&
          std::memcmp(&record + 1, text.data(), text.size()) == 0)
        return &record.value;
    }
  }
  Value* find(std::uint32_t scope, std::string_view text) {
    return const_cast<Value*>(std::as_const(*this).find(scope, text));
  }
  bool empty() const { return count_ == 0; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t record = 0;  // index into words_, 0: none
  };
  struct Record {  // followed by the text
    Value value;
    std::uint32_t scope = 0;
    std::uint32_t size = 0;
  };

  static std::uint32_t hash_of(std::uint32_t scope, std::string_view text) {
    // Eight bytes at a time; a product folded in half mixes them all.
    std::uint64_t hash = 0x9e3779b97f4a7c15ULL + scope;
    const char* at = text.data();
    std::size_t left = text.size();
    auto mix = [&hash](std::uint64_t word) {
      const auto product = static_cast<unsigned __int128>(hash ^ word) * 0xd6e8feb86659fd93ULL;
      hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    for (; left >= 8; at += 8, left -= 8) {
      std::uint64_t word;
      std::memcpy(&word, at, 8);
      mix(word);
    }
    std::uint64_t last = text.size();
    for (std::size_t i = 0; i < left; ++i) last = last << 8 | static_cast<unsigned char>(at[i]);
    mix(last);
    return static_cast<std::uint32_t>(hash ^ hash >> 32);
  }
  const Record* record_at(std::uint32_t index) const {
    return reinterpret_cast<const Record*>(words_.data() + index);
  }
  void grow();

  std::vector<Slot> slots_;           // a power of two of them, at most half used
  std::vector<std::uint32_t> words_;  // records, one after the other
  std::size_t count_ = 0;
};

}  // namespace tidegate::proxy::router
