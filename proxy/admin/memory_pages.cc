#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <tuple>

#include "base/log.h"
#include "proxy/admin/page_parts.h"

#ifdef TIDEGATE_GPERFTOOLS
#include <gperftools/heap-profiler.h>
#include <gperftools/malloc_extension.h>
#include <gperftools/profiler.h>
#endif

namespace tidegate::proxy::admin {

namespace json = boost::json;

namespace {

/// Bytes of memory that the kernel has given us.
std::string resident() {
  std::ifstream file("/proc/self/statm");
  long total = 0;
  long pages = 0;
  file >> total >> pages;
  return std::to_string(pages * ::sysconf(_SC_PAGESIZE));
}

PageResponse memory(const PageRequest&) {
  json::object out;
#ifdef TIDEGATE_GPERFTOOLS
  static constexpr std::pair<const char*, const char*> kProperties[] = {
      {"allocated", "generic.current_allocated_bytes"},
      {"heap_size", "generic.heap_size"},
      {"pageheap_unmapped", "tcmalloc.pageheap_unmapped_bytes"},
      {"pageheap_free", "tcmalloc.pageheap_free_bytes"},
      {"total_thread_cache", "tcmalloc.current_total_thread_cache_bytes"},
  };
  for (const auto& [name, property] : kProperties) {
    std::size_t value = 0;
    MallocExtension::instance()->GetNumericProperty(property, &value);
    out[name] = std::to_string(value);
  }
#endif
  out["total_physical_bytes"] = resident();
  return as_json(out);
}

PageResponse heap_dump(const PageRequest&) {
#ifdef TIDEGATE_GPERFTOOLS
  std::string sample;
  MallocExtension::instance()->GetHeapSample(&sample);
  return {200, "application/octet-stream", std::move(sample)};
#else
  return as_text("this build has no gperftools: heap dumps are not supported\n", 501);
#endif
}

PageResponse allocator_text(const PageRequest&) {
#ifdef TIDEGATE_GPERFTOOLS
  std::string text(32 * 1024, '\0');
  MallocExtension::instance()->GetStats(text.data(), static_cast<int>(text.size()));
  text.resize(std::strlen(text.c_str()));
  return as_text(std::move(text));
#else
  return as_text("this build has no gperftools; use /memory\n", 501);
#endif
}

/// Where profiles go: TMPDIR, or /tmp.
std::string profile_path(const char* suffix) {
  const char* folder = std::getenv("TMPDIR");
  return fmt::format("{}/tidegate.{}.{}", folder == nullptr ? "/tmp" : folder, ::getpid(), suffix);
}

/// Switches a profiler: y starts it, n ends it and leaves a file.
PageResponse profiler(const PageRequest& request, const char* suffix,
                      bool (*start)(const std::string& path), void (*stop)()) {
  const std::string* enable = request.parameter("enable");
  if (enable == nullptr || (*enable != "y" && *enable != "n"))
    return as_text("?enable=<y|n>\n", 400);
  const std::string path = profile_path(suffix);
  if (*enable == "n") {
    stop();
    log::info(log::Component::kAdmin, "{}: written, for pprof", path);
  } else if (!start(path)) {
    return as_text("failure to start the profiler\n", 500);
  } else {
    log::info(log::Component::kAdmin, "{}: profiling", path);
  }
  return as_text("OK\n");
}

PageResponse cpu_profiler(const PageRequest& request) {
#ifdef TIDEGATE_GPERFTOOLS
  return profiler(
      request, "cpu.prof", [](const std::string& path) { return ProfilerStart(path.c_str()) != 0; },
      [] { ProfilerStop(); });
#else
  return profiler(request, "cpu.prof", [](const std::string&) { return false; }, [] {});
#endif
}

PageResponse heap_profiler(const PageRequest& request) {
#ifdef TIDEGATE_GPERFTOOLS
  return profiler(
      request, "heap.prof",
      [](const std::string& path) {
        if (IsHeapProfilerRunning() != 0) return false;
        HeapProfilerStart(path.c_str());
        return true;
      },
      [] {
        if (IsHeapProfilerRunning() == 0) return;
        HeapProfilerDump("POST /heapprofiler?enable=n");
        HeapProfilerStop();
      });
#else
  (void)request;
  return as_text("The current build does not support heap profiler\n", 501);
#endif
}

}  // namespace

void add_memory_pages(std::vector<Page>& out) {
  out.push_back(page("/memory", "print current allocation/heap usage", memory));
  out.push_back(page("/heap_dump",
                     "dump current heap (pprof; set TCMALLOC_SAMPLE_PARAMETER=524288 to sample)",
                     heap_dump));
  out.push_back(page("/memory/tcmalloc", "print the allocator's own statistics", allocator_text));
  for (const auto& [path, what, serve] :
       {std::tuple{"/cpuprofiler", "enable/disable the CPU profiler", &cpu_profiler},
        std::tuple{"/heapprofiler", "enable/disable the heap profiler", &heap_profiler}}) {
    Page one = action(path, what, serve);
    one.parameters = {{"enable", "One of (y, n); the profile goes to TMPDIR, or /tmp"}};
    out.push_back(std::move(one));
  }
}

}  // namespace tidegate::proxy::admin
