#pragma once

namespace tidegate {

/// A connection is a file descriptor: as many as the machine allows. A core file would hold the
/// secrets: the kernel writes none, unless prlimit(1) lets it while the process runs. (A
/// kernel.core_pattern that is a pipe knows no limit.)
void set_process_limits();

}  // namespace tidegate
