// The files of web/ as they lie in the program; cmake/embed.cmake writes the table.
#pragma once

#include <span>
#include <string_view>

namespace hushcast::api {

struct EmbeddedFile {
    std::string_view path;  ///< "/ui/main.js"
    std::string_view bytes;
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace hushcast::api
