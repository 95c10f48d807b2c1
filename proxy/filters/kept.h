#pragma once

#include <map>
#include <memory>
#include <string>
#include <typeindex>
#include <utility>

namespace tidegate::proxy::filters {

/// What outlives a snapshot: rate limits' buckets, fetched keys. Found again by the identity of
/// what it belongs to, so that a change elsewhere does not make it anew; gone with the last filter
/// that uses it. Control thread; what is kept must be safe to share among workers.
class Kept {
 public:
  /// The T of that name; `make` gives a new std::shared_ptr<T> where there is none.
  template <class T, class Make>
  std::shared_ptr<T> get(const std::string& name, Make make) {
    std::weak_ptr<void>& slot = slots_[{std::type_index(typeid(T)), name}];
    if (std::shared_ptr<void> found = slot.lock()) return std::static_pointer_cast<T>(found);
    std::shared_ptr<T> made = make();
    slot = made;
    return made;
  }
  /// Forgets what nobody uses any more.
  void sweep() {
    std::erase_if(slots_, [](const auto& slot) { return slot.second.expired(); });
  }

 private:
  std::map<std::pair<std::type_index, std::string>, std::weak_ptr<void>> slots_;
};

}  // namespace tidegate::proxy::filters
