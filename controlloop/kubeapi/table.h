#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "controlloop/kubeapi/ledger.h"

namespace tidegate::controlloop::kubeapi {

/// How much of an object goes into a row. Source: Kubernetes API concepts, "Resources as tables":
/// the parameter includeObject.
enum class IncludeObject { kMetadata, kObject, kNone };

/// The columns of a kind, as `kubectl get` shows them. Those of Gateway API are its CRDs', with
/// what tells whether an object works; -o wide adds the file and line.
boost::json::array columns(const config::Kind& kind);

/// One row. `shown` is what Ledger::show() gave.
boost::json::object row(const Ledger::Key& key, const Ledger::Entry& entry,
                        boost::json::object shown, IncludeObject include);

}  // namespace tidegate::controlloop::kubeapi
