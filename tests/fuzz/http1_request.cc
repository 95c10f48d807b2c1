#include "proxy/http/characters.h"
#include "proxy/http1/serializer.h"
#include "tests/fuzz/http1_messages.h"
#include "tests/fuzz/target.h"

namespace tidegate::fuzz {

using namespace proxy;

/// A request of HTTP/1: what we take of it we can write, and it is the same request then.
void http1_request(std::string_view bytes) {
  const std::size_t end = head_end(bytes);
  http::RequestHead head;
  const auto wrong = http1::parse_request_head(bytes.substr(0, end), {}, head);
  if (wrong) {
    must(http1::status_of(*wrong) == 0 || http1::status_of(*wrong) >= 400, "an error has a status");
    return;
  }
  must(end > 0, "what has no end is no head");
  must(http::valid_method(head.method) && http::valid_authority(head.authority),
       "a method and an authority are valid");
  must(head.method == "CONNECT" ? head.path.empty()
       : head.path == "*"       ? head.method == "OPTIONS"
                                : http::valid_path(head.path),
       "a path is one");
  check_fields(head.fields);
  must(head.upgrade.empty() || head.body.none(), "an upgrade has no body");

  std::string written;
  http1::write_request_head(head, written);
  http::HeadLimits wide;
  wide.fields_max = 1000;  // ours come on top
  http::RequestHead again;
  must(http1::find_head_end(written, 0) == written.size(), "a head that we write is one head");
  must(!http1::parse_request_head(written, wide, again), "a head that we write is read again");
  must(again.method == head.method && again.path == head.path && again.authority == head.authority,
       "a request is passed on as it was understood");
  must(same_fields(head.fields, again.fields), "fields are passed on as they were understood");
  must(again.body == head.body || (again.body.none() && head.body.none()), "so is its framing");
  must(again.upgrade == head.upgrade, "so is its upgrade");

  check_body(bytes.substr(end), head.body, head.chunked);
}

}  // namespace tidegate::fuzz
