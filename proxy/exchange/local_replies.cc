#include "proxy/exchange/local_replies.h"

#include <boost/json/parse.hpp>

#include "proxy/filters/header_modifier.h"

namespace tidegate::proxy::exchange {

namespace json = boost::json;

std::optional<LocalReplyRules::Body> LocalReplyRules::compile_body(
    const BodyFormat& config, std::vector<std::string>& problems) {
  Body out;
  format::Problem problem;
  if (config.json.empty()) {
    out.text = format::Format::compile(config.text, problem);
    out.content_type = "text/plain";
  } else {
    error_code failed;
    const json::value parsed = json::parse(config.json, failed);
    std::string where;
    if (failed) {
      problem.message = failed.message();
    } else {
      out.json = format::JsonFormat::compile(parsed, false, where, problem);
    }
    out.content_type = "application/json";
  }
  if (problem) {
    problems.push_back("local reply: " + problem.text());
    return std::nullopt;
  }
  if (!config.content_type.empty()) out.content_type = config.content_type;
  return out;
}

LocalReplyRules LocalReplyRules::compile(const LocalReplies& config,
                                         std::vector<std::string>& problems) {
  LocalReplyRules out;
  for (const LocalReplyMapper& one : config.mappers) {
    std::string wrong;
    Mapper mapper;
    mapper.filter = format::EntryFilter::compile(one.filter, wrong);
    mapper.status = one.status;
    mapper.body = one.body;
    mapper.headers = one.headers;
    if (one.format) mapper.format = compile_body(*one.format, problems);
    if (!wrong.empty()) {
      problems.push_back("local reply: " + wrong);
      continue;
    }
    out.mappers_.push_back(std::move(mapper));
  }
  if (config.format) out.format_ = compile_body(*config.format, problems);
  return out;
}

void LocalReplyRules::print(const Body& format, const format::Values& values,
                            http::ResponseHead& head, std::string& body) {
  std::string printed;
  if (format.json) {
    format.json->render(values, printed);
    printed += '\n';
  } else {
    format.text.render(values, format::Missing::kDash, printed);
  }
  head.fields.set("content-type", format.content_type);
  body = std::move(printed);
}

void LocalReplyRules::apply(format::Values values, http::ResponseHead& head,
                            std::string& body) const {
  values.response = &head;
  const Body* chosen = format_ ? &*format_ : nullptr;
  for (const Mapper& mapper : mappers_) {
    if (!mapper.filter.matches(values)) continue;
    if (mapper.status != 0) values.status = head.status = mapper.status;
    if (mapper.body) body = *mapper.body;
    filters::apply(mapper.headers, head.fields);
    if (mapper.format) chosen = &*mapper.format;
    break;
  }
  if (!chosen) return;
  const std::string before = std::move(body);
  values.local_reply_body = before;
  print(*chosen, values, head, body);
}

}  // namespace tidegate::proxy::exchange
