#pragma once

#include <string_view>

#include "proxy/http/fields.h"
#include "proxy/snapshot/filters.h"

namespace tidegate::proxy::filters {

/// Carries out set, add and remove, in this order (HTTPHeaderFilter). The values are those of
/// `changes`, which outlives the exchange. "host" in set or add is the authority's business: it is
/// returned, not added; empty otherwise.
std::string_view apply(const HeaderChanges& changes, http::Fields& fields);

}  // namespace tidegate::proxy::filters
