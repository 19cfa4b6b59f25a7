// Errors as application/problem+json (RFC 9457).
#pragma once

#include <string_view>

#include "net/http_server.hpp"

namespace hushcast::net {

/// "Not Found" for 404; "Error" for a number we never send.
std::string_view reason_phrase(int status);

/// @param detail  a sentence for people; any bytes.
HttpResponse problem(int status, std::string_view detail);

}  // namespace hushcast::net
