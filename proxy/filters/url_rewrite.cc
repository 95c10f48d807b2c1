#include "proxy/filters/chain.h"
#include "proxy/filters/path_modifier.h"

namespace tidegate::proxy::filters {
namespace {

class Rewrite final : public Filter {
 public:
  explicit Rewrite(UrlRewrite config) : config_(std::move(config)) {}
  Verdict request(Call& call) const override {
    if (config_.hostname) call.request.authority = *config_.hostname;
    if (config_.path && call.match)
      call.request.path = modified_path(*config_.path, *call.match, call.request.path, call.arena);
    return Verdict::kContinue;
  }

 private:
  UrlRewrite config_;
};

}  // namespace

FilterPtr compile(const UrlRewrite& from, const CompileContext&) {
  return std::make_shared<Rewrite>(from);
}

}  // namespace tidegate::proxy::filters
