#include <boost/json/object.hpp>
#include <string>

#include "proxy/rpc/ext_authz.h"
#include "proxy/rpc/ext_proc.h"
#include "proxy/rpc/rate_limit.h"
#include "proxy/rpc/struct.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

/// What services of policies answer, in the wire format of Protocol Buffers.
void service_messages(std::string_view bytes) {
  rpc::CheckResponse check;
  rpc::decode(bytes, check);
  rpc::ProcessingResponse processing;
  rpc::decode(bytes, processing);
  rpc::RateLimitResponse limit;
  rpc::decode(bytes, limit);
  boost::json::object object;
  if (!rpc::decode_struct(bytes, object)) return;
  const std::string once = rpc::encode_struct(object).data();
  boost::json::object again;
  must(rpc::decode_struct(once, again), "a struct that we write is read again");
  must(rpc::encode_struct(again).data() == once, "and is the same");
}

}  // namespace tidegate::fuzz
