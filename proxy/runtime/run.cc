#include "proxy/runtime/run.h"

#include <exception>

#include "base/surely.h"

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

}  // namespace tidegate::proxy
