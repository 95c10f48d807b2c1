#include "proxy/http1/serializer.h"
#include "tests/fuzz/http1_messages.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

namespace {

void check(std::string_view bytes, std::size_t end, std::string_view method) {
  http::ResponseHead head;
  if (http1::parse_response_head(bytes.substr(0, end), {}, method, head)) return;
  must(end > 0, "what has no end is no head");
  must(head.status >= 100 && head.status <= 599, "a status has three digits");
  check_fields(head.fields);

  std::string written;
  const bool asked_head = method == "HEAD";
  http1::write_response_head(head, http::Version::kHttp11, !head.keep_alive, asked_head, "",
                             written);
  http::HeadLimits wide;
  wide.fields_max = 1000;  // ours come on top
  http::ResponseHead again;
  must(http1::find_head_end(written, 0) == written.size(), "a head that we write is one head");
  must(!http1::parse_response_head(written, wide, method, again), "it is read again");
  must(again.status == head.status && same_fields(head.fields, again.fields),
       "an answer is passed on as it was understood");
  must(again.body == head.body, "so is its framing");
  must(again.declared_length == head.declared_length, "so is the length that it declares");

  check_body(bytes.substr(end), head.body, head.chunked);
}

}  // namespace

/// A response of HTTP/1, to requests whose method makes a difference.
void http1_response(std::string_view bytes) {
  const std::size_t end = head_end(bytes);
  check(bytes, end, "GET");
  check(bytes, end, "HEAD");
}

}  // namespace tidegate::fuzz
