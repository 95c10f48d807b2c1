#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::fuzz {

/// A message of HTTP/1 as the strictest reader takes it. Nothing of the product's parser is in
/// here: what the gateway writes must be understood alike by everybody.
struct Http1Message {
  std::string first,
      second;  // of a request: method and target; of an answer: "HTTP/1.1" and status
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  std::string body;
  bool upgraded = false;     // what follows is another protocol
  bool until_close = false;  // its end is the connection's

  /// Empty where there is none; dies where there are several.
  std::string field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

/// Who reads.
struct Http1Reading {
  bool answers = false;    // else requests
  std::string_view asked;  // answers: the request's method
  bool ended = false;      // no more bytes come
};

/// The size of the first message in `bytes`; nothing where it is not whole yet. Dies where it is no
/// message: what is there of one must be a beginning of one.
/// Source: RFC 9112 sections 2 to 7; RFC 9110 sections 5, 6.6.1 and 7.6.1.
std::optional<std::size_t> read_strictly(std::string_view bytes, const Http1Reading& how,
                                         Http1Message& out);
/// Whether the head of the first message is there, and as it should be.
bool head_is_there(std::string_view bytes, const Http1Reading& how, Http1Message& out);

/// A field that is written as it should be, whoever reads it: no names in capitals are asked for.
void check_field(std::string_view name, std::string_view value);
/// What every backend gets, in HTTP/1 and HTTP/2.
void check_forwarded(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace tidegate::fuzz
