// docs/gateway-api.md and docs/reference/kgateway-fields.md are made from the field descriptions,
// so that they cannot lie. TIDEGATE_ACCEPT=1 writes what comes out.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/fields/schema.h"
#include "config/kind_table.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/shared.h"

using namespace tidegate::config;
using fields::Effect;
using fields::SchemaField;

namespace {

constexpr char kIntroduction[] =
    R"(# Every field of every kind

What Tidegate does with each field: **works**; **no effect**: accepted, but it changes nothing here, and why; **rejected**:
what uses it is refused, and why. A reference to a kind that is not known, an address of another type than `IPAddress` and
the like are told in the object's status, with the reasons that Gateway API has for it. A field that is not in these tables
is reported as unknown, with the name that may have been meant.

This page is made from the descriptions that the fields are read by; a test compares the two. To make it again:
`TIDEGATE_ACCEPT=1 build/release/tests/unit_config`.

Metadata, of every kind: `name`, `namespace`, `labels`, `annotations`, `uid`, `generation`, `creationTimestamp` (ages decide
conflicts) and `resourceVersion` are read; the rest is ignored. `[]` stands for the items of a list, `{}` for the values of
a map.
)";

constexpr char kKgatewayIntroduction[] =
    R"(# Every field of kgateway's kinds

The kinds of API group `gateway.kgateway.dev/v1alpha1`, as kgateway 2.4 has them and with the fields
that it has got since, and what Tidegate does with each field: **works**; **no effect**: accepted and held to its bounds, but it changes nothing here, and why: whoever sets it is warned;
**rejected**: what uses it is refused, and why. A field that is not in these tables is reported as unknown, with the name
that may have been meant.

This page is made from the descriptions that the fields are read by; a test compares the two. To make it again:
`TIDEGATE_ACCEPT=1 build/release/tests/unit_config`. `[]` stands for the items of a list, `{}` for the values of a map.
)";

std::string cell(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string row(const SchemaField& field) {
  std::string bounds = field.required ? "required" : "";
  auto add = [&bounds](const std::string& text) {
    if (!text.empty()) bounds += (bounds.empty() ? "" : "; ") + text;
  };
  if (!field.default_.empty()) add("default " + field.default_);
  // Patterns say little to a reader, and a lot of it.
  add(field.limits.substr(0, field.limits.find("pattern ")));
  while (bounds.ends_with(' ') || bounds.ends_with(';')) bounds.pop_back();
  std::string here = field.effect == Effect::kWorks      ? "works"
                     : field.effect == Effect::kNoEffect ? "no effect"
                                                         : "rejected";
  if (!field.doc.empty()) here += ": " + field.doc;
  return fmt::format("| `{}` | {} | {} | {} |\n", field.path, field.type, cell(bounds), cell(here));
}

void add_kinds(std::string& out, bool (*wanted)(std::string_view group)) {
  for (const Kind& kind : kind_table()) {
    if (!wanted(kind.group)) continue;
    out += fmt::format("\n## {}\n`{}{}{}`\n\n| field | type | bounds | here |\n|---|---|---|---|\n",
                       kind.kind, kind.group, kind.group.empty() ? "" : "/", kind.versions[0]);
    for (const SchemaField& field : kind.schema().fields) {
      if (!field.path.starts_with("metadata")) out += row(field);
    }
  }
}

std::string gateway_page() {
  std::string out = kIntroduction;
  add_kinds(out, [](std::string_view group) { return group == kGatewayGroup; });
  out += "\n# Core kinds that are read\n";
  add_kinds(out, [](std::string_view group) { return !is_our_group(group); });
  return out;
}

std::string kgateway_page() {
  std::string out = kKgatewayIntroduction;
  add_kinds(out, [](std::string_view group) { return group == kgateway::kGroup; });
  return out;
}

bool is_written(const char* page, const std::string& made) {
  if (std::getenv("TIDEGATE_ACCEPT") != nullptr) std::ofstream(page) << made;
  std::ostringstream written;
  written << std::ifstream(page).rdbuf();
  return written.str() == made;
}

}  // namespace

TEST_CASE("the pages of all fields are what the descriptions say") {
  CHECK(is_written("docs/gateway-api.md", gateway_page()));
  CHECK(is_written("docs/reference/kgateway-fields.md", kgateway_page()));
}
