#pragma once

#include <string>
#include <vector>

#include "base/page.h"
#include "controlloop/kubeapi/source.h"

namespace tidegate::controlloop::kubeapi {

/// The read-only Kubernetes API: discovery, OpenAPI, list, get and watch of every object of the
/// directory, with `.status`; Secrets redacted; tables for kubectl. A watch is a PageStream: have
/// the server ask it whenever Source::resource_version has grown. Source: Kubernetes API concepts.
std::vector<Page> pages(Source source, const std::string& program_version);

}  // namespace tidegate::controlloop::kubeapi
