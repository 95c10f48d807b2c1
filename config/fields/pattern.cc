#include "config/fields/pattern.h"

#include <algorithm>
#include <cstdint>

namespace tidegate::config::fields {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return is_lower(c) || is_upper(c); }
bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

template <class Class>
bool all_of(std::string_view text, Class accepts) {
  return std::all_of(text.begin(), text.end(), accepts);
}

/// Whether `part` accepts each piece between `separator`s; an empty text is one empty piece.
template <class Part>
bool each_part(std::string_view text, char separator, Part part) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!part(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool dns_label(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  return all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}
bool dns_subdomain(std::string_view text) { return each_part(text, '.', dns_label); }
bool wildcard_host(std::string_view text) {
  if (text.substr(0, 2) == "*.") text.remove_prefix(2);
  return dns_subdomain(text);
}
bool group(std::string_view text) { return text.empty() || dns_subdomain(text); }
bool kind_name(std::string_view text) {
  if (text.empty() || !is_alpha(text.front()) || !is_alnum(text.back())) return false;
  return all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}
bool domain_path(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !dns_subdomain(text.substr(0, slash))) return false;
  const std::string_view path = text.substr(slash + 1);
  constexpr std::string_view others = "/-._~%!$&'()*+,;=:";
  return !path.empty() && all_of(path, [&](char c) {
    return is_alnum(c) || others.find(c) != std::string_view::npos;
  });
}
bool protocol(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view name = text.substr(slash + 1);
    return dns_subdomain(text.substr(0, slash)) && !name.empty() && all_of(name, is_alnum);
  }
  if (text.empty() || !is_alnum(text.front()) || !is_alnum(text.back())) return false;
  return all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}
bool address_type(std::string_view text) {
  return text == "IPAddress" || text == "Hostname" || text == "NamedAddress" || domain_path(text);
}
bool header_name(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && all_of(text, [&](char c) {
    return is_alnum(c) || others.find(c) != std::string_view::npos;
  });
}
bool header_value(std::string_view text) {
  const auto visible = [](char c) { return c >= '!' && c <= '~'; };
  if (text.empty() || !visible(text.front()) || !visible(text.back())) return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool blank = text[i] == ' ' || text[i] == '\t';
    if (!blank && !visible(text[i])) return false;
    if (blank && !visible(text[i + 1])) return false;  // the last is visible
  }
  return true;
}
bool path_characters(std::string_view text) {
  constexpr std::string_view others = "-/._~!$&'()*+,;=:@";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_alnum(text[i]) && others.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return !text.empty();
}
bool duration(std::string_view text) { return parse_duration(text).has_value(); }
bool cors_origin(std::string_view text) {
  if (text == "*") return true;
  if (text.substr(0, 8) == "https://") {
    text.remove_prefix(8);
  } else if (text.substr(0, 7) == "http://") {
    text.remove_prefix(7);
  } else {
    return false;
  }
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !all_of(port, is_digit)) return false;
    text = text.substr(0, colon);
  }
  if (text == "*") return true;
  if (text.substr(0, 2) == "*.") text.remove_prefix(2);
  return each_part(text, '.', [](std::string_view part) {
    return !part.empty() && all_of(part, [](char c) { return is_alnum(c) || c == '-'; });
  });
}
bool uri(std::string_view text) {
  const std::size_t colon = text.find_first_of(":/?#");
  return colon != std::string_view::npos && colon > 0 && text[colon] == ':';
}
bool label_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || !is_alnum(text.front()) || !is_alnum(text.back())) {
    return false;
  }
  return all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}
