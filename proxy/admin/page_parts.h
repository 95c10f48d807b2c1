#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/page.h"
#include "proxy/admin/pages.h"

namespace tidegate::proxy::admin {

/// Pages by subject; admin_pages() puts them together.
void add_state_pages(
    std::vector<Page>& out,
    const AdminContext& context);               // ready, server_info, healthcheck, quit, logging
void add_memory_pages(std::vector<Page>& out);  // memory, heap_dump
void add_config_pages(std::vector<Page>& out,
                      const AdminContext& context);  // config_dump, clusters, listeners
void add_stats_pages(std::vector<Page>& out,
                     const AdminContext& context);  // stats, stats/prometheus, reset_counters
void add_explain_page(std::vector<Page>& out, const AdminContext& context);

/// "LIVE", "DRAINING", "INITIALIZING".
std::string state_of(const AdminContext& context);
PageResponse ready(const AdminContext& context);

Page page(std::string path, std::string what,
          std::function<PageResponse(const PageRequest&)> serve);
Page action(std::string path, std::string what,
            std::function<PageResponse(const PageRequest&)> serve);
PageResponse as_text(std::string body, int status = 200);
PageResponse as_json(const boost::json::value& value);

}  // namespace tidegate::proxy::admin
