#include "proxy/admin/page_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/errc.hpp>
#include <charconv>
#include <chrono>
#include <ctime>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/surely.h"
#include "base/task.h"
#include "proxy/admin/query.h"
#include "proxy/http/percent.h"

namespace tidegate::proxy::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable_t<Executor>());
constexpr std::size_t kConnectionsMax = 64;
constexpr std::chrono::milliseconds kPause{100};  // where no connection can be taken
constexpr std::size_t kHeadMax = 16 * 1024;
constexpr std::size_t kBodyMax = 64 * 1024;
constexpr std::chrono::seconds kTimeout{30};
constexpr std::size_t kStreamsMax = 64;
constexpr std::chrono::seconds kStreamTick{5};  // how late a client that left is noticed
using Stream = beast::basic_stream<asio::ip::tcp, Executor>;
using Served =
    asio::awaitable<void, Executor>;  // Asio's own coroutines: Beast's operations need them
}  // namespace

Result<asio::ip::tcp::endpoint> parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return make_error_code(boost::system::errc::invalid_argument);
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  auto [end, bad] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  error_code failed;
  asio::ip::address ip = asio::ip::make_address(host, failed);
  if (failed || bad != std::errc() || end != text.data() + text.size() || port > 65535) {
    return make_error_code(boost::system::errc::invalid_argument);
  }
  return asio::ip::tcp::endpoint(ip, static_cast<std::uint16_t>(port));
}

class PageServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, std::vector<Page> pages, Options options)
      : io_(io), pages_(std::move(pages)), options_(options), acceptor_(io.get_executor()) {
    std::stable_sort(pages_.begin(), pages_.end(),
                     [](const Page& a, const Page& b) { return a.path < b.path; });
    for (Page& page : pages_) {
      std::sort(page.parameters.begin(), page.parameters.end(),
                [](const auto& a, const auto& b) { return a.name < b.name; });
    }
  }

  Result<asio::ip::tcp::endpoint> listen(const std::string& address) {
    Result<asio::ip::tcp::endpoint> at = parse_address(address);
    if (!at) return at;
    error_code failed;
    acceptor_.open(at->protocol(), failed);
    if (!failed) acceptor_.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) acceptor_.bind(*at, failed);
    if (!failed) acceptor_.listen(64, failed);
    if (failed) return failed;
    loopback_ = at->address().is_loopback();
    asio::co_spawn(io_, accept(shared_from_this()), asio::detached);
    return acceptor_.local_endpoint();
  }

  void stop() {
    error_code ignored;
    acceptor_.close(ignored);
  }

  void wake() {
    for (Sleeper* sleeper : sleepers_) {
      sleeper->woken = true;
      sleeper->timer.cancel();
    }
  }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  /// A stream between two things to tell.
  struct Sleeper {
    Timer timer;
    bool woken = false;
  };
  /// A sleeper that is told of changes while it lasts.
  class Listed {
   public:
    Listed(std::list<Sleeper*>& all, Sleeper& one) : all_(all), at_(all.insert(all.end(), &one)) {}
    ~Listed() { all_.erase(at_); }
    Listed(const Listed&) = delete;
    Listed& operator=(const Listed&) = delete;

   private:
    std::list<Sleeper*>& all_;
    std::list<Sleeper*>::iterator at_;
  };
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

  static Served accept(std::shared_ptr<Impl> self) {
    while (self->acceptor_.is_open()) {
      try {
        asio::basic_stream_socket<asio::ip::tcp, Executor> socket(self->io_.get_executor());
        auto [failed] = co_await self->acceptor_.async_accept(socket, kTuple);
        if (failed == asio::error::operation_aborted) break;
        if (failed) {  // no file descriptor is left, above all: those that are open go first
          Timer pause(self->io_.get_executor(), kPause);
          co_await pause.async_wait(kTuple);
        }
        if (failed) continue;
        if (self->connections_ >= kConnectionsMax) self->end_oldest();
        asio::co_spawn(self->io_, serve(self, Stream(std::move(socket))), asio::detached);
      } catch (const std::exception& failed) {  // this connection ends; others come
        tell_failure("a connection to an admin port could not be taken", failed.what());
      }
    }
  }

  /// Who waits longest for a request, or for its answer to be taken, makes room: connections that
  /// say nothing keep nobody out.
  void end_oldest() {
    if (waiting_.empty()) return;
    Waiting& oldest = *waiting_.front();
    waiting_.pop_front();
    oldest.listed = false;
    oldest.stream.close();
  }
  /// A connection that waits for its client.
  struct Waiting {
    Waiting(std::list<Waiting*>& all, Stream& one)
        : list(all), stream(one), at(all.insert(all.end(), this)) {}
    ~Waiting() {
      if (listed) list.erase(at);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    std::list<Waiting*>& list;
    Stream& stream;
    std::list<Waiting*>::iterator at;
    bool listed = true;
  };

  /// One more of something while it lasts, however it ends.
  class Counted {
   public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

   private:
    std::size_t& count_;
  };

  static Served serve(std::shared_ptr<Impl> self, Stream stream) {
    try {
      co_await converse(self, stream);
    } catch (const std::exception& failed) {
      tell_failure("a page was given up", failed.what());
    }
  }

  static Served converse(std::shared_ptr<Impl> self, Stream& stream) {
    std::optional<Counted> counted(std::in_place, self->connections_);
    beast::flat_buffer buffer;
    bool keep = true;
    while (keep) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kHeadMax);
      parser.body_limit(kBodyMax);
      stream.expires_after(kTimeout);
      std::optional<Waiting> waiting(std::in_place, self->waiting_, stream);
      auto [failed, bytes] = co_await http::async_read(stream, buffer, parser, kTuple);
      http::response<http::string_body> response;
      if (failed) {
        if (failed.category() != http::make_error_code(http::error::end_of_stream).category() ||
            failed == http::error::end_of_stream) {
          break;
        }
        response.result(failed == http::error::body_limit ? http::status::payload_too_large
                        : failed == http::error::header_limit
                            ? http::status::request_header_fields_too_large
                            : http::status::bad_request);
        response.set(http::field::content_type, "text/plain; charset=UTF-8");
        response.body() = failed.message() + "\n";
        keep = false;
      } else {
        std::shared_ptr<PageStream> source;
        response = self->answer(parser.get(), source);
        keep = parser.get().keep_alive();
        if (source) {
          counted.reset();
          waiting.reset();
          co_await self->send_stream(stream, response, *source);
          break;
        }
      }
      waiting.emplace(self->waiting_, stream);  // anew: it was heard meanwhile
      response.keep_alive(keep);
      response.prepare_payload();
      if (!failed && parser.get().method() == http::verb::head) {
        http::response_serializer<http::string_body> serializer(response);
        serializer.split(true);
        auto [wrong, sent] = co_await http::async_write_header(stream, serializer, kTuple);
        if (wrong) break;
        continue;
      }
      auto [wrong, sent] = co_await http::async_write(stream, response, kTuple);
      if (wrong) break;
    }
    error_code ignored;
    stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  /// Head, then chunks as they come, until the stream is over or the client has gone.
  Served send_stream(Stream& stream, const http::response<http::string_body>& response,
                     PageStream& source) {
    http::response<http::empty_body> head(response.base());
    head.keep_alive(false);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    stream.expires_after(kTimeout);
    auto [failed, bytes] = co_await http::async_write_header(stream, serializer, kTuple);
    if (failed) co_return;
    const Counted counted(streams_);
    Sleeper sleeper{Timer(io_.get_executor()), false};
    const Listed listed(sleepers_, sleeper);
    while (acceptor_.is_open() && !client_gone(stream)) {
      sleeper.woken = false;
      const std::string text = source.next();
      stream.expires_after(kTimeout);
      if (!text.empty()) {
        auto chunk = http::make_chunk(asio::buffer(text));
        auto [wrong, sent] = co_await asio::async_write(stream, chunk, kTuple);
        if (wrong) break;
      }
      if (source.over()) {
        auto last = http::make_chunk_last();
        co_await asio::async_write(stream, last, kTuple);
        break;
      }
      if (sleeper.woken) continue;  // while it wrote
      sleeper.timer.expires_after(kStreamTick);
      co_await sleeper.timer.async_wait(kTuple);
    }
  }

  static bool client_gone(Stream& stream) {
    char byte = 0;
    return ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  const Page* find(const std::string& path) const {
    const Page* best = nullptr;
    for (const Page& page : pages_) {
      const bool match =
          page.path == path || (page.prefix && path.starts_with(page.path) &&
                                (page.path.ends_with('/') || path[page.path.size()] == '/'));
      if (match && (best == nullptr || page.path.size() > best->path.size())) best = &page;
    }
    return best;
  }

  /// `stream` is what follows the head instead of a body, if anything.
  http::response<http::string_body> answer(const http::request<http::string_body>& request,
                                           std::shared_ptr<PageStream>& stream) {
    http::response<http::string_body> out;
    PageRequest page_request;
    page_request.method = std::string(request.method_string());
    std::string_view target(request.target().data(), request.target().size());
    page_request.path = proxy::http::percent_decode(target.substr(0, target.find('?')), false);
    if (std::size_t mark = target.find('?'); mark != target.npos)
      page_request.query = parse_query(target.substr(mark + 1));
    for (const auto& field : request) {
      std::string name(field.name_string());
      for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      page_request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    if (const std::string* type = page_request.header("content-type");
        type != nullptr && type->starts_with("application/x-www-form-urlencoded")) {
      for (auto& pair : parse_query(request.body())) page_request.query.push_back(std::move(pair));
    }
    PageResponse page_response;
    const Page* page = find(page_request.path);
    const std::string& method = page_request.method;
    if (std::string why = forbidden(page_request); !why.empty()) {
      page_response = {403, "text/plain; charset=UTF-8", why + "\n"};
    } else if (page_request.path == "/help") {
      page_response = {200, "text/plain; charset=UTF-8", help()};
    } else if (page == nullptr) {
      page_response = {404, "text/plain; charset=UTF-8", "invalid path. " + help()};
    } else if (!page->any_method &&
               (page->changes_state ? method != "POST"
                                    : method != "GET" && method != "HEAD" && method != "POST")) {
      page_response = {405, "text/plain; charset=UTF-8",
                       fmt::format("Method {} not allowed, {} required.", method,
                                   page->changes_state ? "POST" : "GET")};
      out.set(http::field::allow, page->changes_state ? "POST" : "GET, HEAD");
    } else if (page->changes_state && options_.read_only) {
      page_response = {403, "text/plain; charset=UTF-8",
                       "the admin port is read-only (--admin-read-only)\n"};
    } else {
      page_response = page->serve(page_request);
    }
    if (page_response.stream && (method == "HEAD" || streams_ >= kStreamsMax)) {
      page_response.stream.reset();
      if (method != "HEAD")
        page_response = {429, "text/plain; charset=UTF-8", "too many watches\n"};
    }
    stream = std::move(page_response.stream);
    out.result(static_cast<unsigned>(page_response.status));
    out.set(http::field::content_type, page_response.content_type);
    out.set(http::field::cache_control, "no-cache, max-age=0");
    out.set("x-content-type-options", "nosniff");
    // A page of another site must not have somebody click in ours.
    out.set("x-frame-options", "DENY");
    out.set("content-security-policy", "frame-ancestors 'none'");
    out.set(http::field::server, "tidegate");
    out.set(http::field::date, http_date());
    out.body() = std::move(page_response.body);
    return out;
  }

  /// Why a browser may not ask this; empty: it may.
  std::string forbidden(const PageRequest& request) const {
    if (!options_.guard) return {};
    const std::string* host = request.header("host");
    if (const std::string* origin = request.header("origin");
        origin != nullptr && request.method != "GET" && request.method != "HEAD") {
      const std::size_t mark = origin->find("://");
      if (host == nullptr || mark == std::string::npos || origin->substr(mark + 3) != *host)
        return "a page of another site may not ask this (Origin)";
    }
    if (const std::string* site = request.header("sec-fetch-site");
        site != nullptr && *site != "same-origin" && *site != "none") {
      const std::string* mode = request.header("sec-fetch-mode");  // a link may lead here
      if (request.method != "GET" || mode == nullptr || *mode != "navigate")
        return "a page of another site may not ask this (Sec-Fetch-Site)";
    }
    if (!loopback_ || host == nullptr) return {};
    std::string name = host->substr(
        0, host->find(':', host->rfind(']') == std::string::npos ? 0 : host->rfind(']')));
    if (name.size() > 2 && name.front() == '[') name = name.substr(1, name.size() - 2);
    error_code no_address;
    asio::ip::make_address(name, no_address);
    return !no_address || name == "localhost" || name.empty()
               ? std::string()
               : "this port is for localhost: another name leads here (Host)";
  }

  static std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
  }

  std::string help() const {
    std::string out = "admin commands are:\n";
    for (const Page& page : pages_) {
      if (page.what.empty()) continue;
      out += fmt::format("  {}{}: {}\n", page.path, page.changes_state ? " (POST)" : "", page.what);
      for (const Page::Parameter& parameter : page.parameters) {
        out += fmt::format("      {}: {}\n", parameter.name, parameter.meaning);
      }
    }
    return out;
  }

  asio::io_context& io_;
  std::vector<Page> pages_;
  Options options_;
  bool loopback_ = false;
  Acceptor acceptor_;
  std::size_t connections_ = 0;  // less streams
  std::list<Waiting*> waiting_;  // each in the frame of its connection; the longest first
  std::size_t streams_ = 0;
  std::list<Sleeper*> sleepers_;  // each in the frame of its stream
};

PageServer::PageServer(asio::io_context& io, std::vector<Page> pages, Options options)
    : impl_(std::make_shared<Impl>(io, std::move(pages), options)) {}

PageServer::~PageServer() { stop(); }

Result<asio::ip::tcp::endpoint> PageServer::listen(const std::string& address) {
  return impl_->listen(address);
}

void PageServer::stop() { impl_->stop(); }
void PageServer::wake() { impl_->wake(); }

}  // namespace tidegate::proxy::admin