bool label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return label_name(text);
  std::string_view prefix = text.substr(0, slash);
  return prefix.size() <= 253 && dns_subdomain(prefix) && label_name(text.substr(slash + 1));
}
bool label_value(std::string_view text) { return text.empty() || label_name(text); }
bool well_known_ca(std::string_view text) {
  return text == "System" || (text.find('/') != std::string_view::npos && label_key(text));
}
bool identifier(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) &&
         all_of(text, [](char c) { return is_alnum(c) || c == '_'; });
}
bool grpc_service(std::string_view text) {
  if (text.substr(0, 1) == ".") text.remove_prefix(1);
  return each_part(text, '.', identifier);
}
bool timestamp(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  }
  text.remove_prefix(shape.size());
  if (text.front() == '.') {
    text.remove_prefix(1);
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    if (end == text.begin()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
  }
  if (text == "Z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && is_digit(text[1]) &&
         is_digit(text[2]) && text[3] == ':' && is_digit(text[4]) && is_digit(text[5]);
}
bool data_key(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text != "." && text != ".." &&
         all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

#define TIDEGATE_LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define TIDEGATE_SUBDOMAIN TIDEGATE_LABEL "(\\." TIDEGATE_LABEL ")*"
#define TIDEGATE_LABEL_NAME "([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"

const Pattern kDnsLabel{"^" TIDEGATE_LABEL "$", dns_label};
const Pattern kDnsSubdomain{"^" TIDEGATE_SUBDOMAIN "$", dns_subdomain};
const Pattern kWildcardHost{"^(\\*\\.)?" TIDEGATE_SUBDOMAIN "$", wildcard_host};
const Pattern kGroup{"^$|^" TIDEGATE_SUBDOMAIN "$", group};
const Pattern kKindName{"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$", kind_name};
const Pattern kDomainPath{"^" TIDEGATE_SUBDOMAIN "\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
                          domain_path};
const Pattern kProtocol{
    "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|" TIDEGATE_SUBDOMAIN "\\/[A-Za-z0-9]+$", protocol};
const Pattern kAddressType{"^Hostname|IPAddress|NamedAddress|" TIDEGATE_SUBDOMAIN
                           "\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
                           address_type};
const Pattern kHeaderName{"^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", header_name};
const Pattern kHeaderValue{"^[!-~]+([\\t ]?[!-~]+)*$", header_value};
const Pattern kPathCharacters{"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$",
                              path_characters};
const Pattern kDuration{"^([0-9]{1,5}(h|m|s|ms)){1,4}$", duration};
const Pattern kCorsOrigin{
    "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)"
    "(:([0-9]{1,5}))?)$)",
    cors_origin};
const Pattern kUri{"^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?", uri};
const Pattern kWellKnownCa{"^(System|(" TIDEGATE_SUBDOMAIN "/" TIDEGATE_LABEL_NAME "))$",
                           well_known_ca};
const Pattern kLabelKey{"^(" TIDEGATE_SUBDOMAIN "/)?" TIDEGATE_LABEL_NAME "$", label_key};
const Pattern kLabelValue{"^(" TIDEGATE_LABEL_NAME ")?$", label_value};
const Pattern kGrpcService{"^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$", grpc_service};
const Pattern kGrpcMethod{"^[A-Za-z_][A-Za-z_0-9]*$", identifier};
const Pattern kTimestamp{"RFC 3339, such as 2006-01-02T15:04:05Z", timestamp};
const Pattern kDataKey{"[-._a-zA-Z0-9]+", data_key};

#undef TIDEGATE_LABEL
#undef TIDEGATE_SUBDOMAIN
#undef TIDEGATE_LABEL_NAME

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  int parts = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) {
      if (digits == 5) return std::nullopt;
      count = count * 10 + (text[digits] - '0');
      ++digits;
    }
    if (digits == 0 || ++parts > 4) return std::nullopt;
    text.remove_prefix(digits);
    std::int64_t unit = 0;
    if (text.substr(0, 2) == "ms") {
      unit = 1;
      text.remove_prefix(1);
    } else if (text.substr(0, 1) == "s") {
      unit = 1000;
    } else if (text.substr(0, 1) == "m") {
      unit = 60'000;
    } else if (text.substr(0, 1) == "h") {
      unit = 3'600'000;
    } else {
      return std::nullopt;
    }
    text.remove_prefix(1);
    total += count * unit;
  }
  if (parts == 0) return std::nullopt;
  return std::chrono::milliseconds(total);
}

}  // namespace tidegate::config::fields
