#include <algorithm>
#include <boost/json/value.hpp>

#include "config/directory.h"
#include "config/kind_table.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace config;

namespace {

void check_hidden(const boost::json::value& secret) {
  for (const char* place : {"data", "stringData"}) {
    const auto* values = secret.is_object() ? secret.get_object().if_contains(place) : nullptr;
    if (!values || !values->is_object()) continue;
    for (const auto& member : values->get_object())
      must(member.value().is_null() || member.value() == "[redacted]",
           "a Secret's values are not shown");
  }
}

}  // namespace

/// A file of the configuration, down to typed objects: what is wrong is told at its place, and what
/// is secret is not shown.
void objects(std::string_view bytes) {
  const auto lines = static_cast<int>(std::count(bytes.begin(), bytes.end(), '\n') +
                                      std::count(bytes.begin(), bytes.end(), '\r'));
  auto check = [lines](const Problem& problem) {
    must(!problem.message.empty(), "a problem has a reason");
    must(problem.line >= 0 && problem.line <= lines + 2, "a problem is in the file");
  };
  const LoadResult loaded = load_text(bytes);
  must(loaded.objects != nullptr, "there is always a set of objects");
  for (const Problem& problem : loaded.problems) check(problem);
  for (const auto& object : loaded.objects->objects()) {
    must(object->kind && object->raw && object->typed, "an object is whole");
    must(!object->meta.name.empty(), "an object has a name");
    for (const Problem& problem : object->problems) check(problem);
    if (object->kind->kind == "Secret") check_hidden(redacted(*object));
  }
  must(load_text(bytes).problems.size() == loaded.problems.size(),
       "a text is understood the same each time");
}

}  // namespace tidegate::fuzz
