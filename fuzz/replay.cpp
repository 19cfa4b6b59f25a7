// Runs a fuzz target over the files of its corpus, and over truncations and bit flips of each,
// where there is no libFuzzer: every crash that was ever found stays found.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

/// Variants of each kind tried per file: every one for a packet, evenly spread ones for a large
/// file.
constexpr std::size_t kVariants = 4096;

/// How many inputs it tried.
std::size_t replay(std::vector<std::uint8_t> bytes) {
    std::size_t runs = 0;
    const std::size_t cut = bytes.size() / kVariants + 1;
    for (std::size_t size = 0; size <= bytes.size(); size += cut, ++runs) {
        // A copy of exactly this size, so that reading past it is seen by the sanitizer.
        const std::vector<std::uint8_t> head(bytes.begin(),
                                             bytes.begin() + static_cast<std::ptrdiff_t>(size));
        LLVMFuzzerTestOneInput(head.data(), head.size());
    }
    const std::size_t bits = bytes.size() * 8;
    // Odd, so that every bit position of a byte gets its turn.
    const std::size_t stride = bits / kVariants | 1U;
    for (std::size_t bit = 0; bit < bits; bit += stride, ++runs) {
        const auto mask = static_cast<std::uint8_t>(1U << (bit % 8));
        bytes[bit / 8] ^= mask;
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        bytes[bit / 8] ^= mask;
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    return runs + 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t runs = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) continue;
            std::ifstream file(entry.path(), std::ios::binary);
            const std::vector<char> raw{std::istreambuf_iterator<char>(file), {}};
            runs += replay({raw.begin(), raw.end()});
        }
    }
    std::printf("%zu inputs replayed\n", runs);
    return runs == 0 ? 1 : 0;  // a corpus that is not there tests nothing
}
