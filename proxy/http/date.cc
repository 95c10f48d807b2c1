#include "proxy/http/date.h"

#include <ctime>

namespace tidegate::proxy::http {

std::string_view date() {
  thread_local std::time_t made_at = 0;
  thread_local char text[40];
  thread_local std::size_t size = 0;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made_at) {
    std::tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    made_at = now.tv_sec;
  }
  return {text, size};
}

}  // namespace tidegate::proxy::http
