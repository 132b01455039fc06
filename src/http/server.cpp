#include "http/server.hpp"

#include <fmt/format.h>

#include <ctime>
#include <unordered_set>

#include "crypto/tls_session.hpp"
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
  const Admit& get_admit() const override { return admit; }
  const TrustedProxies& get_proxies() const override { return proxies; }
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
    if (draining && nobody_is_here()) empty.set();
  }

  bool nobody_is_here() const { return open.empty() && greeting.empty(); }

  void accept(net::Stream stream, bool owner, const std::shared_ptr<State>& self) {
    if (!owner && is_full()) {  // the operator gets in however crowded it is
      ++refused;
      const ErrorAnswer answer = render(503, "too many connections are open; try again in a moment");
      const std::string text =
          fmt::format("HTTP/1.1 503 Service Unavailable\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
                      answer.headers, answer.body.size(), answer.body);
      stream.try_write(text);
      return;
    }
    begin(std::move(stream), owner, self);
  }

  bool is_full() const { return open.size() + greeting.size() >= bounds.connections_max; }

  void begin(net::Stream stream, bool owner, const std::shared_ptr<State>& self) {
    auto connection = std::make_shared<Connection>(self, std::move(stream), owner);
    open.insert(connection.get());
    connection->start();
  }

  net::Task<void> greet(net::Stream stream, std::shared_ptr<const crypto::TlsContext> context,
                        std::shared_ptr<State> self) {
    const std::string peer = stream.peer();  // of one that hangs up nobody knows it afterwards
    greeting.insert(&stream);
    const auto shaken =
        co_await stream.start_tls(loop, crypto::TlsSession::accept(std::move(context)), bounds.handshake_max);
    greeting.erase(&stream);
    if (draining) {
      if (nobody_is_here()) empty.set();
    } else if (shaken) {
      begin(std::move(stream), false, self);
    } else {
      ++handshakes_refused;
      if (on_handshake_refused) on_handshake_refused(peer, shaken.error().message);
      if (stream.began_in_plain_http())
        stream.try_write(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 46\r\nConnection: close\r\n\r\n"
            "This address speaks TLS: begin it with https.\n");
      stream.shutdown_write(false);
    }
  }

  net::Loop& loop;
  ServerBounds bounds;
  Handler handler;
  RenderError render;
  Admit admit;
  TrustedProxies proxies;
  HandshakeRefused on_handshake_refused;
  std::vector<net::Listener> listeners;
  std::unordered_set<Connection*> open;
  std::unordered_set<net::Stream*> greeting;  // handshakes under way
  std::size_t refused = 0;
  std::size_t handshakes_refused = 0;
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

void Server::serve_tls(net::Listener listener, TlsSource source) {
  state_->listeners.push_back(std::move(listener));
  state_->listeners.back().start([state = state_, source = std::move(source)](net::Stream s) {
    if (state->is_full()) {  // words would cost a handshake
      ++state->refused;
      return;
    }
    state->loop.spawn(state->greet(std::move(s), source(), state));
  });
}

void Server::admit_by(Admit admit) { state_->admit = std::move(admit); }
void Server::trust_proxies(TrustedProxies proxies) { state_->proxies = std::move(proxies); }
void Server::on_handshake_refused(HandshakeRefused callback) { state_->on_handshake_refused = std::move(callback); }

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
  for (net::Stream* stream : std::vector(state.greeting.begin(), state.greeting.end())) stream->close();
  net::Timer deadline(state.loop, [&] {
    for (Connection* connection : everyone())
      if (state.open.contains(connection)) connection->cut_off();  // cutting one off may end another
  });
  deadline.arm(within);
  while (!state.nobody_is_here()) co_await state.empty;
}

std::size_t Server::connections() const { return state_->open.size() + state_->greeting.size(); }
std::size_t Server::refused_connections() const { return state_->refused; }
std::size_t Server::handshakes_refused() const { return state_->handshakes_refused; }

}  // namespace faelled::http
