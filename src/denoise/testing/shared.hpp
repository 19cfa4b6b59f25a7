// What lies beside the checkout for tests: official weights and the tensors they must give.
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace hushcast::denoise::testing {

/// $HUSHCAST_SHARED, or the folder `shared` beside the source folder. It need not exist.
inline std::filesystem::path shared_folder() {
    // NOLINTBEGIN(concurrency-mt-unsafe): nobody sets the environment
    if (const char* shared = std::getenv("HUSHCAST_SHARED")) return shared;
    const char* source = std::getenv("HUSHCAST_SOURCE_DIR");
    // NOLINTEND(concurrency-mt-unsafe)
    return std::filesystem::path(source == nullptr ? "." : source) / ".." / "shared";
}

/// The numbers of a .npy file of float32 in C order; empty if it cannot be read.
inline std::vector<float> read_npy(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    constexpr std::size_t kPreamble = 10;  // magic, version, length of the header
    if (bytes.size() < kPreamble) return {};
    const std::size_t header = kPreamble + static_cast<unsigned char>(bytes[8]) +
                               256U * static_cast<unsigned char>(bytes[9]);
    if (bytes.size() < header) return {};
    std::vector<float> values((bytes.size() - header) / sizeof(float));
    std::memcpy(values.data(), bytes.data() + header, values.size() * sizeof(float));
    return values;
}

inline double snr_db(std::span<const float> expected, std::span<const float> actual) {
    double signal = 0.0;
    double error = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        signal += std::pow(static_cast<double>(expected[i]), 2.0);
        error += std::pow(static_cast<double>(expected[i]) - static_cast<double>(actual[i]), 2.0);
    }
    return 10.0 * std::log10(signal / std::max(error, 1e-300));
}

}  // namespace hushcast::denoise::testing
