#pragma once

#include <boost/json/fwd.hpp>

#include "config/yaml/document.h"

namespace tidegate::config::fields {

/// A place in a document: the value and its lines. Borrows both; the document outlives it.
struct Node {
  const boost::json::value* value = nullptr;
  const yaml::Lines* lines = nullptr;
  int line() const { return lines == nullptr ? 0 : lines->line; }
};

}  // namespace tidegate::config::fields
