#include "proxy/http1/body_decoder.h"

#include <boost/system/errc.hpp>
#include <cstring>

#include "proxy/http/characters.h"
#include "proxy/http/percent.h"
#include "proxy/http1/parser.h"

namespace tidegate::proxy::http1 {
namespace {

constexpr std::size_t kExtensionsMax = 16 * 1024;

error_code broken() { return make_error_code(boost::system::errc::bad_message); }
error_code too_large() { return make_error_code(boost::system::errc::value_too_large); }

}  // namespace

void BodyDecoder::start(http::BodyLength length, bool chunked) {
  left_ = length.bytes;
  extension_bytes_ = 0;
  if (!trailer_bytes_.empty()) trailer_bytes_.clear();
  if (!trailers_.empty()) trailers_.clear();
  if (length.none()) {
    state_ = State::kDone;
  } else if (length.kind == http::BodyLength::Kind::kExact) {
    state_ = State::kExact;
  } else {
    state_ = chunked ? State::kSizeStart : State::kUntilClose;
  }
}

Result<BodyDecoder::Step> BodyDecoder::decode(std::span<const char> input) {
  Step step;
  if (state_ == State::kUntilClose) {
    step.consumed = input.size();
    step.data = input;
    return step;
  }
  while (state_ != State::kDone) {
    std::span<const char> rest = input.subspan(step.consumed);
    if (state_ == State::kExact || state_ == State::kData) {
      if (rest.empty()) return step;
      std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      left_ -= size;
      step.data = rest.first(size);
      step.consumed += size;
      if (left_ > 0) return step;
      if (state_ == State::kExact) break;
      state_ = State::kDataReturn;
      // What ends the chunk, and perhaps the body, is as a rule here already: the end then comes
      // with the last data.
      while (step.consumed < input.size() && state_ != State::kDone && state_ != State::kData) {
        if (error_code failed = framing_byte(input[step.consumed++])) return failed;
      }
      step.end = state_ == State::kDone;
      return step;
    }
    if (rest.empty()) return step;
    ++step.consumed;
    if (error_code failed = framing_byte(rest.front())) return failed;
  }
  state_ = State::kDone;
  step.end = true;
  return step;
}

Result<BodyDecoder::Step> BodyDecoder::decode_all(std::span<char> input) {
  Result<Step> all = decode(input);
  while (all && !all->end && all->consumed < input.size()) {
    const std::span<char> rest = input.subspan(all->consumed);
    const Result<Step> next = decode(rest);
    if (!next) return next;
    const auto kept = static_cast<std::size_t>(all->data.data() - input.data()) + all->data.size();
    const auto at = static_cast<std::size_t>(next->data.data() - rest.data());
    if (!next->data.empty()) std::memmove(input.data() + kept, rest.data() + at, next->data.size());
    all->data = {all->data.data(), all->data.size() + next->data.size()};
    all->consumed += next->consumed;
    all->end = next->end;
  }
  return all;
}

error_code BodyDecoder::framing_byte(char c) {
  switch (state_) {
    case State::kSizeStart:
      left_ = 0;
      if (http::hex_digit(c) < 0) return broken();
      state_ = State::kSize;
      [[fallthrough]];
    case State::kSize:
      if (int digit = http::hex_digit(c); digit >= 0) {
        if (left_ >> 56U) return too_large();
        left_ = left_ << 4U | static_cast<unsigned>(digit);
      } else if (c == '\r') {
        state_ = State::kSizeFeed;
      } else if (c == ';') {
        state_ = State::kExtension;
      } else {
        return broken();
      }
      return {};
    case State::kExtension:
      if (++extension_bytes_ > kExtensionsMax) return too_large();
      if (c == '\r') {
        state_ = State::kSizeFeed;
      } else if (!(http::kClasses[static_cast<unsigned char>(c)] & http::kValue)) {
        return broken();
      }
      return {};
    case State::kSizeFeed:
      if (c != '\n') return broken();
      state_ = left_ > 0 ? State::kData : State::kTrailerStart;
      return {};
    case State::kDataReturn:
      if (c != '\r') return broken();
      state_ = State::kDataFeed;
      return {};
    case State::kDataFeed:
      if (c != '\n') return broken();
      state_ = State::kSizeStart;
      return {};
    case State::kTrailerStart:
      if (c == '\r') {
        state_ = State::kEndFeed;
        return {};
      }
      state_ = State::kTrailer;
      [[fallthrough]];
    case State::kTrailer:
      if (trailer_bytes_.size() >= http::HeadLimits().trailer_bytes_max) return too_large();
      trailer_bytes_.push_back(c);
      if (c == '\n') state_ = State::kTrailerStart;
      return {};
    case State::kEndFeed:
      if (c != '\n') return broken();
      state_ = State::kDone;
      return end_trailers();
    default:
      return broken();
  }
}

error_code BodyDecoder::end_trailers() {
  if (trailer_bytes_.empty()) return {};
  return parse_trailers(trailer_bytes_, http::HeadLimits().fields_max, trailers_) ? broken()
                                                                                  : error_code();
}

bool BodyDecoder::finish() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
  return state_ == State::kDone;
}

}  // namespace tidegate::proxy::http1
