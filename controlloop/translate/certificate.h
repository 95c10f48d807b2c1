#pragma once

#include <string>

#include "config/kinds/core/secret_object.h"

namespace tidegate::controlloop::translate {

/// Why a Secret is no certificate with its key; empty where it is one. The message never holds a
/// part of the key.
std::string certificate_problem(const config::SecretObject& secret);

}  // namespace tidegate::controlloop::translate
