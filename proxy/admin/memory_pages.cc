#include <unistd.h>

#include <boost/json/object.hpp>
#include <fstream>

#include "proxy/admin/page_parts.h"

#ifdef TIDEGATE_GPERFTOOLS
#include <gperftools/malloc_extension.h>
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

}  // namespace

void add_memory_pages(std::vector<Page>& out) {
  out.push_back(page("/memory", "print current allocation/heap usage", memory));
  out.push_back(page("/heap_dump",
                     "dump current heap (pprof; set TCMALLOC_SAMPLE_PARAMETER=524288 to sample)",
                     heap_dump));
}

}  // namespace tidegate::proxy::admin
