#include "config/directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "config/kind_table.h"
#include "config/kinds/core/config_map.h"
#include "config/kinds/core/secret_object.h"
#include "config/kinds/gateway/http_route.h"

namespace tidegate::config {
namespace {
namespace fs = std::filesystem;

/// A folder that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "tidegate-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }

 private:
  std::string path_;
};

std::string map_named(const std::string& name, const std::string& value = "v") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: " + value +
         "}\n";
}

std::string route_to(int port) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n"
         "  rules:\n  - backendRefs: [{name: s, port: " +
         std::to_string(port) + "}]\n";
}

std::vector<std::string> texts(const LoadResult& result) {
  std::vector<std::string> out;
  for (const Problem& problem : result.problems) out.push_back(to_string(problem));
  return out;
}

}  // namespace

TEST_CASE("files below a directory make one set, whatever their layout", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a") + "---\n" + map_named("b"));
  folder.write("sub/deep/c.yml", map_named("c"));
  folder.write("d.json",
               R"({"apiVersion":"v1","kind":"List","items":[
                  {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"}}]})");
  folder.write(".hidden.yaml", map_named("h"));
  folder.write("..data/x.yaml", map_named("x"));
  folder.write("readme.md", "not yaml: [");
  Directory directory({folder.path()});
  const LoadResult result = directory.load();
  CHECK(texts(result).empty());
  CHECK(result.objects->all<ConfigMap>().size() == 4);
  CHECK(result.objects->find<ConfigMap>("default", "c") != nullptr);
  CHECK(result.files.size() == 3);
  CHECK(result.objects->find<ConfigMap>("default", "b")->meta.line == 6);
  CHECK(result.objects->find<ConfigMap>("default", "d")->meta.line == 2);
}

TEST_CASE("symbolic links are followed, also in a circle and as a ConfigMap mounts them",
          "[config]") {
  Folder folder;
  folder.write("..2024/a.yaml", map_named("a"));
  fs::create_directory_symlink("..2024", folder.path("..data"));
  fs::create_symlink("..data/a.yaml", folder.path("a.yaml"));
  fs::create_directory_symlink(".", folder.path("loop"));
  Directory directory({folder.path()});
  LoadResult result = directory.load();
  CHECK(texts(result).empty());
  CHECK(result.objects->all<ConfigMap>().size() == 1);

  folder.write("..2025/a.yaml", map_named("b"));
  fs::create_directory_symlink("..2025", folder.path("..tmp"));
  fs::rename(folder.path("..tmp"), folder.path("..data"));
  result = directory.load();
  CHECK(result.changed);
  CHECK(result.objects->find<ConfigMap>("default", "a") == nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "b") != nullptr);
}

TEST_CASE("a file that does not parse keeps its last good objects", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a"));
  folder.write("b.yaml", map_named("b"));
  Directory directory({folder.path()});
  directory.load();
  folder.write("a.yaml", map_named("a") + "---\nx: [\n");
  folder.write("b.yaml", map_named("c"));
  LoadResult result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "a") != nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "b") == nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "c") != nullptr);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].file == folder.path("a.yaml"));
  CHECK(result.problems[0].line >= 6);
  CHECK(result.problems[0].message.find("last good objects") != std::string::npos);
  CHECK(result.files[0].state == ConfigFile::State::kLastGood);

  folder.write("a.yaml", map_named("a"));
  result = directory.load();
  CHECK(result.problems.empty());
  CHECK(result.files[0].state == ConfigFile::State::kGood);
  fs::remove(folder.path("a.yaml"));
  result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "a") == nullptr);
}

TEST_CASE("a file that is empty all of a sudden keeps its last good objects", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a"));
  folder.write("never.yaml", "");
  Directory directory({folder.path()});
  CHECK(directory.load().problems.empty());
  folder.write("a.yaml", "");
  LoadResult result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "a") != nullptr);
  REQUIRE(result.problems.size() == 1);
  CHECK(to_string(result.problems[0]) ==
        folder.path("a.yaml") +
            ": the file is empty (to remove its objects, delete it); the last good objects of this "
            "file are kept");
  folder.write("a.yaml", "# nothing is meant to be here\n");
  result = directory.load();
  CHECK(result.problems.empty());
  CHECK(result.objects->find<ConfigMap>("default", "a") == nullptr);
}

TEST_CASE("a file that never parsed gives nothing but its problem", "[config]") {
  const LoadResult result = load_text(map_named("a") + "---\na: 1\na: 2\n");
  CHECK(result.objects->objects().empty());
  CHECK(texts(result) == std::vector<std::string>{"config.yaml:7: key \"a\" is given twice"});
  CHECK(result.files[0].state == ConfigFile::State::kBad);
}

