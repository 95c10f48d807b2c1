#include "proxy/admin/page_parts.h"

namespace tidegate::proxy::admin {
namespace {

/// What Envoy has and Tidegate does not: said, with what to use instead.
Page absent(const char* path, const char* what, const char* says, bool post) {
  Page out = page(path, std::string(what) + " (unsupported)",
                  [says](const PageRequest&) { return as_text(std::string(says) + "\n", 501); });
  out.changes_state = post;
  return out;
}

Page constant(const char* path, const char* what, PageResponse answer) {
  return page(path, what, [answer = std::move(answer)](const PageRequest&) { return answer; });
}

constexpr char kNoLookups[] =
    "stat lookups are not recorded: names are resolved when a snapshot is built";
constexpr char kNoPeak[] = "not supported by this allocator; use /heap_dump or /heapprofiler";

}  // namespace

void add_absent_pages(std::vector<Page>& out) {
  out.push_back(constant("/runtime", "print runtime values",
                         {200, "application/json", "{\n \"entries\": {},\n \"layers\": []\n}\n"}));
  out.push_back(constant("/hot_restart_version", "print the hot restart compatibility version",
                         as_text("disabled")));
  out.push_back(constant("/contention", "dump current mutex contention",
                         as_text("Mutex contention tracing is not available: the request path "
                                 "takes no locks.\n")));
  out.push_back(absent("/runtime_modify", "modify runtime values",
                       "runtime keys do not exist in Tidegate; change the object in the config "
                       "directory",
                       true));
  out.push_back(absent("/tap", "filter configuration for tapping",
                       "tap is not supported; use access logs or tcpdump", true));
  for (const char* path : {"/stats/recentlookups", "/stats/recentlookups/enable",
                           "/stats/recentlookups/disable", "/stats/recentlookups/clear"})
    out.push_back(absent(path, "recent stat lookups", kNoLookups,
                         std::string_view(path) != "/stats/recentlookups"));
  out.push_back(absent("/peak_heap_dump", "dump the heap at its peak", kNoPeak, false));
  out.push_back(
      absent("/allocprofiler", "enable or disable the allocation profiler", kNoPeak, false));
}

}  // namespace tidegate::proxy::admin
