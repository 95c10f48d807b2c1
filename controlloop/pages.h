#pragma once

#include <vector>

#include "base/metric.h"
#include "base/page.h"
#include "controlloop/control_loop.h"

namespace tidegate::controlloop {

/// /configfiles: each file, its objects and its errors. `loop` lives longer.
std::vector<Page> pages(const ControlLoop& loop);

/// Reloads, problems, objects.
std::vector<Metric> metrics(ControlLoop& loop);

}  // namespace tidegate::controlloop
