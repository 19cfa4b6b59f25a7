#include "main/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace hushcast::main {
namespace {
// The only thing a signal handler may touch.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t signalled = 0;

void note(int /*signal*/) { signalled = 1; }
}  // namespace

void watch_for_interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, note);
    for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

bool interrupted() { return signalled != 0; }

}  // namespace hushcast::main
