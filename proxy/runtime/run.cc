#include "proxy/runtime/run.h"

#include <exception>

#include "base/log.h"

namespace tidegate::proxy {

void run(boost::asio::io_context& io) {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& failed) {
      tell_failure("a task was given up", failed.what());
    }
  }
}

void tell_failure(std::string_view what, std::string_view why) noexcept {
  try {
    log::error(log::Component::kMain, "{}: {}", what, why);
  } catch (const std::exception&) {  // there is not even memory to say so
  }
}

}  // namespace tidegate::proxy
