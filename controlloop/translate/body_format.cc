#include "controlloop/translate/body_format.h"

#include <boost/json/serialize.hpp>

namespace tidegate::controlloop::translate {

proxy::BodyFormat body_format(const config::kgateway::BodyFormat& from) {
  proxy::BodyFormat out;
  out.text = from.text.value_or("");
  if (from.json) out.json = boost::json::serialize(*from.json);
  out.content_type = from.content_type.value_or("");
  return out;
}

}  // namespace tidegate::controlloop::translate
