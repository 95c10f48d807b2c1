#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

std::vector<proxy::ContentCoding> codings(
    const std::vector<config::kgateway::CompressionLibrary>& from) {
  using config::kgateway::CompressionLibrary;
  std::vector<proxy::ContentCoding> out;
  for (CompressionLibrary one : from) {
    out.push_back(one == CompressionLibrary::kBrotli ? proxy::ContentCoding::kBrotli
                  : one == CompressionLibrary::kZstd ? proxy::ContentCoding::kZstd
                                                     : proxy::ContentCoding::kGzip);
  }
  return out;
}

}  // namespace

void make_compression(const TrafficPolicy& policy, FieldContext& context) {
  const auto& from = *policy.compression->response_compression;
  if (!from.disable) context.add(kAtCompression, proxy::Compression{codings(from.libraries)});
}

void make_decompression(const TrafficPolicy& policy, FieldContext& context) {
  const auto& from = *policy.compression->request_decompression;
  if (!from.disable) context.add(kAtDecompression, proxy::Decompression{codings(from.libraries)});
}

}  // namespace tidegate::controlloop::policy
