#include <iostream>

#include <CLI/CLI.hpp>

#include "main/commands.hpp"

namespace {
constexpr int kWrongUsage = 2;
}  // namespace

int main(int argc, char** argv) {
    try {
        CLI::App app("Hushcast: live audio between friends, without the noise.");
        app.set_version_flag("--version", "hushcast " HUSHCAST_VERSION);
        app.require_subcommand(1);
        hushcast::main::add_serve_command(app);
        hushcast::main::add_denoise_command(app);
        hushcast::main::add_model_command(app);
        try {
            app.parse(argc, argv);
        } catch (const CLI::RuntimeError& failed) {
            return failed.get_exit_code();  // the sub-command has said why
        } catch (const CLI::ParseError& error) {
            return app.exit(error) == 0 ? 0 : kWrongUsage;
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "hushcast: " << error.what() << '\n';
        return 1;
    }
}
