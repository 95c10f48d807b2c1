// From YAML to a snapshot: a Gateway, a Service and so many HTTPRoutes.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "config/directory.h"
#include "controlloop/translate/translate.h"

using namespace tidegate;

namespace {

std::string configuration(std::int64_t routes) {
  std::string out = R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: kgateway, listeners: [{name: http, protocol: HTTP, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{port: 80}], type: ExternalName, externalName: shop.example}
)";
  for (std::int64_t i = 0; i < routes; ++i) {
    const std::string number = std::to_string(i);
    out += "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
           number + "}\nspec:\n  parentRefs: [{name: g}]\n  hostnames: [h" + number +
           ".example.com]\n  rules:\n    - matches: [{path: {value: /a}}]\n"
           "      backendRefs: [{name: shop, port: 80}]\n";
  }
  return out;
}

void read_documents(benchmark::State& state) {
  const std::string text = configuration(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(config::load_text(text).objects);
}

void translate(benchmark::State& state) {
  const config::LoadResult loaded = config::load_text(configuration(state.range(0)));
  for (auto _ : state) {
    const auto made = controlloop::translate::translate(*loaded.objects, {});
    if (made.snapshot->listeners.empty()) throw std::runtime_error("nothing is served");
    benchmark::DoNotOptimize(made.snapshot);
  }
}

BENCHMARK(read_documents)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(translate)->Arg(100)->Arg(1000)->Arg(5000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
