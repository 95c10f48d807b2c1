#include "config/kinds/kgateway/patterns.h"

#include <algorithm>
#include <string_view>

#include "base/cidr.h"

namespace tidegate::config::kgateway {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
template <class Class>
bool all_of(std::string_view text, Class accepts) {
  return std::all_of(text.begin(), text.end(), accepts);
}

/// The pattern leaves bits behind the prefix to whoever uses the range.
bool ip_or_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  if (!parse_ip(address)) return false;
  if (slash == std::string_view::npos) return true;
  const std::string_view bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3 || !all_of(bits, is_digit)) return false;
  if (bits.size() > 1 && bits[0] == '0') return false;
  int count = 0;
  for (const char c : bits) count = count * 10 + (c - '0');
  return count <= (address.find(':') == std::string_view::npos ? 32 : 128);
}
bool cidr(std::string_view text) {
  return text.find('/') != std::string_view::npos && ip_or_cidr(text);
}

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool stat_prefix(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    if (text.substr(0, 2) != "{{") {
      if (!is_alnum(text[0]) && std::string_view("_%.-").find(text[0]) == std::string_view::npos) {
        return false;
      }
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find("}}");
    if (end == std::string_view::npos) return false;
    std::string_view name = text.substr(2, end - 2);
    while (!name.empty() && is_blank(name.front())) name.remove_prefix(1);
    while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
    if (name != "route_name" && name != "route_namespace" && name != "rule_name") return false;
    text.remove_prefix(end + 2);
  }
  return true;
}

bool any_header(std::string_view text) {
  if (!text.empty() && text.front() == ':') text.remove_prefix(1);
  return fields::kHeaderName.matches(text);
}

bool host_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alnum(text.front()) && is_alnum(text.back()) &&
         all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool uri(std::string_view text, bool query_allowed) {
  constexpr std::string_view scheme = "https://";
  if (text.substr(0, scheme.size()) != scheme) return false;
  text.remove_prefix(scheme.size());
  std::string_view authority = text.substr(0, text.find_first_of("/?"));
  text.remove_prefix(authority.size());
  if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !all_of(port, is_digit)) return false;
    authority = authority.substr(0, colon);
  }
  while (true) {
    const std::size_t dot = authority.find('.');
    if (!host_label(authority.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
    authority.remove_prefix(dot + 1);
  }
  constexpr std::string_view others = "-._~!$&'()*+,;=:@%/";
  const auto in_path = [&](char c) {
    return is_alnum(c) || others.find(c) != std::string_view::npos;
  };
  const std::size_t question = text.find('?');
  if (!all_of(text.substr(0, question), in_path)) return false;
  if (question == std::string_view::npos) return true;
  return query_allowed &&
         all_of(text.substr(question + 1), [&](char c) { return in_path(c) || c == '?'; });
}
bool https_uri(std::string_view text) { return uri(text, true); }
bool issuer_uri(std::string_view text) { return uri(text, false); }

template <std::size_t kOthers>
bool letters(std::string_view text, const char (&others)[kOthers]) {
  return all_of(text, [&](char c) {
    return is_alnum(c) || std::string_view(others, kOthers - 1).find(c) != std::string_view::npos;
  });
}

bool http_url(std::string_view text) {
  if (text.substr(0, 4) != "http") return false;
  text.remove_prefix(4);
  if (!text.empty() && text[0] == 's') text.remove_prefix(1);
  if (text.substr(0, 3) != "://") return false;
  text.remove_prefix(3);
  return !text.empty() && letters(text, "-@:%.+~#?&/=");
}
bool health_path(std::string_view text) {
  return text.size() > 1 && text[0] == '/' && letters(text.substr(1), "-@:%.+~#?&/=_");
}
bool aws_account(std::string_view text) { return text.size() == 12 && all_of(text, is_digit); }
bool aws_region(std::string_view text) {
  return !text.empty() &&
         all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}
bool aws_function(std::string_view text) {
  return !text.empty() && text.size() <= 140 && letters(text, "-_");
}
bool aws_qualifier(std::string_view text) {
  if (text == "$LATEST") return true;
  return !text.empty() && (all_of(text, is_digit) || (text.size() <= 128 && letters(text, "-_")));
}
bool aws_role(std::string_view text) {
  if (text.substr(0, 7) != "arn:aws") return false;
  text.remove_prefix(7);
  while (!text.empty() && (text[0] == '-' || (text[0] >= 'a' && text[0] <= 'z'))) {
    text.remove_prefix(1);
  }
  if (text.substr(0, 6) != ":iam::" || text.size() < 18) return false;
  text.remove_prefix(6);
  return aws_account(text.substr(0, 12)) && text.substr(12, 6) == ":role/" && text.size() > 18;
}

}  // namespace

const fields::Pattern kIpOrCidr{"an IP address, or one with a prefix length", ip_or_cidr};
const fields::Pattern kCidr{"an IP address with a prefix length", cidr};
const fields::Pattern kStatPrefix{
    "^([a-zA-Z0-9_%.-]|\\{\\{\\s*(route_name|route_namespace|rule_name)\\s*\\}\\})+$", stat_prefix};
const fields::Pattern kAnyHeader{"^:?[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", any_header};
const fields::Pattern kHttpsUri{"https://HOST[:PORT][/PATH][?QUERY]", https_uri};
const fields::Pattern kIssuerUri{"https://HOST[:PORT][/PATH]", issuer_uri};
const fields::Pattern kCookieDomain{
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9]))*$",
    [](std::string_view text) { return fields::kDnsSubdomain.matches(text); }};
const fields::Pattern kHttpUrl{"^https?://[-a-zA-Z0-9@:%.+~#?&/=]+$", http_url};
const fields::Pattern kHealthPath{"^/[-a-zA-Z0-9@:%.+~#?&/=_]+$", health_path};
const fields::Pattern kAwsAccount{"^[0-9]{12}$", aws_account};
const fields::Pattern kAwsRegion{"^[a-z0-9-]+$", aws_region};
const fields::Pattern kAwsFunction{"^[A-Za-z0-9-_]{1,140}$", aws_function};
const fields::Pattern kAwsQualifier{"^(\\$LATEST|[0-9]+|[A-Za-z0-9-_]{1,128})$", aws_qualifier};
const fields::Pattern kAwsRole{"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", aws_role};

}  // namespace tidegate::config::kgateway
