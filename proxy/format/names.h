#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/format/operators.h"

namespace tidegate::proxy::format {

/// What an operator takes in brackets.
enum class Takes : std::uint8_t { kNothing, kOptional, kRequired };

// Details of operators.
inline constexpr std::uint8_t kLocalZone = 1;      // kStartTime, kEmitTime
inline constexpr std::uint8_t kUpstreamSide = 64;  // kPeer, kPeerValid..., kTls...
inline constexpr std::uint8_t kWithoutPort = 1;    // kUpstreamHost and its like
inline constexpr std::uint8_t kPathWithoutQuery = 1;
inline constexpr std::uint8_t kPathNow = 2;
inline constexpr std::uint8_t kPathOriginal = 4;
inline constexpr std::uint8_t kMetadataAny = 0;
inline constexpr std::uint8_t kMetadataDynamic = 1;
inline constexpr std::uint8_t kMetadataOther = 2;
/// kPeer: which text of the certificate.
enum PeerDetail : std::uint8_t {
  kSubject,
  kIssuer,
  kSerial,
  kFingerprint256,
  kFingerprint1,
  kPem,
  kUriSan,
  kDnsSan,
  kIpSan,
  kEmailSan,
  kChainFingerprints256,
  kChainFingerprints1,
  kChainSerials,
};

/// One name of the language.
struct OperatorName {
  std::string_view name;
  Operator what = Operator::kMissing;
  Takes takes = Takes::kNothing;
  Type type = Type::kText;
  std::uint8_t detail = 0;
  AddressDetail address;
  Point from = Point::kDownstreamReceiveBegin;
  Point to = Point::kDownstreamReceiveBegin;
};

/// Null where there is none of that name.
const OperatorName* find_operator(std::string_view name);
/// "%NAME%" of the one that may have been meant; empty: none is near.
std::string nearest_operator(std::string_view name);

/// "DS_RX_BEG" and its like.
std::optional<Point> point_from(std::string_view name);
std::string nearest_point(std::string_view name);

}  // namespace tidegate::proxy::format
