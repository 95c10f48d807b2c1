#pragma once

#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace tidegate::proxy {

/// The settings of one filter, whatever its kind: a described struct, copied and compared as a
/// value. Who holds one need not know the kinds, so that a new filter rebuilds little; their list
/// is all_filter_settings.h.
class FilterSettings {
 public:
  FilterSettings() = default;
  template <class T, class = std::enable_if_t<!std::is_same_v<std::decay_t<T>, FilterSettings>>>
  explicit FilterSettings(T value) : held_(std::make_shared<const Holder<T>>(std::move(value))) {}

  /// Null where it is another kind.
  template <class T>
  const T* get() const {
    const auto* holder = dynamic_cast<const Holder<T>*>(held_.get());
    return holder ? &holder->value : nullptr;
  }
  bool operator==(const FilterSettings& other) const {
    return held_ == other.held_ || (held_ && other.held_ && held_->equals(*other.held_));
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual bool equals(const Base& other) const = 0;
  };
  template <class T>
  struct Holder final : Base {
    explicit Holder(T value_in) : value(std::move(value_in)) {}
    bool equals(const Base& other) const override {
      const auto* same = dynamic_cast<const Holder*>(&other);
      return same && same->value == value;
    }
    T value;
  };

  std::shared_ptr<const Base> held_;
};

}  // namespace tidegate::proxy
