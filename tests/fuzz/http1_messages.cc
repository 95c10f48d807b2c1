#include "tests/fuzz/http1_messages.h"

#include <algorithm>
#include <vector>

#include "proxy/http/characters.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {
namespace {

using namespace proxy;

struct Decoded {
  std::string data;
  std::size_t consumed = 0;
  bool end = false;
  bool failed = false;
  std::string trailers;
};

Decoded decode(const std::vector<std::string_view>& parts, http::BodyLength length, bool chunked) {
  http1::BodyDecoder decoder;
  decoder.start(length, chunked);
  Decoded out;
  for (std::string_view part : parts) {
    while (!out.end && !part.empty()) {
      const auto step = decoder.decode({part.data(), part.size()});
      if (!step) {
        out.failed = true;
        return out;
      }
      must(step->consumed <= part.size(), "a decoder consumes what is there");
      must(step->consumed > 0 || step->end, "a decoder goes on");
      must(step->data.empty() ||
               (step->data.data() >= part.data() &&
                step->data.data() + step->data.size() <= part.data() + step->consumed),
           "data is a part of what was consumed");
      out.data.append(step->data.begin(), step->data.end());
      out.consumed += step->consumed;
      out.end = step->end;
      part.remove_prefix(step->consumed);
    }
    if (out.end) break;
  }
  if (out.end) {
    if (const http::Fields* trailers = decoder.trailers()) {
      check_fields(*trailers);
      for (const http::Field& field : *trailers)
        out.trailers.append(field.name).append(":").append(field.value).append("\n");
    }
    must(decoder.finish(), "a body that has ended is complete");
  }
  return out;
}

}  // namespace

std::size_t head_end(std::string_view bytes) {
  const std::size_t whole = http1::find_head_end(bytes, 0);
  must(whole <= bytes.size(), "a head ends within the bytes");
  std::size_t here = 0;
  for (const std::string_view piece : pieces(bytes)) {
    const std::size_t before = here;
    here += piece.size();
    const std::size_t end =
        http1::find_head_end(bytes.substr(0, here), before < 3 ? 0 : before - 3);
    if (end == 0) continue;
    must(end == whole, "a head ends where it ends, however it comes");
    return whole;
  }
  must(whole == 0, "a head that is there is found as it comes");
  return 0;
}

void check_fields(const http::Fields& fields) {
  for (const http::Field& field : fields) {
    must(!field.name.empty() && http::all_of(field.name, http::kToken),
         "a field's name is a token");
    must(http::all_of(field.value, http::kValue), "a field's value has no control bytes");
    for (const std::string_view framing :
         {"connection", "content-length", "transfer-encoding", "host", "te", "upgrade", "trailer",
          "keep-alive", "proxy-connection", "expect", "content_length", "transfer_encoding"})
      must(!http::iequals(field.name, framing), "what frames a message is no field of it");
  }
}

bool same_fields(const http::Fields& one, const http::Fields& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const http::Field& a, const http::Field& b) {
                      return a.name == b.name && a.value == b.value;
                    });
}

void check_body(std::string_view bytes, http::BodyLength length, bool chunked) {
  const Decoded whole = decode({bytes}, length, chunked);
  const Decoded parts = decode(pieces(bytes), length, chunked);
  must(whole.failed == parts.failed, "a body is broken, however it comes");
  if (whole.failed) {
    must(parts.data.starts_with(whole.data), "a broken body gives the same data up to there");
    return;
  }
  must(whole.data == parts.data, "a body has the same data, however it comes");
  must(whole.consumed == parts.consumed && whole.end == parts.end, "a body ends where it ends");
  must(whole.trailers == parts.trailers, "a body has the same trailers, however it comes");
}

}  // namespace tidegate::fuzz
