// HTTP/1.1 heads: found, read, written.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "proxy/http1/parser.h"
#include "proxy/http1/serializer.h"

using namespace tidegate::proxy;

namespace {

const std::string kSmall = "GET /?size=64 HTTP/1.1\r\nHost: www.example.com\r\n\r\n";

/// A browser's: 20 fields.
const std::string& browser() {
  static const std::string head = [] {
    std::string out = "GET /cart/items?page=2 HTTP/1.1\r\nHost: www.example.com\r\n";
    for (int i = 0; i < 19; ++i)
      out += "x-header-" + std::to_string(i) + ": " + std::string(20 + i * 3, 'v') + "\r\n";
    return out + "\r\n";
  }();
  return head;
}

const std::string kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: shop\r\n\r\n";

void parse(benchmark::State& state, const std::string& bytes) {
  http::RequestHead head;
  for (auto _ : state) {
    head.clear();
    const std::size_t size = http1::find_head_end(bytes, 0);
    if (http1::parse_request_head({bytes.data(), size}, {}, head))
      throw std::runtime_error("the head is refused");
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}

void request_head_small(benchmark::State& state) { parse(state, kSmall); }
void request_head_of_a_browser(benchmark::State& state) { parse(state, browser()); }

void response_head(benchmark::State& state) {
  for (auto _ : state) {
    http::ResponseHead head;
    if (http1::parse_response_head(kAnswer, {}, "GET", head))
      throw std::runtime_error("the head is refused");
    benchmark::DoNotOptimize(head);
  }
}

void write_request_head_of_a_browser(benchmark::State& state) {
  http::RequestHead head;
  if (http1::parse_request_head(browser(), {}, head))
    throw std::runtime_error("the head is refused");
  std::string out;
  for (auto _ : state) {
    out.clear();
    http1::write_request_head(head, out);
    benchmark::DoNotOptimize(out.data());
  }
}

void write_response_head(benchmark::State& state) {
  http::ResponseHead head;
  if (http1::parse_response_head(kAnswer, {}, "GET", head))
    throw std::runtime_error("the head is refused");
  std::string out;
  for (auto _ : state) {
    out.clear();
    http1::write_response_head(head, http::Version::kHttp11, false, false, "", out);
    benchmark::DoNotOptimize(out.data());
  }
}

BENCHMARK(request_head_small);
BENCHMARK(request_head_of_a_browser);
BENCHMARK(response_head);
BENCHMARK(write_request_head_of_a_browser);
BENCHMARK(write_response_head);

}  // namespace

BENCHMARK_MAIN();
