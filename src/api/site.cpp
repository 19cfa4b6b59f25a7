#include "api/site.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include "api/embedded.hpp"
#include "net/range.hpp"

namespace hushcast::api {

namespace {

/// FNV-1a: tells one build's file from another's, which is all a validator is for.
std::string etag_of(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return '"' + std::to_string(hash) + '"';
}

net::Headers asset_headers(std::string_view path) {
    return {{"Content-Type", std::string(content_type(path))},
            // Always asked for again, hardly ever sent again: a new version shows at once.
            {"Cache-Control", "no-cache"}};
}

}  // namespace

std::string_view content_type(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
    }};
    for (const auto& [ending, type] : kTypes) {
        if (path.ends_with(ending)) return type;
    }
    return "application/octet-stream";
}

Site::Site(std::filesystem::path folder) : folder_(std::move(folder)) {
    for (const EmbeddedFile& file : embedded_files()) {
        pages_[file.path] = {file.bytes, etag_of(file.bytes)};
    }
}

std::optional<net::HttpResponse> Site::get(const net::HttpRequest& request) const {
    const std::string path = request.path == "/" ? "/index.html" : request.path;
    net::HttpResponse response{200, asset_headers(path), std::string()};
    if (!folder_.empty()) {
        const std::filesystem::path file = folder_ / path.substr(1);
        std::error_code error;
        if (!std::filesystem::is_regular_file(file, error)) return std::nullopt;
        response.body = net::FileBody{file};
        return response;
    }
    const auto page = pages_.find(path);
    if (page == pages_.end()) return std::nullopt;
    response.headers.emplace_back("ETag", page->second.etag);
    if (net::matches_etag(request.header("if-none-match"), page->second.etag)) {
        response.status = 304;
    } else {
        response.body = std::string(page->second.bytes);
    }
    return response;
}

}  // namespace hushcast::api
