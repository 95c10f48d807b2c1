#pragma once

namespace tidegate {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace tidegate
