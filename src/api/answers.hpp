// Answers that several routes give.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "broadcast/switchboard.hpp"
#include "net/http_server.hpp"

namespace hushcast::api {

net::HttpResponse json_response(const boost::json::value& value);
net::HttpResponse failure_response(const broadcast::Failure& failure);
net::HttpResponse no_such_name();
net::HttpResponse forbidden();

/// The media type without parameters, in lower case.
std::string media_type(const net::HttpRequest& request);

/// Reads a JSON body; answers itself, and gives nothing, when that cannot be done.
/// @param plain_text_too  for beacons, which may only send text.
std::optional<boost::json::object> read_json(const net::HttpRequest& request,
                                             const net::HttpServer::Reply& reply,
                                             bool plain_text_too);

boost::json::value status_json(const broadcast::StreamStatus& status);
/// Of somebody who does not stream.
boost::json::value silent_json(std::string_view name);

}  // namespace hushcast::api
