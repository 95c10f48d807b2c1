#include "proxy/aws/xml.h"

#include <array>
#include <utility>

namespace tidegate::proxy::aws {
namespace {

constexpr std::size_t kDepthMax = 24;
constexpr std::size_t kElementsMax = 500000;

bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// A name without the white space that may follow it in an end tag.
std::string_view trimmed(std::string_view name) {
  while (!name.empty() && space(name.back())) name.remove_suffix(1);
  return name;
}

/// The five entities of XML; others stay as they are.
std::string resolved(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  while (!text.empty()) {
    bool known = false;
    for (const auto& [name, c] : kEntities) {
      if (!text.starts_with(name)) continue;
      out += c;
      text.remove_prefix(name.size());
      known = true;
      break;
    }
    if (known) continue;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document(XmlElement& to) { return skip() && element(to, 0) && skip() && text_.empty(); }

 private:
  /// White space, declarations and comments between elements.
  bool skip() {
    while (!text_.empty()) {
      if (space(text_.front())) {
        text_.remove_prefix(1);
      } else if (text_.starts_with("<?")) {
        if (!behind("?>")) return false;
      } else if (text_.starts_with("<!--")) {
        if (!behind("-->")) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool behind(std::string_view end) {
    const std::size_t at = text_.find(end);
    if (at == text_.npos) return false;
    text_.remove_prefix(at + end.size());
    return true;
  }

  bool element(XmlElement& to, std::size_t depth) {
    if (depth > kDepthMax || ++elements_ > kElementsMax || !text_.starts_with('<')) return false;
    const std::size_t close = text_.find('>');
    if (close == text_.npos) return false;
    std::string_view tag = text_.substr(1, close - 1);
    text_.remove_prefix(close + 1);
    const bool empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n"));
    to.name = name.substr(name.rfind(':') + 1);
    if (to.name.empty() || name.front() == '!' || name.find('/') != name.npos) return false;
    if (empty) return true;
    std::string own;
    while (true) {
      const std::size_t next = text_.find('<');
      if (next == text_.npos) return false;
      own += text_.substr(0, next);
      text_.remove_prefix(next);
      if (text_.starts_with("<!--")) {
        if (!behind("-->")) return false;
      } else if (text_.starts_with("</")) {
        const std::size_t end = text_.find('>');
        if (end == text_.npos || trimmed(text_.substr(2, end - 2)) != name) return false;
        text_.remove_prefix(end + 1);
        to.text = resolved(own);
        return true;
      } else if (!element(to.children.emplace_back(), depth + 1)) {
        return false;
      }
    }
  }

  std::string_view text_;
  std::size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view path) const {
  const std::size_t slash = path.find('/');
  for (const XmlElement& child : children) {
    if (child.name != path.substr(0, slash)) continue;
    return slash == path.npos ? &child : child.find(path.substr(slash + 1));
  }
  return nullptr;
}

std::string_view XmlElement::value(std::string_view path) const {
  const XmlElement* found = find(path);
  return found ? std::string_view(found->text) : std::string_view();
}

std::unique_ptr<XmlElement> parse_xml(std::string_view text) {
  auto out = std::make_unique<XmlElement>();
  return Reader(text).document(*out) ? std::move(out) : nullptr;
}

}  // namespace tidegate::proxy::aws
