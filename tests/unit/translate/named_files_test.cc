#include <catch2/catch.hpp>

#include "config/directory.h"
#include "controlloop/translate/translate.h"

using namespace tidegate;
using namespace tidegate::controlloop;

namespace {

/// The problems of a policy that names these files.
std::string problems(const std::string& files, const translate::NamedFiles& read) {
  const config::LoadResult loaded = config::load_text(
      "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: BackendConfigPolicy\nmetadata: {name: p}\n"
      "spec:\n  targetRefs: [{group: \"\", kind: Service, name: s}]\n"
      "  tls: {sni: a.example.com, files: " +
      files +
      "}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n");
  REQUIRE(loaded.problems.empty());
  translate::Options options;
  options.files = read;
  std::string out;
  for (const config::Problem& problem : translate::translate(*loaded.objects, options).problems)
    out += problem.message + "\n";
  return out;
}

translate::NamedFile text(const char* bytes) { return {Secret(bytes), ""}; }

}  // namespace

TEST_CASE("a file that cannot be used is named, and nothing of it shown", "[translate]") {
  const std::string pair = "{tlsCertificate: /c, tlsKey: /k}";
  CHECK(problems("{rootCA: /a}", {}).find("file /a cannot be read: it was not looked at") !=
        std::string::npos);
  CHECK(problems("{rootCA: /a}", {{"/a", {Secret(), "Permission denied"}}})
            .find("file /a cannot be read: Permission denied") != std::string::npos);
  CHECK(problems("{rootCA: /a}", {{"/a", text("swordfish")}}).find("file /a is no PEM") !=
        std::string::npos);
  const std::string wrong = problems(pair, {{"/c", text("swordfish")}, {"/k", text("swordfish")}});
  CHECK(wrong.find("file /c is no PEM certificate") != std::string::npos);
  CHECK(wrong.find("swordfish") == std::string::npos);
  CHECK(
      problems("{tlsKey: /k}", {{"/k", text("x")}}).find("tlsCertificate and tlsKey go together") !=
      std::string::npos);
}
