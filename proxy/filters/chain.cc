#include "proxy/filters/chain.h"

#include "proxy/filters/table.h"

namespace tidegate::proxy::filters {

Task<bool> run_response(const Chain& chain, Call& call, http::ResponseHead& head) {
  for (auto filter = chain.rbegin(); filter != chain.rend(); ++filter) {
    Verdict verdict = (*filter)->response(call, head);
    if (verdict == Verdict::kWait) verdict = co_await (*filter)->response_waiting(call, head);
    if (verdict == Verdict::kReply) co_return false;
  }
  co_return true;
}

FilterPtr Compiler::one(const proxy::Filter& filter) {
  return std::visit(
      [this](const auto& from) -> FilterPtr {
        using From = std::decay_t<decltype(from)>;
        if constexpr (std::is_same_v<From, RequestMirror>) {
          return nullptr;  // copies what the backend gets: the exchange's business
        } else if constexpr (std::is_same_v<From, SharedFilter>) {
          return shared(from.name);
        } else {
          return compile(from, context_);
        }
      },
      filter);
}

FilterPtr Compiler::shared(const std::string& name) {
  auto [known, is_new] = shared_.try_emplace(name);
  auto found = context_.snapshot.shared_filters.find(name);
  if (is_new && found != context_.snapshot.shared_filters.end()) {
    const CompileContext context{context_.snapshot, context_.kept, name, &places_};
    visit(found->second,
          [&](const char*, const auto& from) { known->second = compile(from, context); });
  }
  return known->second;
}

ChainPtr Compiler::chain(const std::vector<proxy::Filter>& filters) {
  if (filters.empty()) return nullptr;
  std::vector<std::string> names;
  for (const proxy::Filter& filter : filters) {
    if (const auto* shared = std::get_if<SharedFilter>(&filter)) names.push_back(shared->name);
  }
  const bool all_shared = names.size() == filters.size();
  if (all_shared) {
    if (auto known = chains_.find(names); known != chains_.end()) return known->second;
  }
  auto out = std::make_shared<Chain>();
  for (const proxy::Filter& filter : filters) {
    if (FilterPtr made = one(filter)) out->push_back(std::move(made));
  }
  ChainPtr made = out->empty() ? nullptr : std::move(out);
  if (all_shared) chains_.emplace(std::move(names), made);
  return made;
}

}  // namespace tidegate::proxy::filters
