#include <algorithm>
#include <array>

#include "proxy/coding/negotiate.h"
#include "proxy/filters/chain.h"
#include "proxy/filters/coded_body.h"
#include "proxy/snapshot/traffic_filters.h"

/// Source: kgateway TrafficPolicy.spec.compression; Envoy's filter envoy.filters.http.compressor;
/// RFC 9110 sections 8.4, 8.8.3.3, 12.5.3.
namespace tidegate::proxy::filters {
namespace {

constexpr std::uint64_t kBytesMin = 30;  // Envoy's default: less does not get smaller
constexpr std::array<std::string_view, 8> kTypes = {"application/javascript",
                                                    "application/json",
                                                    "application/xhtml+xml",
                                                    "image/svg+xml",
                                                    "text/css",
                                                    "text/html",
                                                    "text/plain",
                                                    "text/xml"};

/// The value up to its first parameter.
std::string_view essence(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return value;
}

/// Whether a list, in all fields of that name, has this item.
bool lists(const http::Fields& fields, std::string_view name, std::string_view item) {
  for (const http::Field& field : fields) {
    if (!http::iequals(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      std::size_t comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
      while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
      if (http::iequals(essence(one), item)) return true;
    }
  }
  return false;
}

/// All Accept-Encoding fields as one list.
std::string_view accepted(Call& call) {
  std::string_view all;
  for (const http::Field& field : call.request.fields) {
    if (!http::iequals(field.name, "accept-encoding")) continue;
    all = all.empty() ? field.value : call.arena.join(all, ",", field.value);
  }
  return all;
}

class CompressionFilter final : public Filter {
 public:
  explicit CompressionFilter(const Compression& from) {
    for (ContentCoding one : from.codings)
      codings_.push_back(static_cast<coding::Coding>(static_cast<int>(one)));
  }

  Verdict response(Call& call, http::ResponseHead& head) const override {
    FilterStats::Compressor& counted = call.stats.compressor;
    if (!compressible(head)) {
      counted.not_compressed.add();
      return Verdict::kContinue;
    }
    // Both forms depend on the request from here on.
    if (!lists(head.fields, "vary", "accept-encoding") && !lists(head.fields, "vary", "*"))
      head.fields.add("vary", "Accept-Encoding");
    if (head.body.none() || call.request.is_head()) return Verdict::kContinue;
    auto chosen = coding::negotiate(accepted(call), codings_);
    std::unique_ptr<coding::Coder> coder = chosen ? coding::encoder(*chosen) : nullptr;
    if (!coder) {
      counted.not_compressed.add();
      return Verdict::kContinue;
    }
    FilterStats::Compressor::Coding& coding = *chosen == coding::Coding::kGzip     ? counted.gzip
                                              : *chosen == coding::Coding::kBrotli ? counted.brotli
                                                                                   : counted.zstd;
    coding.compressed.add();
    head.fields.set("content-encoding", coding::name(*chosen));
    // Ranges and strong validators speak of other bytes than these. A weak one still holds.
    head.fields.remove("accept-ranges");
    std::string_view tag = head.fields.get("etag");
    if (tag.data() != nullptr && !tag.starts_with("W/"))
      head.fields.set("etag", call.arena.join("W/", tag));
    call.wrap_response(
        head, std::make_unique<CodedBody>(call.response_body(), std::move(coder),
                                          CodedBody::Counted{&coding.total_uncompressed_bytes,
                                                             &coding.total_compressed_bytes}));
    return Verdict::kContinue;
  }

 private:
  static bool compressible(const http::ResponseHead& head) {
    if (head.status < 200 || head.status == 204 || head.status == 206 || head.status == 304)
      return false;
    if (head.body.kind == http::BodyLength::Kind::kExact && head.body.bytes < kBytesMin)
      return false;
    const std::string_view type = essence(head.fields.get("content-type"));
    const bool text = std::any_of(kTypes.begin(), kTypes.end(),
                                  [&](std::string_view one) { return http::iequals(one, type); });
    return text && !head.fields.has("content-encoding") && !head.fields.has("content-range") &&
           !lists(head.fields, "cache-control", "no-transform");
  }

  std::vector<coding::Coding> codings_;
};

/// Of several codings the last was applied last, so it comes off first; one that is not ours stays,
/// and so do those before it.
class DecompressionFilter final : public Filter {
 public:
  explicit DecompressionFilter(const Decompression& from) {
    for (ContentCoding one : from.codings)
      codings_.push_back(static_cast<coding::Coding>(static_cast<int>(one)));
  }

  Verdict request(Call& call) const override {
    http::RequestHead& request = call.request;
    if (request.body.none() || !request.upgrade.empty()) return Verdict::kContinue;
    std::string_view list = applied(call);
    const std::string_view before = list;
    for (int times = 0; times < kCodingsMax && !list.empty(); ++times) {
      std::size_t comma = list.rfind(',');
      std::string_view last = comma == list.npos ? list : list.substr(comma + 1);
      while (last.starts_with(' ') || last.starts_with('\t')) last.remove_prefix(1);
      auto found = coding::coding_from(essence(last));
      if (!found || std::find(codings_.begin(), codings_.end(), *found) == codings_.end()) break;
      std::unique_ptr<coding::Coder> coder =
          coding::decoder(*found, limits(comma != list.npos, times > 0));
      if (!coder) break;
      call.wrap_request(std::make_unique<CodedBody>(call.request_body(), std::move(coder)));
      list = comma == list.npos ? std::string_view() : essence(list.substr(0, comma));
    }
    if (list.size() == before.size()) return Verdict::kContinue;
    request.fields.remove("content-encoding");
    if (!list.empty()) request.fields.set("content-encoding", list);
    return Verdict::kContinue;
  }

 private:
  static constexpr int kCodingsMax = 3;

  /// What stacked codings give multiplies, so they share one ratio. What is coded already hardly
  /// gets smaller by another coding around it.
  static coding::DecodeLimits limits(bool around_another, bool inside_another) {
    coding::DecodeLimits out;
    if (around_another) {
      out.ratio_max = 2;
    } else if (inside_another) {
      out.ratio_max /= 2;
    }
    return out;
  }

  static std::string_view applied(Call& call) {
    std::string_view all;
    for (const http::Field& field : call.request.fields) {
      if (!http::iequals(field.name, "content-encoding")) continue;
      all = all.empty() ? field.value : call.arena.join(all, ",", field.value);
    }
    return all;
  }

  std::vector<coding::Coding> codings_;
};

}  // namespace

FilterPtr compile(const Compression& from, const CompileContext&) {
  return std::make_shared<CompressionFilter>(from);
}

FilterPtr compile(const Decompression& from, const CompileContext&) {
  return std::make_shared<DecompressionFilter>(from);
}

}  // namespace tidegate::proxy::filters
