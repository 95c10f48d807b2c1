#include "proxy/telemetry/access_log.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

namespace tidegate::proxy::telemetry {

namespace json = boost::json;

AccessLogs::Sink AccessLogs::compile_sink(const AccessLog& config, std::string& wrong) {
  Sink sink;
  format::Problem problem;
  if (config.remote) {
    sink.remote = RemoteLogWriter::compile(*config.remote, wrong);
  } else if (config.json.empty()) {
    sink.text = format::Format::compile(
        config.text.empty() ? format::Format::kDefault : config.text, problem);
  } else {
    error_code failed;
    const json::value parsed = json::parse(config.json, failed);
    std::string where;
    if (failed) {
      wrong = failed.message();
    } else {
      sink.json = format::JsonFormat::compile(parsed, false, where, problem);
    }
    if (problem) problem.message = where + ": " + problem.message;
  }
  if (problem) wrong = problem.text();
  if (config.filter) sink.filter = format::EntryFilter::compile(*config.filter, wrong);
  return sink;
}

namespace {

std::string problem_of(const AccessLog& config, const std::string& wrong) {
  return fmt::format("access log {}: {}",
                     config.remote ? config.remote->collector.log_name : config.path, wrong);
}

}  // namespace

void AccessLogs::check(const AccessLog& config, std::vector<std::string>& problems) {
  std::string wrong;
  compile_sink(config, wrong);
  if (!wrong.empty()) problems.push_back(problem_of(config, wrong));
}

std::shared_ptr<const AccessLogs> AccessLogs::compile(const std::vector<AccessLog>& config,
                                                      LogWriter& writer,
                                                      std::vector<std::string>& problems,
                                                      Sinks* sinks) {
  auto out = std::make_shared<AccessLogs>();
  for (const AccessLog& one : config) {
    std::string wrong;
    Sink sink = compile_sink(one, wrong);
    if (wrong.empty() && sink.remote) {
      if (!sinks) continue;
      sink.remote->connect(*sinks);
    } else if (wrong.empty()) {
      Result<std::shared_ptr<LogFile>> file = writer.file(one.path);
      if (file) {
        sink.file = *file;
      } else {
        wrong = file.error().message();
      }
    }
    if (!wrong.empty()) {
      problems.push_back(problem_of(one, wrong));
      continue;
    }
    if (sink.remote) out->needs_.add(sink.remote->needs());
    out->needs_.add(sink.json ? sink.json->needs() : sink.text.needs());
    if (sink.filter) out->needs_.add(sink.filter->needs());
    out->sinks_.push_back(std::move(sink));
  }
  return out;
}

void AccessLogs::write(std::size_t worker, const format::Values& values) const {
  for (const Sink& sink : sinks_) {
    if (sink.filter && !sink.filter->matches(values)) continue;
    if (sink.remote) {
      sink.remote->write(worker, values);
      continue;
    }
    sink.file->append(worker, [&](std::string& out) {
      if (sink.json) {
        sink.json->render(values, out);
        out += '\n';
      } else {
        sink.text.render(values, format::Missing::kDash, out);
      }
    });
  }
}

}  // namespace tidegate::proxy::telemetry
