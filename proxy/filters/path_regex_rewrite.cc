#include <re2/re2.h>

#include "proxy/filters/table.h"

namespace tidegate::proxy::filters {
namespace {

/// Source: Envoy's regex_rewrite of a route.
class PathRegex final : public Filter {
 public:
  explicit PathRegex(const PathRegexRewrite& config)
      : pattern_(config.pattern, options()), substitution_(config.substitution) {}

  Verdict request(Call& call) const override {
    if (!pattern_.ok()) return Verdict::kContinue;
    const std::string_view whole = call.request.path;
    const std::string_view path = whole.substr(0, whole.find('?'));
    std::string changed(path);
    if (re2::RE2::GlobalReplace(&changed, pattern_, substitution_) == 0) return Verdict::kContinue;
    if (changed.empty() || changed.front() != '/') changed.insert(0, "/");
    changed.append(whole.substr(path.size()));
    call.request.path = call.arena.copy(changed);
    return Verdict::kContinue;
  }

 private:
  static re2::RE2::Options options() {
    re2::RE2::Options out;
    out.set_log_errors(false);
    out.set_max_mem(1 << 20U);
    return out;
  }

  re2::RE2 pattern_;
  std::string substitution_;
};

}  // namespace

FilterPtr compile(const PathRegexRewrite& from, const CompileContext&) {
  return std::make_shared<PathRegex>(from);
}

}  // namespace tidegate::proxy::filters
