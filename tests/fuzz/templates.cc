#include <boost/json/parse.hpp>
#include <string>

#include "proxy/template/template.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

class SomeMessage final : public templates::Values {
 public:
  std::string_view header(std::string_view name) override {
    return name == ":path" ? "/a/b?c=d" : name == "accept" ? "text/html, */*;q=0.1" : "";
  }
  std::string_view request_header(std::string_view name) override {
    return name == "cookie" ? "a=b; c=d" : header(name);
  }
  std::string_view body() override { return R"({"a": 1})"; }
  const boost::json::value* json() override {
    static const boost::json::value body = boost::json::parse(
        R"({"a": 1, "b": [1.5, "x", null, {"c": true}], "name": "\u00e9\ud83d\ude00", "n": -3})");
    return &body;
  }
  std::uint64_t random() override { return 4; }
};

}  // namespace

/// A template: it prints the same each time, within its limits, or says what is wrong.
void templates(std::string_view bytes) {
  const auto compiled = templates::Template::compile(bytes);
  if (compiled.has_error()) {
    must(!compiled.error().text().empty(), "what does not compile has a reason");
    return;
  }
  must(bytes.size() <= templates::kTemplateBytesMax, "a template has a limit");
  templates::Limits limits;
  limits.output_bytes_max = 64 * 1024;
  limits.memory_bytes_max = 1024 * 1024;
  limits.steps_max = 20'000;
  SomeMessage message;
  std::string out;
  std::string error;
  const bool good = compiled->render(message, out, &error, limits);
  must(good == error.empty(), "what fails says why");
  must(out.size() <= limits.output_bytes_max, "an output has a limit");
  if (const std::string* text = compiled->constant())
    must(good && out == *text, "a text is itself");
}

}  // namespace tidegate::fuzz
