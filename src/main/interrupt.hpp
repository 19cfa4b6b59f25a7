// Ctrl-C and its kin for commands that run for a while and clean up after themselves.
#pragma once

namespace hushcast::main {

/// From now on SIGINT, SIGTERM and SIGHUP only make interrupted() true, and SIGPIPE and SIGXFSZ
/// give an error code at the write that caused them. Call from the main thread.
void watch_for_interrupts();
[[nodiscard]] bool interrupted();

/// What a shell gives for a program ended by Ctrl-C.
inline constexpr int kInterruptedExit = 130;

}  // namespace hushcast::main
