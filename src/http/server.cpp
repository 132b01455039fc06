#include "http/server.hpp"

#include <fmt/format.h>

#include <ctime>
#include <unordered_set>

#include "http/connection.hpp"
#include "net/event.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"

namespace faelled::http {

struct Server::State : ConnectionHost {
  State(net::Loop& owner, ServerBounds b, Handler h, RenderError e)
      : loop(owner), bounds(b), handler(std::move(h)), render(std::move(e)) {}

  net::Loop& get_loop() override { return loop; }
  const ServerBounds& get_bounds() const override { return bounds; }
  const Handler& get_handler() const override { return handler; }
  ErrorAnswer render_error(int status, std::string_view message) const override { return render(status, message); }
  bool is_draining() const override { return draining; }

  std::string_view date_line() override {
    const std::time_t now = std::time(nullptr);
    if (now != date_at) {
      date_at = now;
      std::tm utc{};
      ::gmtime_r(&now, &utc);
      char text[64];
      const std::size_t size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
      date.assign(text, size);
    }
    return date;
  }

  bool account(std::ptrdiff_t bytes) override {
    buffered = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(buffered) + bytes);
    return buffered <= bounds.buffered_bytes_max;
  }

  void closed(Connection& connection) override {
    open.erase(&connection);
    if (draining && open.empty()) empty.set();
  }

  void accept(net::Stream stream, bool owner, const std::shared_ptr<State>& self) {
    if (!owner && open.size() >= bounds.connections_max) {  // the operator gets in however crowded it is
      ++refused;
      const ErrorAnswer answer = render(503, "too many connections are open; try again in a moment");
      const std::string text =
          fmt::format("HTTP/1.1 503 Service Unavailable\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                      answer.headers, answer.body.size(), answer.body);
      stream.try_write(text);
      return;
    }
    auto connection = std::make_shared<Connection>(self, std::move(stream), owner);
    open.insert(connection.get());
    connection->start();
  }

  net::Loop& loop;
  ServerBounds bounds;
  Handler handler;
  RenderError render;
  std::vector<net::Listener> listeners;
  std::unordered_set<Connection*> open;
  std::size_t refused = 0;
  std::size_t buffered = 0;  // bytes in all connections' buffers
  bool draining = false;
  net::Event empty;
  std::time_t date_at = 0;
  std::string date;
};

Server::Server(net::Loop& loop, ServerBounds bounds, Handler handler, RenderError render_error)
    : state_(std::make_shared<State>(loop, bounds, std::move(handler), std::move(render_error))) {}

Server::~Server() {
  for (net::Listener& listener : state_->listeners) listener.close();
  state_->listeners.clear();  // their callbacks hold the state
}

void Server::serve(net::Listener listener) {
  state_->listeners.push_back(std::move(listener));
  state_->listeners.back().start([state = state_](net::Stream s) { state->accept(std::move(s), false, state); });
}

void Server::serve_owner(net::Listener listener) {
  state_->listeners.push_back(std::move(listener));
  state_->listeners.back().start([state = state_](net::Stream s) { state->accept(std::move(s), true, state); });
}

net::Task<void> Server::drain(Duration within) {
  State& state = *state_;
  state.draining = true;
  for (net::Listener& listener : state.listeners) listener.close();
  const auto everyone = [&state] { return std::vector<Connection*>(state.open.begin(), state.open.end()); };
  for (Connection* connection : everyone()) connection->close_if_idle();
  net::Timer deadline(state.loop, [&] {
    for (Connection* connection : everyone())
      if (state.open.contains(connection)) connection->cut_off();  // cutting one off may end another
  });
  deadline.arm(within);
  while (!state.open.empty()) co_await state.empty;
}

std::size_t Server::connections() const { return state_->open.size(); }
std::size_t Server::refused_connections() const { return state_->refused; }

}  // namespace faelled::http
