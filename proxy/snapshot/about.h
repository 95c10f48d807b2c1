#pragma once

#include "base/log.h"
#include "proxy/snapshot/origin.h"

namespace tidegate::proxy {

/// An object as the log names it: "Gateway default/http listener https", with its file and line.
inline log::About about(const Origin& origin) {
  log::About out{origin.kind, origin.file, origin.line};
  if (!origin.name.empty()) {
    out.object += ' ';
    if (!origin.namespace_.empty()) out.object += origin.namespace_ + '/';
    out.object += origin.name;
  }
  const bool listener = origin.kind == "Gateway" || origin.kind == "ListenerSet";
  if (listener && !origin.section.empty()) out.object += " listener " + origin.section;
  return out;
}

}  // namespace tidegate::proxy
