#include "proxy/template/template.h"

#include <fmt/format.h>

#include <boost/throw_exception.hpp>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "proxy/template/parser.h"
#include "proxy/template/rendering.h"

namespace tidegate::proxy::templates {

std::uint64_t Values::random() {
  thread_local std::random_device device;  // getrandom(): not to be guessed from what came before
  return std::uint64_t{device()} << 32U | device();
}

std::string CompileError::text() const {
  return fmt::format("line {}, column {}: {}", line, column, message);
}

void throw_exception_from_error(const CompileError& error, const boost::source_location& where) {
  boost::throw_exception(std::invalid_argument(error.text()), where);
}

struct Template::Program {
  Block block;
  std::vector<std::string> variables;
  bool reads_body = false;
  bool reads_request = false;
};

Template::Template(std::unique_ptr<Program> program) : program_(std::move(program)) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

boost::system::result<Template, CompileError> Template::compile(std::string_view text) {
  if (text.size() > kTemplateBytesMax) {
    return CompileError{1, 1,
                        fmt::format("{} bytes, more than {}", text.size(), kTemplateBytesMax)};
  }
  Parser parser(text);
  auto program = std::make_unique<Program>();
  if (!parser.parse(program->block)) return parser.error();
  program->variables = parser.variables();
  program->reads_body = parser.reads_body();
  program->reads_request = parser.reads_request();
  return Template(std::move(program));
}

bool Template::render(Values& values, std::string& out, std::string* error,
                      const Limits& limits) const {
  Rendering rendering(values, limits, out);
  if (rendering.run(program_->block)) return true;
  if (error) *error = rendering.error();
  return false;
}

const std::vector<std::string>& Template::variables() const { return program_->variables; }
bool Template::reads_body() const { return program_->reads_body; }
bool Template::reads_request() const { return program_->reads_request; }

const std::string* Template::constant() const {
  static const std::string kEmpty;
  const Block& block = program_->block;
  if (block.empty()) return &kEmpty;
  const bool text = block.size() == 1 && block[0].kind == Statement::Kind::kText;
  return text ? &block[0].text : nullptr;
}

std::string_view environment(std::string_view name) {
  if (name.starts_with("TIDEGATE_")) return {};
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (std::string_view word : {"SECRET", "TOKEN", "PASSWORD", "KEY"}) {
    if (upper.find(word) != upper.npos) return {};
  }
  const char* value = std::getenv(std::string(name).c_str());
  return value ? std::string_view(value) : std::string_view();
}

}  // namespace tidegate::proxy::templates