TEST_CASE("an unchanged directory is not a change, and unchanged objects are shared", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a") + "---\n" + map_named("b"));
  Directory directory({folder.path()});
  const LoadResult first = directory.load();
  CHECK(first.changed);
  const LoadResult second = directory.load();
  CHECK_FALSE(second.changed);
  CHECK(second.objects == first.objects);
  folder.write("a.yaml", map_named("a") + "---\n" + map_named("b", "w"));
  const LoadResult third = directory.load();
  CHECK(third.changed);
  CHECK(third.objects->object("ConfigMap", "default", "a") ==
        first.objects->object("ConfigMap", "default", "a"));
  CHECK(third.objects->object("ConfigMap", "default", "b") !=
        first.objects->object("ConfigMap", "default", "b"));
}

TEST_CASE("generation counts changes of the spec, and is honoured where it is given", "[config]") {
  Folder folder;
  Directory directory({folder.path()});
  const auto generation = [&](const std::string& text) {
    folder.write("r.yaml", text);
    return directory.load().objects->find<HttpRoute>("default", "r")->meta.generation;
  };
  CHECK(generation(route_to(1)) == 1);
  CHECK(generation("# moved\n" + route_to(1)) == 1);
  CHECK(generation(route_to(2)) == 2);
  CHECK(generation(route_to(1)) == 3);
  std::string given = route_to(1);
  given.replace(given.find("{name: r}"), 9, "{name: r, generation: 7}");
  CHECK(generation(given) == 7);
  CHECK(generation(route_to(1)) == 7);
  CHECK(generation(route_to(3)) == 8);
}

TEST_CASE("of two objects with one name the first by path is kept", "[config]") {
  Folder folder;
  folder.write("b.yaml", map_named("x", "second"));
  folder.write("a.yaml", map_named("x", "first"));
  Directory directory({folder.path()});
  const LoadResult result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "x")->data.at("k") == "first");
  CHECK(texts(result) == std::vector<std::string>{folder.path("b.yaml") +
                                                  ":1: ConfigMap default/x: is already given in " +
                                                  folder.path("a.yaml") + ":1, which is kept"});
}

TEST_CASE("an object that fails validation is kept aside with its problems", "[config]") {
  const LoadResult result = load_text("# x\n" + route_to(70000));
  CHECK(result.objects->all<HttpRoute>().empty());
  REQUIRE(result.objects->rejected<HttpRoute>().size() == 1);
  const Object* object = result.objects->object("HTTPRoute", "default", "r");
  REQUIRE(object != nullptr);
  CHECK_FALSE(object->valid);
  CHECK(texts(result) ==
        std::vector<std::string>{
            "config.yaml:7: HTTPRoute default/r: spec.rules[0].backendRefs[0].port: Invalid value: "
            "70000: spec.rules[0].backendRefs[0].port in body should be less than or equal to "
            "65535"});
  CHECK(object->line_of("spec.rules[0]") == 7);
  CHECK(object->line_of("metadata.name") == 4);
  CHECK(object->line_of("spec.rules[9].nothing") == 6);
}

TEST_CASE("what is no object of ours is ignored, and said where it should be", "[config]") {
  CHECK(texts(load_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n")).empty());
  CHECK(texts(load_text("apiVersion: gateway.networking.k8s.io/v1\nkind: HttpRoute\nmetadata: "
                        "{name: d}\n")) ==
        std::vector<std::string>{"config.yaml:1: HttpRoute d: no kind \"HttpRoute\" in group "
                                 "gateway.networking.k8s.io: the object is ignored"});
  CHECK(texts(load_text("apiVersion: gateway.networking.k8s.io/v7\nkind: HTTPRoute\nmetadata: "
                        "{name: d}\n")) ==
        std::vector<std::string>{
            "config.yaml:1: HTTPRoute d: no matches for kind \"HTTPRoute\" in version "
            "\"gateway.networking.k8s.io/v7\", try \"gateway.networking.k8s.io/v1\""});
  CHECK(texts(load_text("a: 1\n")) ==
        std::vector<std::string>{"config.yaml:1: kind: Required value"});
  CHECK(texts(load_text("- a\n")).size() == 1);
  CHECK(texts(load_text("")).empty());
  CHECK(texts(load_text("# nothing\n---\n")).empty());
}

TEST_CASE("what cannot be read is a problem of its own", "[config]") {
  Folder folder;
  folder.write("good.yaml", map_named("a"));
  fs::create_symlink("nowhere", folder.path("bad.yaml"));
  Directory directory({folder.path(), folder.path("missing")});
  LoadResult result = directory.load();
  CHECK(result.objects->all<ConfigMap>().size() == 1);
  CHECK(texts(result) ==
        std::vector<std::string>{folder.path("missing") + ": No such file or directory",
                                 folder.path("bad.yaml") + ": a symbolic link to nothing"});
}

TEST_CASE("limits on files and bytes hold", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a"));
  folder.write("b.yaml", map_named("b"));
  DirectoryLimits limits;
  limits.files_max = 1;
  CHECK(Directory({folder.path()}, limits).load().objects->objects().size() == 1);
  limits = {};
  limits.bytes_max = 100;
  LoadResult result = Directory({folder.path()}, limits).load();
  CHECK(result.objects->objects().size() == 1);
  CHECK(result.problems.size() == 1);
  limits = {};
  limits.yaml.file_bytes_max = 10;
  result = Directory({folder.path()}, limits).load();
  CHECK(result.objects->objects().empty());
  CHECK(result.problems.size() == 2);
}

TEST_CASE("a file that is too large takes nothing from the others", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a") + std::string(150, '#'));
  folder.write("b.yaml", map_named("b"));
  DirectoryLimits limits;
  limits.bytes_max = 200;
  limits.yaml.file_bytes_max = 100;
  const LoadResult result = Directory({folder.path()}, limits).load();
  CHECK(result.objects->find<ConfigMap>("default", "b") != nullptr);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].message.find("more than 100") != std::string::npos);
}

