#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::controlloop::translate {

/// The names that both match, which is the more specific of the two; empty is any name. Nothing
/// where they exclude each other. "*.example.com" holds any number of labels in the star's place,
/// but not "example.com". Source: Gateway API, Listener.hostname and HTTPRoute.spec.hostnames.
std::optional<std::string> intersect(std::string_view a, std::string_view b);

/// The host names under which a route is served by a listener: the intersections, without doubles.
/// Empty: none. A route without names has the listener's ("*" where that has none either).
std::vector<std::string> serving_names(std::string_view listener,
                                       const std::vector<std::string>& route);

}  // namespace tidegate::controlloop::translate
