#include "proxy/upstream/error.h"

#include <string>

namespace tidegate::proxy::upstream {
namespace {

struct Row {
  Error error;
  int status;
  const char* flag;
  const char* text;
};

/// One table: value -> status, Envoy response flag, text.
constexpr Row kTable[] = {
    {Error::kNoEndpoint, 503, "UH", "no healthy upstream"},
    {Error::kOverflow, 503, "UO", "upstream overflow"},
    {Error::kConnectFailed, 502, "UF", "upstream connection failure"},
    {Error::kConnectTimeout, 504, "UF", "upstream connection timeout"},
    {Error::kTimeout, 504, "UT", "upstream request timeout"},
    {Error::kReset, 502, "UC", "upstream connection closed before the response"},
    {Error::kBadResponse, 502, "UPE", "upstream protocol error"},
    {Error::kRetriedStatus, 502, "URX", "upstream answered with a status to retry"},
    {Error::kNoSuchName, 503, "DF", "DNS resolution failure"},
    {Error::kOwnAddress, 403, "DF", "the destination is this gateway itself"},
    {Error::kClientGone, 0, "DC", "client gone"},
};

const Row* find(int value) {
  for (const Row& row : kTable) {
    if (static_cast<int>(row.error) == value) return &row;
  }
  return nullptr;
}

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "upstream"; }
  std::string message(int value) const override {
    const Row* row = find(value);
    return row ? row->text : "unknown";
  }
};

}  // namespace

const boost::system::error_category& error_category() {
  static const Category category;
  return category;
}

int status_of(error_code error) {
  const Row* row = error.category() == error_category() ? find(error.value()) : nullptr;
  return row ? row->status : 502;
}

const char* flag_of(error_code error) {
  const Row* row = error.category() == error_category() ? find(error.value()) : nullptr;
  return row ? row->flag : "UC";
}

}  // namespace tidegate::proxy::upstream