TEST_CASE(
    "of a file that is wrong in very many places a part is held, and something of each object",
    "[config]") {
  std::string fields;
  for (int i = 0; i < 200; ++i) fields += fmt::format(", unknown{}: 1", i);
  const bool as_list = GENERATE(false, true);
  std::string text = as_list ? "apiVersion: v1\nkind: List\nitems:\n" : "";
  for (int i = 0; i < 300; ++i) {
    text += fmt::format("{}{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{}}}{}}}\n",
                        as_list ? "- " : "---\n", i, fields);
  }
  Folder folder;
  folder.write("a.yaml", text);
  const LoadResult result = Directory({folder.path()}).load();
  REQUIRE(result.objects->objects().size() == 300);
  CHECK(result.objects->object("ConfigMap", "default", "m0")->problems.size() == 101);
  const auto& last = result.objects->object("ConfigMap", "default", "m299")->problems;
  REQUIRE(last.size() == 1);
  CHECK(last[0].message.ends_with(" (and 100 more)"));
}

TEST_CASE("files beyond the limit keep their last good objects, those that are deleted do not",
          "[config]") {
  Folder folder;
  folder.write("b.yaml", map_named("b"));
  folder.write("c.yaml", map_named("c"));
  DirectoryLimits limits;
  limits.files_max = 2;
  Directory directory({folder.path()}, limits);
  CHECK(directory.load().objects->objects().size() == 2);
  folder.write("a.yaml", map_named("a"));
  CHECK(directory.load().objects->objects().size() == 3);
  folder.write("aa.yaml", map_named("aa"));
  fs::remove(folder.path("c.yaml"));
  const LoadResult result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "b") != nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "c") == nullptr);
}

TEST_CASE("a directory that is renamed away changes nothing, with a slash at its end or without",
          "[config]") {
  const std::string slash = GENERATE("", "/");
  Folder folder;
  folder.write("in/a.yaml", map_named("a"));
  folder.write("in/never.yaml", "x: [");
  folder.write("in/sub/b.yaml", map_named("b"));
  Directory directory({folder.path("in") + slash});
  directory.load();
  fs::rename(folder.path("in"), folder.path("out"));
  LoadResult result = directory.load();
  CHECK(result.objects->objects().size() == 2);
  REQUIRE(result.files.size() == 3);
  CHECK(result.files[0].state == ConfigFile::State::kLastGood);
  CHECK(result.files[1].state == ConfigFile::State::kBad);
  fs::rename(folder.path("out"), folder.path("in"));
  fs::remove(folder.path("in/a.yaml"));
  CHECK(directory.load().objects->objects().size() == 1);
}

