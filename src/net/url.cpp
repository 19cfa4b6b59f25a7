#include "net/url.hpp"

#include <algorithm>

namespace hushcast::net {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// "." and ".." are refused rather than resolved: no link of ours has them, so whoever sends one is
/// trying something.
bool climbs(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") return true;
        path.remove_prefix(segment.size());
    }
    return false;
}

std::optional<std::string_view> without_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        const std::size_t end = target.find_first_of("/?", scheme.size());
        // An authority with nothing after it stands for "/".
        if (end == std::string_view::npos) return "/";
        if (target[end] == '?') return std::nullopt;
        return target.substr(end);
    }
    if (!target.starts_with('/')) return std::nullopt;
    return target;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[i] == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

std::optional<Target> parse_target(std::string_view target) {
    const auto local = without_authority(target);
    if (!local) return std::nullopt;
    const std::string_view text = local->substr(0, local->find('#'));
    const std::size_t question = text.find('?');

    auto path = percent_decode(text.substr(0, question), false);
    if (!path || climbs(*path) || std::any_of(path->begin(), path->end(), is_control)) {
        return std::nullopt;
    }
    Target parsed{std::move(*path), {}};
    if (question == std::string_view::npos) return parsed;

    std::string_view query = text.substr(question + 1);
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        if (parsed.query.size() == kMaxParameters) return std::nullopt;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(pair.substr(std::min(pair.size(), equals + 1)), true);
        if (!name || !value) return std::nullopt;
        parsed.query.emplace_back(std::move(*name), std::move(*value));
    }
    return parsed;
}

}  // namespace hushcast::net
