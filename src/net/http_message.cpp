#include "net/http_message.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/problem.hpp"
#include "net/range.hpp"

namespace hushcast::net {

namespace {

void append_header(std::string& head, std::string_view name, std::string_view value) {
    head += name;
    head += ": ";
    // A line break in a value would start another header.
    for (const char c : value) {
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') head += c;
    }
    head += "\r\n";
}

std::string hexadecimal(std::uint64_t number) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) {
        const auto digit = static_cast<std::size_t>(number >> shift & 15);
        if (digit != 0 || !text.empty() || shift == 0) text += kDigits[digit];
    }
    return text;
}

/// Changes whenever the file does: size and time of modification to the nanosecond.
std::string etag_of(const struct stat& info) {
    return '"' + hexadecimal(static_cast<std::uint64_t>(info.st_size)) + '-' +
           hexadecimal(static_cast<std::uint64_t>(info.st_mtim.tv_sec)) + '-' +
           hexadecimal(static_cast<std::uint64_t>(info.st_mtim.tv_nsec)) + '"';
}

/// Turns a response with a FileBody into its status, its headers and the stretch to send. The
/// handler's own headers (content type, caching) stay.
void attach_file(HttpResponse& response, const HttpRequest& request, Outgoing& out) {
    const auto& path = std::get<FileBody>(response.body).path;
    OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!file.is_open() || fstat(file.descriptor(), &info) != 0 || !S_ISREG(info.st_mode)) {
        response = problem(404, "there is no such file");
        return;
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::string etag = etag_of(info);
    const std::string modified = format_http_date(info.st_mtim.tv_sec);

    if (matches_etag(request.header("if-none-match"), etag)) {
        response.status = 304;
        response.body = std::string();
        response.headers.emplace_back("ETag", etag);
        return;
    }
    auto range = parse_range(request.header("range"), size);
    const std::string_view if_range = request.header("if-range");
    // RFC 9110 section 13.1.5: both validators are compared strongly, that is, letter by letter.
    if (!if_range.empty() && if_range != etag && if_range != modified) range = WholeFile{};

    if (std::holds_alternative<Unsatisfiable>(range)) {
        response = problem(416, "the range lies outside the file");
        response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
        return;
    }
    response.headers.emplace_back("Accept-Ranges", "bytes");
    response.headers.emplace_back("ETag", etag);
    response.headers.emplace_back("Last-Modified", modified);
    out.file_bytes = size;
    if (const auto* part = std::get_if<ByteRange>(&range)) {
        response.status = 206;
        response.headers.emplace_back("Content-Range", "bytes " + std::to_string(part->first) +
                                                           '-' + std::to_string(part->last) + '/' +
                                                           std::to_string(size));
        out.file_offset = part->first;
        out.file_bytes = part->size();
    }
    out.file = std::move(file);
}

}  // namespace

OpenFile::OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

OpenFile::~OpenFile() {
    if (is_open()) ::close(descriptor_);
}

std::size_t OpenFile::read(std::uint64_t offset, MutableBytes into) const {
    while (true) {
        const ssize_t got =
            pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) return 0;
    }
}

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers) {
        if (name == lower_case_name) return value;
    }
    return {};
}

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return std::nullopt;
}

Outgoing prepare(HttpResponse response, const HttpRequest& request, const Exchange& exchange) {
    Outgoing out;
    if (std::holds_alternative<FileBody>(response.body)) attach_file(response, request, out);
    if (auto* text = std::get_if<std::string>(&response.body)) out.body = std::move(*text);

    out.head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    out.head += reason_phrase(response.status);
    out.head += "\r\n";
    for (const auto& [name, value] : response.headers) append_header(out.head, name, value);
    append_header(out.head, "Date", format_http_date(exchange.now));
    if (response.status != 204 && response.status != 304) {
        append_header(out.head, "Content-Length", std::to_string(out.body.size() + out.file_bytes));
    }
    if (!exchange.keep_alive) append_header(out.head, "Connection", "close");
    if (exchange.keep_alive && exchange.http_1_0) {
        append_header(out.head, "Connection", "keep-alive");
    }
    out.head += "\r\n";
    if (exchange.head_only || response.status == 204 || response.status == 304) {
        out.body.clear();
        out.file_bytes = 0;
    }
    return out;
}

}  // namespace hushcast::net
