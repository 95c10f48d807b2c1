#include "proxy/coding/coder.h"

#include "proxy/coding/brotli.h"
#include "proxy/coding/gzip.h"
#include "proxy/coding/zstd.h"

namespace tidegate::proxy::coding {

std::unique_ptr<Coder> encoder(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return gzip_encoder();
    case Coding::kBrotli:
      return brotli_encoder();
    case Coding::kZstd:
      return zstd_encoder();
  }
  return nullptr;
}

std::unique_ptr<Coder> decoder(Coding coding, const DecodeLimits& limits) {
  switch (coding) {
    case Coding::kGzip:
      return gzip_decoder(limits);
    case Coding::kBrotli:
      return brotli_decoder(limits);
    case Coding::kZstd:
      return zstd_decoder(limits);
  }
  return nullptr;
}

}  // namespace tidegate::proxy::coding
