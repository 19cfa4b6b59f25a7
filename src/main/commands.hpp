// The sub-commands of the program. Each function adds its own to the command line, with its options
// and the callback that runs it; the callback ends with `throw CLI::RuntimeError(exit_code)` when
// it failed. Exit codes: 0 done, 1 it could not be done (one sentence on standard error says why),
// 2 wrong usage.
#pragma once

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace hushcast::main {

void add_serve_command(CLI::App& app);    ///< serve_command.cpp
void add_denoise_command(CLI::App& app);  ///< denoise_command.cpp
void add_model_command(CLI::App& app);    ///< model_command.cpp

}  // namespace hushcast::main
