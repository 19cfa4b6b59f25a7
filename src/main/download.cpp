#include "main/download.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>

#include <curl/curl.h>

namespace hushcast::main {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 4;
constexpr auto kFirstPause = std::chrono::milliseconds(250);  // doubled each time
constexpr long kMaxRedirects = 5;
constexpr long kLeastBytesPerSecond = 100;
constexpr std::size_t kMaxTagBytes = 1'024;  // servers' tags have some tens

struct CurlCloser {
    void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

std::string read_tag(const fs::path& path) {
    std::string tag(kMaxTagBytes, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(tag.data(), static_cast<std::streamsize>(tag.size()));
    tag.resize(static_cast<std::size_t>(file.gcount()));
    return tag;
}

/// One attempt, as libcurl's callbacks see it.
struct Transfer {
    CURL* curl = nullptr;
    fs::path part;
    fs::path tag_file;
    std::uint64_t max_bytes = 0;
    const OnBytes* on_bytes = nullptr;

    std::uint64_t have = 0;  ///< bytes in .part
    std::string etag;
    std::string date;
    std::ofstream file;
    bool begun = false;
    bool too_large = false;
    bool disk_failed = false;
    bool stopped = false;

    /// On the first byte of the body: does it continue what is here, or begin anew?
    bool begin() {
        begun = true;
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        const bool continues = status == 206;
        if (!continues) have = 0;
        file.open(part, std::ios::binary | (continues ? std::ios::app : std::ios::trunc));
        // A weak ETag names equal meaning, not equal bytes (RFC 9110 section 13.1.5).
        const std::string& tag = etag.empty() || etag.starts_with("W/") ? date : etag;
        std::ofstream(tag_file, std::ios::binary | std::ios::trunc) << tag;
        return file.is_open();
    }
};

std::size_t on_header(char* text, std::size_t size, std::size_t count, void* user) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    const std::string_view line(text, size * count);
    const auto value = [&](std::string_view name) -> std::string {
        const bool same = line.size() > name.size() && line[name.size()] == ':' &&
                          std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
                              return a == std::tolower(static_cast<unsigned char>(b));
                          });
        if (!same) return {};
        std::string_view rest = line.substr(name.size() + 1, kMaxTagBytes);
        while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
        while (!rest.empty() && std::isspace(static_cast<unsigned char>(rest.back())) != 0) {
            rest.remove_suffix(1);
        }
        return std::string(rest);
    };
    if (line.starts_with("HTTP/")) {  // a redirect's own headers do not count
        transfer.etag.clear();
        transfer.date.clear();
    }
    if (std::string etag = value("etag"); !etag.empty()) transfer.etag = std::move(etag);
    if (std::string date = value("last-modified"); !date.empty()) transfer.date = std::move(date);
    return line.size();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    const std::size_t bytes = size * count;
    if (!transfer.begun && !transfer.begin()) {
        transfer.disk_failed = true;
        return 0;
    }
    transfer.too_large = transfer.have + bytes > transfer.max_bytes;
    if (transfer.too_large) return 0;
    transfer.file.write(data, static_cast<std::streamsize>(bytes));
    transfer.disk_failed = !transfer.file;
    transfer.have += bytes;
    return transfer.disk_failed ? 0 : bytes;
}

int on_progress(
    void* user, curl_off_t total, curl_off_t now, curl_off_t /*up*/, curl_off_t /*up_total*/) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    const auto before = transfer.have - std::min(transfer.have, static_cast<std::uint64_t>(now));
    const std::uint64_t all = total > 0 ? before + static_cast<std::uint64_t>(total) : 0;
    transfer.stopped = !(*transfer.on_bytes)(transfer.have, all);
    return transfer.stopped ? 1 : 0;
}

struct Outcome {
    std::optional<DownloadError> error;
    bool worth_another_try = false;
};

void set_up(CURL* curl, const std::string& url, const DownloadLimits& limits, Transfer& transfer) {
    const auto patience = static_cast<long>(limits.patience.count());
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMaxRedirects);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "hushcast");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, patience);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kLeastBytesPerSecond);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, patience);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(limits.max_bytes));
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

Outcome explain(const std::string& url, CURLcode code, const Transfer& transfer) {
    const auto fault = [&](const std::string& what, bool again) {
        return Outcome{DownloadError{url + " " + what}, again};
    };
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer.stopped) return fault("was interrupted", false);
    if (transfer.disk_failed) return fault("cannot be stored in " + transfer.part.string(), false);
    if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED) {
        return fault("is larger than what was asked for can be", false);
    }
    switch (code) {
        case CURLE_HTTP_RETURNED_ERROR:
            // 416: what is here is longer than the file, so it is another one.
            return fault("answers with HTTP status " + std::to_string(status),
                         status >= 500 || status == 429 || status == 416);
        case CURLE_TOO_MANY_REDIRECTS: return fault("redirects without end", false);
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT: return fault("is no http or https address", false);
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_PEER_FAILED_VERIFICATION:
            return fault("cannot be reached: " + std::string(curl_easy_strerror(code)), false);
        default:
            return fault("could not be fetched: " + std::string(curl_easy_strerror(code)), true);
    }
}

Outcome attempt(const std::string& url,
                const fs::path& target,
                const DownloadLimits& limits,
                const OnBytes& on_bytes) {
    const std::unique_ptr<CURL, CurlCloser> curl(curl_easy_init());
    if (curl == nullptr) return {DownloadError{"libcurl cannot start"}, false};
    Transfer transfer;
    transfer.curl = curl.get();
    transfer.part = target.string() + ".part";
    transfer.tag_file = target.string() + ".part.tag";
    transfer.max_bytes = limits.max_bytes;
    transfer.on_bytes = &on_bytes;
    set_up(curl.get(), url, limits, transfer);

    std::error_code error;
    const std::uintmax_t size = fs::file_size(transfer.part, error);
    const std::string tag = error ? "" : read_tag(transfer.tag_file);
    std::unique_ptr<curl_slist, CurlCloser> headers;
    if (!error && size > 0 && !tag.empty()) {
        transfer.have = size;
        // By hand and not with CURLOPT_RESUME_FROM, which takes a 200 with the whole file for an
        // error.
        headers.reset(
            curl_slist_append(nullptr, ("Range: bytes=" + std::to_string(size) + "-").c_str()));
        curl_slist_append(headers.get(), ("If-Range: " + tag).c_str());
        curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    }

    const CURLcode code = curl_easy_perform(curl.get());
    transfer.file.close();
    if (code == CURLE_OK && transfer.begun && transfer.file.good()) {
        fs::rename(transfer.part, target, error);
        fs::remove(transfer.tag_file, error);
        return {};
    }
    if (code == CURLE_OK) transfer.disk_failed = transfer.begun;
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status == 416 || transfer.too_large) {
        fs::remove(transfer.part, error);
        fs::remove(transfer.tag_file, error);
    }
    if (code == CURLE_OK && !transfer.begun) return {DownloadError{url + " is empty"}, false};
    return explain(url, code, transfer);
}

}  // namespace

std::optional<DownloadError> download(const std::string& url,
                                      const fs::path& target,
                                      const DownloadLimits& limits,
                                      const OnBytes& on_bytes) {
    Outcome outcome;
    auto pause = kFirstPause;
    for (int i = 0; i < kAttempts; ++i) {
        if (i > 0) {
            std::this_thread::sleep_for(pause);
            pause *= 2;
        }
        outcome = attempt(url, target, limits, on_bytes);
        if (!outcome.worth_another_try) break;
    }
    return outcome.error;
}

}  // namespace hushcast::main
