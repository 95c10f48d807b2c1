#include <cstddef>
#include <cstdint>
#include <string_view>

// libFuzzer's way in to the one target that this program is for.
namespace tidegate::fuzz {
void TIDEGATE_FUZZ_TARGET(std::string_view bytes);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  tidegate::fuzz::TIDEGATE_FUZZ_TARGET({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
