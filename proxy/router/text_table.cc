#include "proxy/router/text_table.h"

#include <utility>

namespace tidegate::proxy::router {

void TextTable::grow() {
  std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 8 : slots_.size() * 2));
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.record == 0) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].record != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

void TextTable::add(std::uint32_t scope, std::string_view text, Value value) {
  if (std::as_const(*this).find(scope, text)) return;
  if ((count_ + 1) * 2 > slots_.size()) grow();
  if (words_.empty()) words_.push_back(0);  // index 0 is nobody's
  const auto index = static_cast<std::uint32_t>(words_.size());
  constexpr std::size_t kHead = sizeof(Record) / sizeof(std::uint32_t);
  words_.resize(words_.size() + kHead + (text.size() + 3) / 4);
  const Record record{value, scope, static_cast<std::uint32_t>(text.size())};
  std::memcpy(words_.data() + index, &record, sizeof record);
  if (!text.empty()) std::memcpy(words_.data() + index + kHead, text.data(), text.size());
  const std::uint32_t hash = hash_of(scope, text);
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].record != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {hash, index};
  ++count_;
}

}  // namespace tidegate::proxy::router