TEST_CASE("a directory that is renamed while it is read changes nothing either", "[config]") {
  Folder folder;
  constexpr int kFiles = 60;
  for (int i = 0; i < kFiles; ++i) {
    const std::string number = std::to_string(i);
    folder.write("in/" + std::string(i % 2 == 0 ? "" : "sub" + number + "/") + number + ".yaml",
                 map_named("m" + number));
  }
  Directory directory({folder.path("in")});
  REQUIRE(directory.load().objects->objects().size() == kFiles);
  std::atomic<bool> done = false;
  std::thread renames([&] {
    while (!done) {
      fs::rename(folder.path("in"), folder.path("out"));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      fs::rename(folder.path("out"), folder.path("in"));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::size_t least = kFiles;
  for (int i = 0; i < 300; ++i) least = std::min(least, directory.load().objects->objects().size());
  done = true;
  renames.join();
  CHECK(least == kFiles);
  CHECK(directory.load().objects->objects().size() == kFiles);
}

TEST_CASE("a single file that is deleted takes its objects with it", "[config]") {
  Folder folder;
  folder.write("a.yaml", map_named("a"));
  folder.write("in/b.yaml", map_named("b"));
  Directory directory({folder.path("a.yaml"), folder.path("in")});
  CHECK(directory.load().objects->objects().size() == 2);
  fs::remove(folder.path("a.yaml"));
  const LoadResult result = directory.load();
  CHECK(result.objects->find<ConfigMap>("default", "a") == nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "b") != nullptr);
}

TEST_CASE("an object that two files give counts its generations once", "[config]") {
  Folder folder;
  folder.write("a.yaml", route_to(1));
  folder.write("b.yaml", route_to(1));
  Directory directory({folder.path()});
  const auto generation = [&](const std::string& text) {
    folder.write("a.yaml", text);
    return directory.load().objects->find<HttpRoute>("default", "r")->meta.generation;
  };
  CHECK(generation(route_to(1)) == 1);
  CHECK(generation(route_to(2)) == 2);
  CHECK(generation(route_to(1)) == 3);
}

TEST_CASE("JSON is read as such whatever the file is called", "[config]") {
  Folder folder;
  std::string list = "\n{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n";
  for (int i = 0; i < 20'000; ++i) {
    list += std::string(i == 0 ? "" : ",\n") +
            R"({"apiVersion":"v1","kind":"Thing","metadata":{"name":"d"}})";
  }
  list += R"(,
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"last"}}]})";
  folder.write("a.yaml", list);
  folder.write("b.yaml",
               "{apiVersion: v1, kind: ConfigMap, metadata: {name: flow}}\n---\n" + map_named("b"));
  const LoadResult result = Directory({folder.path()}).load();
  CHECK(texts(result).empty());
  REQUIRE(result.objects->find<ConfigMap>("default", "last") != nullptr);
  CHECK(result.objects->find<ConfigMap>("default", "last")->meta.line == 20'003);
  CHECK(result.objects->all<ConfigMap>().size() == 3);
}

TEST_CASE("a Secret is shown without its values", "[config]") {
  const LoadResult result = load_text(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, annotations: "
      "{kubectl.kubernetes.io/last-applied-configuration: 'hunter2'}}\n"
      "stringData: {p: hunter2}\ndata: {q: aHVudGVyMg==}\n"
      "stringdata: {r: hunter2}\nDate: hunter2\nlist: [hunter2]\n");
  const Object* object = result.objects->object("Secret", "default", "s");
  REQUIRE(object != nullptr);
  const std::string shown = boost::json::serialize(redacted(*object));
  CHECK(shown.find("hunter2") == std::string::npos);
  CHECK(shown.find("aHVudGVyMg") == std::string::npos);
  CHECK(shown.find("[redacted]") != std::string::npos);
}

TEST_CASE("what is a secret in other kinds is not shown either", "[config]") {
  const LoadResult result = load_text(
      "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p, "
      "annotations: "
      "{kubectl.kubernetes.io/last-applied-configuration: 'hunter2'}}\n"
      "spec: {basicAuth: {users: ['u:{SHA}hunter2']}}\n---\n"
      "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: wrong}\n"
      "spec: {basicAuth: {users: {u: hunter2}}}\n---\n"
      "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: GatewayExtension\nmetadata: {name: e}\n"
      "spec: {jwt: {providers: [{name: p, jwks: {local: {inline: hunter2}}}]}}\n");
  for (const auto& object : result.objects->objects()) {
    const std::string shown = boost::json::serialize(redacted(*object));
    INFO(shown);
    CHECK(shown.find("hunter2") == std::string::npos);
    CHECK(shown.find("[redacted]") != std::string::npos);
  }
  CHECK(result.objects->objects().size() == 3);
}

TEST_CASE("every kind has a schema, a plural and a uid that does not change", "[config]") {
  for (const Kind& kind : kind_table()) {
    INFO(kind.kind);
    CHECK_FALSE(kind.schema().fields.empty());
    CHECK(find_kind(kind.group, kind.kind) == &kind);
  }
  const auto uid = [] {
    return load_text(map_named("a")).objects->object("ConfigMap", "default", "a")->meta.uid;
  };
  CHECK(uid().size() == 36);
  CHECK(uid() == uid());
}

TEST_CASE("built-in objects can be added by hand", "[config]") {
  ObjectSet set;
  ConfigMap map;
  map.meta.namespace_ = "n";
  map.meta.name = "x";
  CHECK(set.add(map));
  CHECK_FALSE(set.add(map));
  CHECK(set.find<ConfigMap>("n", "x") != nullptr);
}

}  // namespace tidegate::config
