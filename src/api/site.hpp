// The pages: files of web/, from inside the program or, for development, from a folder.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.hpp"

namespace hushcast::api {

class Site {
public:
    /// @param folder  serve from there instead of from the program; empty: from the program.
    explicit Site(std::filesystem::path folder);

    /// The answer to GET or HEAD of `path`; nothing when there is no such file.
    [[nodiscard]] std::optional<net::HttpResponse> get(const net::HttpRequest& request) const;

private:
    struct Page {
        std::string_view bytes;
        std::string etag;
    };

    std::filesystem::path folder_;
    std::map<std::string_view, Page> pages_;
};

std::string_view content_type(std::string_view path);

}  // namespace hushcast::api
