#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// Quantities as options and environment variables have them.
namespace tidegate {

/// "30s", "500ms", "2m", "1h".
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

/// "512MiB", "1GiB", "1000000".
std::optional<std::uint64_t> parse_bytes(const std::string& text);

}  // namespace tidegate
