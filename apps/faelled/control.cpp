#include "control.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "config/config.hpp"
#include "http/client.hpp"
#include "json/document.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"

namespace faelled::app {
namespace {

// A source of models may be asked many times before the server answers, each of them limits::fetch_question_max.
constexpr auto answer_max = 10min;
constexpr auto silent_max = 10s;
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;

net::Task<void> ask(http::Client& client, http::Address address, std::string method, std::string target,
                    std::string body, std::optional<Expected<http::Client::Answer>>& out, net::Loop& loop) {
  out = co_await client.ask(std::move(address), std::move(method), std::move(target),
                            "Content-Type: application/json\r\n", std::move(body), answer_max, answer_bytes_max);
  loop.stop();
}

}  // namespace

Expected<Control> Control::of(const std::string& config_file) {
  auto data = config::data_folder(config_file);
  if (!data) return std::unexpected(data.error());
  return Control((*data / "control.sock").string());
}

Expected<std::string> Control::call(std::string method, std::string target, std::string body) const {
  net::Loop loop;
  http::Client client(loop);
  std::optional<Expected<http::Client::Answer>> answer;
  loop.spawn(
      ask(client, {socket_, "localhost", 0}, std::move(method), std::move(target), std::move(body), answer, loop));
  net::Timer silence(loop, [] {
    std::fputs("faelled: the server is still at it; waiting (Ctrl-C: no longer, and it may go on with it)\n", stderr);
  });
  silence.arm(silent_max);
  if (!answer) loop.run();
  if (!*answer && (*answer).error().code != Errc::unavailable)
    return fail((*answer).error().code, fmt::format("{}: {}", socket_, (*answer).error().message),
                "the server's log may say more");
  if (!*answer)
    return fail(Errc::unavailable, fmt::format("no server answers on {}", socket_),
                "start it with 'faelled serve --config FILE', or name its configuration with --config; only the user "
                "it runs as may ask");
  if ((*answer)->status / 100 == 2) return (*answer)->body;
  json::Document document;
  std::string message = fmt::format("the server answered {}", (*answer)->status);
  if (auto root = document.parse((*answer)->body)) {
    const auto error = root->find("error");
    const auto text = error ? error->find("message") : std::nullopt;
    if (text) message = text->text().value_or(message);
  }
  return fail((*answer)->status == 404 ? Errc::not_found : Errc::invalid, message);
}

}  // namespace faelled::app
