#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tidegate::proxy::coding {

/// Content codings. Source: RFC 9110 section 8.4.1; RFC 7932; RFC 8878.
enum class Coding : std::uint8_t { kGzip, kBrotli, kZstd };
/// "gzip", "br", "zstd"
std::string_view name(Coding coding);
/// Also "x-gzip"; in any case of letters.
std::optional<Coding> coding_from(std::string_view name);

/// The coding of an answer: the one that Accept-Encoding rates highest, at equal rates the one that
/// stands first there; among those that only "*" names the first that is offered. nullopt: as it
/// is, because the client accepts none, rates identity above all, or says nothing.
/// Source: RFC 9110 section 12.5.3; kgateway, ResponseCompression.libraries.
std::optional<Coding> negotiate(std::string_view accept_encoding, std::span<const Coding> offered);

}  // namespace tidegate::proxy::coding
