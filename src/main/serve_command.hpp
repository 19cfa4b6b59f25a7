// `hushcast serve`: puts the parts together and runs them until it is told to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "main/model_store.hpp"

namespace hushcast::main {

struct ServeOptions {
    Places places;  ///< everything is kept below the data folder
    /// Until there are accounts, nothing is opened to the network by itself.
    std::string listen = "127.0.0.1:8000";
    std::optional<std::uint16_t> media_port;  ///< UDP; the number of the HTTP port when not given
    std::vector<std::string> public_ips;      ///< what peers outside reach us by, best first
    std::string model;                        ///< id; empty: the default one
    std::size_t workers = 0;                  ///< media workers; 0: one per core
    std::filesystem::path web;  ///< pages from this folder instead of from the program
    std::string log_level = "info";
};

/// Serves until SIGINT or SIGTERM. @return  exit code of the process.
int serve(const ServeOptions& options);

/// What peers are told to send to, best first. Link-local addresses are left out: they need a zone,
/// which a candidate cannot carry.
std::vector<Endpoint> media_candidates(const std::vector<IpAddress>& public_ips,
                                       const Endpoint& bound,
                                       const std::vector<IpAddress>& local);

}  // namespace hushcast::main
