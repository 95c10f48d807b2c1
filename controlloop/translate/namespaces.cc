#include "controlloop/translate/namespaces.h"

#include "config/kinds/core/namespace.h"

namespace tidegate::controlloop::translate {

bool namespace_allowed(const config::ObjectSet& objects, const config::NamespaceChoice& choice,
                       const std::string& own, const std::string& other) {
  switch (choice.from) {
    case config::FromNamespaces::kAll:
      return true;
    case config::FromNamespaces::kSame:
      return own == other;
    case config::FromNamespaces::kNone:
      return false;
    case config::FromNamespaces::kSelector:
      break;
  }
  if (!choice.selector) return false;
  std::map<std::string, std::string> labels;
  if (const auto* found = objects.find<config::Namespace>("", other)) labels = found->meta.labels;
  labels["kubernetes.io/metadata.name"] = other;
  return choice.selector->matches(labels);
}

}  // namespace tidegate::controlloop::translate
