#include "api/router.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace hushcast::api {
namespace {

class RouterTest : public testing::Test {
protected:
    RouterTest() {
        for (const char* method : {"GET", "DELETE"}) {
            router_.add(method, "/a/<name>/<id>/",
                        [method](const auto&, const Router::Places& places, const auto& reply) {
                            reply({200, {}, method + (' ' + places[0] + ' ' + places[1])});
                        });
        }
        router_.add("POST", "/a/all", [](const auto&, const auto&, const auto& reply) {
            reply({204, {}, std::string()});
        });
    }

    std::optional<net::HttpResponse> ask(const std::string& method, const std::string& path) {
        net::HttpRequest request;
        request.method = method;
        request.path = path;
        std::optional<net::HttpResponse> answer;
        const bool fits = router_.route(
            request, [&](net::HttpResponse response) { answer = std::move(response); });
        EXPECT_EQ(fits, answer.has_value());
        return answer;
    }

    Router router_;
};

TEST_F(RouterTest, GivesWhatStandsInThePlaces) {
    EXPECT_EQ(std::get<std::string>(ask("GET", "/a/x/y")->body), "GET x y");
    EXPECT_EQ(std::get<std::string>(ask("DELETE", "/a/x/y/")->body), "DELETE x y");
    EXPECT_EQ(std::get<std::string>(ask("HEAD", "/a/x/y")->body), "GET x y");
    EXPECT_EQ(ask("POST", "/a/all/")->status, 204);
}

TEST_F(RouterTest, TellsAWrongMethodFromAWrongAddress) {
    const auto wrong = ask("POST", "/a/x/y");
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->status, 405);
    EXPECT_EQ(wrong->headers.back(),
              (std::pair<std::string, std::string>("Allow", "DELETE, GET, HEAD")));
    for (const char* path : {"/", "/a", "/a/x", "/a/x/y/z", "/b/x/y", "/a//x/y", "//a/all"}) {
        EXPECT_FALSE(ask("GET", path)) << path;
    }
    EXPECT_FALSE(ask("GET", std::string(10'000, '/')));
}

}  // namespace
}  // namespace hushcast::api
