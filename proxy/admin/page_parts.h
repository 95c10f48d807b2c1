#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <ctime>
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
void add_config_dump(std::vector<Page>& out, const AdminContext& context);
void add_cert_pages(std::vector<Page>& out, const AdminContext& context);
void add_absent_pages(std::vector<Page>& out);  // Envoy's, that say what to use instead

/// "LIVE", "DRAINING", "INITIALIZING".
std::string state_of(const AdminContext& context);
PageResponse ready(const AdminContext& context);

Page page(std::string path, std::string what,
          std::function<PageResponse(const PageRequest&)> serve);
Page action(std::string path, std::string what,
            std::function<PageResponse(const PageRequest&)> serve);
PageResponse as_text(std::string body, int status = 200);
/// With an indent of one space, as Envoy prints it.
PageResponse as_json(const boost::json::value& value);
/// RFC 3339 in UTC: "2026-11-24T02:07:27.391Z".
std::string time_text(std::chrono::system_clock::time_point time);
/// Who we are: of /server_info and /config_dump.
boost::json::object node_json(const AdminContext& context);
/// When the first certificate of the snapshot expires; 0: there is none.
std::time_t first_expiry(const Snapshot& snapshot);

}  // namespace tidegate::proxy::admin
