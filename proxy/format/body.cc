#include "proxy/format/body.h"

#include <boost/json/parse.hpp>

namespace tidegate::proxy::format {

Body Body::compile(const BodyFormat& from, std::string& problem) {
  Body out;
  Problem wrong;
  problem.clear();
  if (from.json.empty()) {
    out.text_ = Format::compile(from.text, wrong);
    out.content_type_ = "text/plain";
  } else {
    boost::system::error_code failed;
    const boost::json::value parsed = boost::json::parse(from.json, failed);
    if (failed) {
      problem = failed.message();
      return out;
    }
    std::string where;
    out.json_ = JsonFormat::compile(parsed, false, where, wrong);
    if (wrong) wrong.message = where + ": " + wrong.message;
    out.content_type_ = "application/json";
  }
  if (wrong) problem = wrong.text();
  if (!from.content_type.empty()) out.content_type_ = from.content_type;
  return out;
}

void Body::render(const Values& values, std::string& out) const {
  if (!json_) return text_.render(values, Missing::kDash, out);
  json_->render(values, out);
  out += '\n';
}

}  // namespace tidegate::proxy::format
