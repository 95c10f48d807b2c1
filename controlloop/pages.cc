#include "controlloop/pages.h"

#include <boost/json/serialize.hpp>

namespace tidegate::controlloop {

namespace json = boost::json;

std::vector<Page> pages(const ControlLoop& loop) {
  Page files;
  files.path = "/configfiles";
  files.what = "the files of the configuration, their objects and problems";
  files.serve = [&loop](const PageRequest&) {
    static constexpr const char* kStates[] = {"good", "last good", "bad"};
    json::array list;
    auto problem_json = [](const config::Problem& problem) {
      json::object out;
      out["severity"] = problem.severity == config::Severity::kError ? "error" : "warning";
      out["text"] = to_string(problem);
      out["line"] = problem.line;
      return out;
    };
    const std::vector<config::Problem> problems = loop.problems();
    for (const config::ConfigFile& file : loop.loaded().files) {
      json::object one;
      one["path"] = file.path;
      one["state"] = kStates[static_cast<std::size_t>(file.state)];
      one["objects"] = file.objects;
      one["ignored"] = file.ignored;
      json::array wrong;
      for (const config::Problem& problem : problems) {
        if (problem.file == file.path) wrong.push_back(problem_json(problem));
      }
      one["problems"] = std::move(wrong);
      list.push_back(std::move(one));
    }
    json::object out;
    out["files"] = std::move(list);
    return PageResponse{200, "application/json", json::serialize(out) + "\n"};
  };
  return {files};
}

std::vector<Metric> metrics(ControlLoop& loop) {
  const LoopCounters& counters = loop.counters();
  std::vector<Metric> out;
  using Type = Metric::Type;
  const std::uint64_t good =
      counters.reloads + 1 - std::min(counters.reloads + 1, counters.reloads_with_errors);
  for (const auto& [result, number] :
       {std::pair{"success", good}, std::pair{"error", counters.reloads_with_errors}})
    out.push_back({"tidegate_config_reload_total",
                   "times the configuration was read, by whether something in it was wrong",
                   Type::kCounter,
                   {{"result", result}},
                   static_cast<double>(number)});
  out.push_back({"tidegate_config_last_reload_success_timestamp_seconds",
                 "when it was last read without an error",
                 Type::kGauge,
                 {},
                 static_cast<double>(counters.last_success_seconds)});
  out.push_back({"tidegate_config_snapshots_total",
                 "snapshots published",
                 Type::kCounter,
                 {},
                 static_cast<double>(counters.snapshots)});
  out.push_back({"tidegate_config_last_change_timestamp_seconds",
                 "when the last snapshot was published",
                 Type::kGauge,
                 {},
                 static_cast<double>(counters.last_change_seconds)});
  out.push_back({"tidegate_config_last_reload_seconds",
                 "how long the last change took to read and publish",
                 Type::kGauge,
                 {},
                 counters.last_reload_ms / 1000});
  double errors = 0;
  double warnings = 0;
  for (const config::Problem& problem : loop.problems()) {
    (problem.severity == config::Severity::kError ? errors : warnings) += 1;
  }
  out.push_back({"tidegate_config_problems",
                 "problems of the configuration as it is now",
                 Type::kGauge,
                 {{"severity", "error"}},
                 errors});
  out.push_back({"tidegate_config_problems",
                 "problems of the configuration as it is now",
                 Type::kGauge,
                 {{"severity", "warning"}},
                 warnings});
  std::array<double, 2> files{};
  for (const config::ConfigFile& file : loop.loaded().files)
    files[file.state == config::ConfigFile::State::kGood ? 0 : 1] += 1;
  for (const std::size_t i : {0U, 1U})
    out.push_back({"tidegate_config_files",
                   "files of the configuration",
                   Type::kGauge,
                   {{"state", i == 0 ? "ok" : "error"}},
                   files[i]});
  out.push_back({"tidegate_snapshot_version",
                 "snapshots since the start",
                 Type::kGauge,
                 {},
                 static_cast<double>(counters.snapshots)});
  std::map<std::string, double> invalid;
  std::map<std::string, double> kinds;
  if (loop.loaded().objects) {
    for (const auto& object : loop.loaded().objects->objects()) {
      kinds[object->meta.kind] += 1;
      if (!object->valid) invalid[object->meta.kind] += 1;
    }
    for (Metric& one : loop.gateway_metrics()) out.push_back(std::move(one));
  }
  for (const auto& [kind, count] : invalid) {
    out.push_back({"tidegate_config_objects_invalid",
                   "objects that are refused, by kind",
                   Type::kGauge,
                   {{"kind", kind}},
                   count});
  }
  for (const auto& [kind, count] : kinds) {
    out.push_back(
        {"tidegate_config_objects", "objects by kind", Type::kGauge, {{"kind", kind}}, count});
  }
  return out;
}

}  // namespace tidegate::controlloop
