#pragma once

#include <boost/json/fwd.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The language of transformations: text with {{ expressions }}, {% statements %} and {# comments
/// #}. kgateway 2.4 renders it with MiniJinja, earlier versions with Inja; where the two differ,
/// MiniJinja is followed, and what only Inja knows is taken where MiniJinja gives it no other
/// meaning ("else if", upper(x), list.0). A template is compiled once and is then immutable: all
/// workers share it. Source: kgateway, "Templating language", "Transformation engine".
namespace tidegate::proxy::templates {

/// What a template sees of the message. Views live as long as the rendering.
class Values {
 public:
  virtual ~Values() = default;
  /// A field of the message that is transformed; `name` is lower case, pseudo headers (":path",
  /// ":status") included. The values of several fields come joined by ','; empty where there is
  /// none.
  virtual std::string_view header(std::string_view name) = 0;
  /// The same of the request, also while its response is transformed.
  virtual std::string_view request_header(std::string_view name) = 0;
  /// The body as it came; empty where the policy does not read it.
  virtual std::string_view body() = 0;
  /// The parsed body; null where the policy does not parse it, or it is not there.
  virtual const boost::json::value* json() = 0;
  /// What the gateway knows of the connection: {{ connection.requested_server_name }}.
  virtual const boost::json::object* connection() { return nullptr; }
  /// A number that nobody guesses; tests give their own.
  virtual std::uint64_t random();
};

/// What one rendering may cost; more is an error of that rendering.
struct Limits {
  std::size_t output_bytes_max = 4U << 20U;
  std::size_t memory_bytes_max = 16U << 20U;  // of texts, lists and maps made on the way
  std::int64_t steps_max = 250'000;           // expressions evaluated, elements touched
};

/// What a template itself may be; more is a CompileError.
inline constexpr std::size_t kTemplateBytesMax = 64U << 10U;
inline constexpr int kNestingMax = 100;  // expressions in expressions, blocks in blocks
/// Elements of range().
inline constexpr std::int64_t kRangeMax = 100'000;

/// "line 1, column 8: ..." of the template's text.
struct CompileError {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string message;
  std::string text() const;
};
[[noreturn]] void throw_exception_from_error(const CompileError& error,
                                             const boost::source_location& where);

class Template {
 public:
  static boost::system::result<Template, CompileError> compile(std::string_view text);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Appends to `out`. False: a value of a wrong kind, or a limit; `error` says what and where (if
  /// it is given), and `out` holds what was printed until then.
  bool render(Values& values, std::string& out, std::string* error = nullptr,
              const Limits& limits = {}) const;

  /// Names that are neither set in the template nor known to the language: fields of the body.
  /// Sorted. kgateway answers 400 where there are some and the body is not parsed as JSON.
  const std::vector<std::string>& variables() const;
  bool reads_body() const;     // calls body() or context()
  bool reads_request() const;  // calls request_header() or get_cookie()
  /// The text where the template is nothing but that: nullptr otherwise.
  const std::string* constant() const;

 private:
  struct Program;
  explicit Template(std::unique_ptr<Program> program);
  std::unique_ptr<const Program> program_;
};

/// The value of an environment variable as env() gives it: empty where it is not set, and for
/// TIDEGATE_* and names with SECRET, TOKEN, PASSWORD or KEY: who writes a route is not who runs
/// the process.
std::string_view environment(std::string_view name);

}  // namespace tidegate::proxy::templates
