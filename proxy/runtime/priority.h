#pragma once

namespace tidegate::proxy {

/// What a request waits for while a change of the configuration wants the same CPU. Both are for
/// the calling thread, change nothing where a scheduling policy was chosen for the process (chrt),
/// and do what the kernel lets them.

/// A worker: wakes up at once beside threads with longer slices (Linux 6.12 and later).
void come_first();
/// The control thread: a thirtieth of a CPU that a worker wants all of.
void come_second();

}  // namespace tidegate::proxy
