#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "config/directory.h"
#include "controlloop/translate/translate.h"

using namespace tidegate;
using namespace tidegate::controlloop;

namespace {

namespace fs = std::filesystem;

std::string document(const std::string& api, const std::string& kind, const std::string& name,
                     const std::string& spec) {
  return "---\napiVersion: " + api + "\nkind: " + kind + "\nmetadata: {name: " + name +
         "}\nspec: " + spec + "\n";
}

/// Texts of random files: objects of all kinds that bear on each other, some of them wrong, some
/// given twice, some that do not parse.
class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  std::string file() {
    std::string out = below(4) == 0 ? "# a comment\n" : "";
    for (unsigned left = 1 + below(3); left > 0; --left) out += object();
    if (below(25) == 0) out += "---\nx: [\n";
    return out;
  }

 private:
  std::string number(const char* what, unsigned bound) {
    return what + std::to_string(below(bound));
  }
  std::string object() {
    const std::string api = "gateway.networking.k8s.io/v1";
    switch (below(10)) {
      case 0:
        return document(
            api, "Gateway", number("g", 2),
            "{gatewayClassName: kgateway, listeners: [{name: a, port: " + number("808", 3) +
                ", protocol: HTTP" + (below(2) == 0 ? ", hostname: '*.example.com'" : "") + "}]}");
      case 1:
        return document("v1", "Service", number("s", 3), "{ports: [{port: 80}]}");
      case 2:
        return "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " +
               number("e", 3) + ", labels: {kubernetes.io/service-name: " + number("s", 3) +
               "}}\naddressType: IPv4\nports: [{port: 80}]\nendpoints: [{addresses: [" +
               number("10.0.0.", 9) + "]}]\n";
      case 3:
        return document("gateway.kgateway.dev/v1alpha1", "TrafficPolicy", number("p", 3),
                        "{targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: " +
                            number("r", 6) + "}], timeouts: {request: " + number("1", 9) + "s}}");
      case 4:
        return document("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", number("x", 2),
                        "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: "
                        "other}], to: [{group: '', kind: Service}]}");
      default:
        return document(api, "HTTPRoute",
                        number("r", 6) + (below(4) == 0 ? ", namespace: other" : ""),
                        "{parentRefs: [{name: " + number("g", 3) +
                            (below(3) == 0 ? ", namespace: default" : "") + "}], hostnames: [" +
                            number("h", 3) + ".example.com], rules: [{matches: [{path: {value: " +
                            number("/p", 5) + "}}], backendRefs: [{name: " + number("s", 4) +
                            ", namespace: default, port: 80}]}]}");
    }
  }

  std::mt19937 random_;
};

/// Everything that a translation says; what a generation is aside, which counts changes.
std::string all_of(const config::LoadResult& loaded) {
  const translate::Translation translation = translate::translate(*loaded.objects, {});
  std::string out = boost::json::serialize(proxy::to_json(*translation.snapshot)) + "\n";
  for (const config::Problem& one : loaded.problems) out += to_string(one) + "\n";
  for (const config::Problem& one : translation.problems) out += to_string(one) + "\n";
  for (const config::ConfigFile& file : loaded.files) {
    out += file.path + " " + std::to_string(static_cast<int>(file.state)) + " " +
           std::to_string(file.objects) + "\n";
  }
  for (const auto& [key, status] : translate::statuses_of(translation, nullptr)) {
    std::string text = boost::json::serialize(*status);
    const std::string field = "\"observedGeneration\":";
    for (std::size_t at = 0; (at = text.find(field, at)) != text.npos; at += field.size())
      text.erase(at + field.size(), text.find_first_of(",}", at) - at - field.size());
    out += key.kind + " " + key.namespace_ + "/" + key.name + " " + text + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("after any edits a directory is what it would be read for the first time",
          "[translate]") {
  const unsigned seed = GENERATE(1U, 2U, 3U);
  INFO("seed " << seed);
  std::string folder = (fs::temp_directory_path() / "tidegate-edits-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  Texts texts(seed);
  config::Directory directory({folder});
  std::map<std::string, std::string> written;  // the last good text of each file
  std::map<std::string, std::int64_t> generations;
  for (int turn = 0; turn < 60; ++turn) {
    for (unsigned left = 1 + texts.below(3); left > 0; --left) {
      const std::string name = "f" + std::to_string(texts.below(8)) + ".yaml";
      const std::string path = folder + "/" + name;
      const bool there = written.contains(path);
      if (there && texts.below(4) == 0) {
        fs::remove(path);
        written.erase(path);
      } else if (there && texts.below(4) == 0) {  // as it is, a line further down
        written[path].insert(0, "# moved\n");
        std::ofstream(path, std::ios::binary) << written[path];
      } else if (there && texts.below(4) == 0) {
        const std::string other = folder + "/f" + std::to_string(texts.below(8)) + ".yaml";
        fs::rename(path, other);
        const std::string text = written[path];
        written.erase(path);
        written[other] = text;
      } else if (there && texts.below(4) == 0) {
        const std::string other = folder + "/f" + std::to_string(texts.below(8)) + ".yaml";
        written[other] = std::string(written[path]);
        std::ofstream(other, std::ios::binary) << written[other];
      } else {
        written[path] = texts.file();
        std::ofstream(path, std::ios::binary) << written[path];
      }
    }
    const config::LoadResult now = directory.load();
    const bool broken = std::any_of(now.files.begin(), now.files.end(), [](const auto& file) {
      return file.state != config::ConfigFile::State::kGood;
    });
    if (!broken) {  // a file's last good objects are nothing that a first reading knows
      const config::LoadResult first = config::Directory({folder}).load();
      REQUIRE(all_of(now) == all_of(first));
      REQUIRE(now.objects->objects().size() == first.objects->objects().size());
      for (std::size_t i = 0; i < first.objects->objects().size(); ++i) {
        const config::Object& a = *now.objects->objects()[i];
        const config::Object& b = *first.objects->objects()[i];
        REQUIRE(*a.raw == *b.raw);
        REQUIRE(a.valid == b.valid);
        REQUIRE(a.meta.line == b.meta.line);
        REQUIRE(a.meta.file == b.meta.file);
      }
    }
    // Read again without a change nothing is one, and all is shared.
    const config::LoadResult again = directory.load();
    REQUIRE_FALSE(again.changed);
    REQUIRE(again.objects == now.objects);
    // A generation never goes back while its object is there.
    std::map<std::string, std::int64_t> fresh;
    for (const auto& object : now.objects->objects()) {
      const std::string key =
          object->meta.kind + " " + object->meta.namespace_ + "/" + object->meta.name;
      fresh[key] = object->meta.generation;
      if (auto before = generations.find(key); before != generations.end())
        REQUIRE(object->meta.generation >= before->second);
    }
    generations = std::move(fresh);
  }
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}
