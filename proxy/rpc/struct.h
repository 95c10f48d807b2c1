#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "proxy/rpc/protobuf.h"

namespace tidegate::proxy::rpc {

/// Reads a google.protobuf.Struct; members that are there already are replaced. False: it is
/// malformed, or nested by more than 32 levels.
bool decode_struct(std::string_view bytes, boost::json::object& out);

/// Writes one.
ProtoWriter encode_struct(const boost::json::object& object);

}  // namespace tidegate::proxy::rpc
