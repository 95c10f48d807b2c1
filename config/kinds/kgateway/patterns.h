#pragma once

#include "config/fields/pattern.h"

namespace tidegate::config::kgateway {

// Source: the CRDs of kgateway 2.4.
extern const fields::Pattern kIpOrCidr;      // 10.0.0.0/8, ::1
extern const fields::Pattern kCidr;          // 10.0.0.0/8
extern const fields::Pattern kStatPrefix;    // letters, digits, _%.- and {{route_name}} ...
extern const fields::Pattern kAnyHeader;     // a header name; ":" in front allowed
extern const fields::Pattern kHttpsUri;      // https://host[:port][/path][?query]
extern const fields::Pattern kIssuerUri;     // the same without a query
extern const fields::Pattern kCookieDomain;  // a DNS name in small letters
extern const fields::Pattern kHttpUrl;      // http:// or https://, any of a URL's characters behind
extern const fields::Pattern kHealthPath;   // "/" and at least one character
extern const fields::Pattern kAwsAccount;   // twelve digits
extern const fields::Pattern kAwsRegion;    // us-east-1
extern const fields::Pattern kAwsFunction;  // letters, digits, "-", "_"; at most 140
extern const fields::Pattern kAwsQualifier;  // $LATEST, a version or an alias
extern const fields::Pattern kAwsRole;       // arn:aws:iam::123456789012:role/name

}  // namespace tidegate::config::kgateway
