#pragma once

#include <ctime>
#include <map>
#include <string>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::server {

/// Tells in the log of certificates that have expired, are not valid yet, or will expire soon: once
/// each, and again when what there is to say has changed. Control thread.
class CertificateAge {
 public:
  static constexpr int kSoonDays = 14;
  void look(const Snapshot& snapshot, std::time_t now);

 private:
  std::map<std::string, std::string> told_;  // by the certificate's name in the snapshot
};

}  // namespace tidegate::proxy::server
