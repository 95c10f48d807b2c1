#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What we give a browser to keep for us: signed, or sealed so that it cannot read it either.
namespace tidegate::proxy::filters {

/// Random bytes fit for secrets.
std::string random_bytes(std::size_t count);
std::string hex(std::string_view bytes);
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view secret, std::string_view bytes);
/// Takes as long wherever they differ.
bool same(std::string_view a, std::string_view b);

/// Encrypts and authenticates (AES-256-GCM, a random nonce); base64url. `name` is bound to it: what
/// was sealed as one cookie is not taken for another.
std::string seal(std::string_view secret, std::string_view name, std::string_view text);
/// Nothing where it was not sealed by us with this secret under this name.
std::optional<std::string> unseal(std::string_view secret, std::string_view name,
                                  std::string_view sealed);

/// Everything but RFC 3986's unreserved characters as "%XX".
std::string percent_encode(std::string_view text);

}  // namespace tidegate::proxy::filters
