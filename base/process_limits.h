#pragma once

namespace tidegate {

/// A connection is a file descriptor: as many as the machine allows. A core file would hold the
/// secrets: none is written, unless prlimit(1) allows one while the process runs.
void set_process_limits();

}  // namespace tidegate
