#include "net/stream.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "net/event.hpp"
#include "net/impl.hpp"
#include "net/loop.hpp"
#include "net/stream_impl.hpp"
#include "net/timer.hpp"

namespace faelled::net {
namespace {

IoStatus status_of(const error_code& error) {
  if (!error) return IoStatus::ok;
  if (error == asio::error::eof || error == asio::error::connection_reset) return IoStatus::eof;
  if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) return IoStatus::closed;
  return IoStatus::failed;
}

}  // namespace

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  error_code ignored;
  impl_->socket.native_non_blocking(true, ignored);
}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

// What TLS has taken from the socket already makes no socket readable.
bool Stream::ReadyAwaiter::await_ready() {
  if (stream.tls == nullptr || for_write || !stream.tls->session.readable()) return false;
  result = {stream.socket.is_open() ? IoStatus::ok : IoStatus::closed, 0};
  return true;
}

void Stream::ReadyAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  stream.socket.async_wait(for_write ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                           [this, waiter](const error_code& error) {
                             result = {status_of(error), 0};
                             waiter.resume();
                           });
}

bool Stream::ReadAwaiter::await_ready() {
  if (stream.tls == nullptr) return false;
  result = stream.socket.is_open() ? stream.read_tls(into) : IoResult{IoStatus::closed, 0};
  return !result.ok() || result.bytes > 0;
}

void Stream::ReadAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  if (stream.tls != nullptr) {
    stream.socket.async_wait(asio::socket_base::wait_read, [this, waiter](const error_code& error) {
      if (error) {
        result = {status_of(error), 0};
      } else if (!await_ready()) {
        return await_suspend(waiter);  // a part of a record
      }
      waiter.resume();
    });
    return;
  }
  stream.socket.async_read_some(asio::buffer(into.data(), into.size()),
                                [this, waiter](const error_code& error, std::size_t bytes) {
                                  result = {status_of(error), bytes};
                                  waiter.resume();
                                });
}

IoResult Stream::try_read(std::span<char> into) {
  if (!impl_->socket.is_open()) return {IoStatus::closed, 0};
  return impl_->tls != nullptr ? impl_->read_tls(into) : impl_->read_wire(into);
}

IoResult Stream::try_write(std::string_view data) {
  if (!impl_->socket.is_open()) return {IoStatus::closed, 0};
  return impl_->tls != nullptr ? impl_->write_tls(data) : impl_->write_wire(data);
}

IoResult Stream::Impl::read_wire(std::span<char> into) {
  while (true) {
    const ssize_t got = ::recv(socket.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return {IoStatus::ok, static_cast<std::size_t>(got)};
    if (got == 0) return {IoStatus::eof, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::ok, 0};
    return {errno == ECONNRESET ? IoStatus::eof : IoStatus::failed, 0};
  }
}

IoResult Stream::Impl::write_wire(std::string_view data) {
  while (true) {
    const ssize_t sent = ::send(socket.native_handle(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return {IoStatus::ok, static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::ok, 0};
    return {errno == EPIPE || errno == ECONNRESET ? IoStatus::eof : IoStatus::failed, 0};
  }
}

Task<IoResult> Stream::write_all(std::string_view data) {
  std::size_t done = 0;
  while (true) {
    const IoResult wrote = try_write(data.substr(done));
    if (!wrote.ok()) co_return wrote;
    done += wrote.bytes;
    if (done == data.size()) co_return IoResult{IoStatus::ok, done};
    const IoResult ready = co_await writable();
    if (!ready.ok()) co_return ready;
  }
}

void Stream::close() {
  error_code ignored;
  impl_->socket.close(ignored);
}

void Stream::shutdown_write(bool whole) {
  error_code ignored;
  if (impl_->tls != nullptr && whole && impl_->socket.is_open()) {
    impl_->tls->session.end();
    impl_->send_records();
  }
  impl_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

bool Stream::is_open() const { return impl_->socket.is_open(); }

std::string Stream::peer() const {
  error_code error;
  const auto endpoint = impl_->socket.remote_endpoint(error);
  if (error) return "gone";
  if (endpoint.protocol().family() == AF_UNIX) return "unix";
  asio::ip::tcp::endpoint tcp;
  tcp.resize(endpoint.size());
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  return tcp.address().is_v6() ? fmt::format("[{}]:{}", tcp.address().to_string(), tcp.port())
                               : fmt::format("{}:{}", tcp.address().to_string(), tcp.port());
}

namespace {

constexpr auto pause_when_line_is_full = 5ms;

std::unexpected<Error> given_up() { return fail(Errc::cancelled, "nobody waits for this connection any more"); }
std::unexpected<Error> too_long(const std::string& where) {
  return fail(Errc::timeout, fmt::format("connecting to {} took too long", where));
}

// One wait that ends by its own event, at `until` or when it is given up. Waits are shared with the operation under
// way, which may come to its end when nobody waits any more.
struct Wait {
  Event over;
  error_code error;
  bool ended = false;
  std::vector<asio::ip::tcp::endpoint> found;

  void end(const error_code& result) {
    if (std::exchange(ended, true)) return;
    error = result;
    over.set();
  }
};

Task<void> ends_within(Loop& loop, std::shared_ptr<Wait> wait, Instant until, GiveUp* give_up) {
  Timer deadline(loop, [wait] { wait->end(asio::error::timed_out); });
  deadline.arm_at(until);
  if (give_up != nullptr) give_up->act_ = [wait] { wait->end(asio::error::operation_aborted); };
  while (!wait->ended) co_await wait->over;
  if (give_up != nullptr) give_up->act_ = nullptr;
}

Task<Expected<std::vector<asio::ip::tcp::endpoint>>> resolve(Loop& loop, std::string host, std::uint16_t port,
                                                             Instant until, GiveUp* give_up) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return std::vector{asio::ip::tcp::endpoint(address, port)};
  auto resolver = std::make_shared<asio::ip::tcp::resolver>(loop.impl().context);
  const auto wait = std::make_shared<Wait>();
  resolver->async_resolve(host, std::to_string(port),
                          [wait, resolver](const error_code& result, const asio::ip::tcp::resolver::results_type& all) {
                            if (!wait->ended)
                              for (const auto& entry : all) wait->found.push_back(entry.endpoint());
                            wait->end(result);
                          });
  co_await ends_within(loop, wait, until, give_up);
  if (wait->error == asio::error::timed_out) co_return too_long(host);
  if (wait->error == asio::error::operation_aborted) co_return given_up();
  if (wait->error) co_return fail(Errc::unavailable, fmt::format("cannot resolve {}: {}", host, wait->error.message()));
  co_return wait->found;
}

}  // namespace

Task<Expected<Stream>> connect_tcp(Loop& loop, std::string host, std::uint16_t port, Duration within, GiveUp* give_up) {
  if (give_up != nullptr && give_up->given_up()) co_return given_up();
  const Instant until = loop.now() + within;
  const auto endpoints = co_await resolve(loop, host, port, until, give_up);
  if (!endpoints) co_return std::unexpected(endpoints.error());
  const std::string where = fmt::format("{}:{}", host, port);
  error_code last;
  for (const auto& endpoint : *endpoints) {
    asio::ip::tcp::socket socket(loop.impl().context);
    const auto wait = std::make_shared<Wait>();
    socket.async_connect(endpoint, [wait](const error_code& result) { wait->end(result); });
    co_await ends_within(loop, wait, until, give_up);
    if (wait->error == asio::error::timed_out && loop.now() >= until) co_return too_long(where);
    if (wait->error == asio::error::operation_aborted) co_return given_up();
    last = wait->error;
    if (last) continue;
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);  // a token must not wait for the next one
    co_return Stream(std::make_unique<Stream::Impl>(asio::generic::stream_protocol::socket(std::move(socket))));
  }
  co_return fail(Errc::unavailable, fmt::format("cannot connect to {}: {}", where, last.message()));
}

// A unix socket connects at once or not at all. EAGAIN: its line is full; Asio would take that for "under way" and the
// socket, writable as it is, for connected.
Task<Expected<Stream>> connect_unix(Loop& loop, std::string path, Duration within, GiveUp* give_up) {
  if (give_up != nullptr && give_up->given_up()) co_return given_up();
  sockaddr_un at{};
  if (path.size() >= sizeof at.sun_path)
    co_return fail(Errc::invalid,
                   fmt::format("the socket path {} is longer than {} bytes", path, sizeof at.sun_path - 1),
                   "choose a data folder with a shorter path");
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  const Instant until = loop.now() + within;
  asio::local::stream_protocol::socket socket(loop.impl().context);
  error_code error;
  socket.open(asio::local::stream_protocol(), error);
  if (!error) socket.native_non_blocking(true, error);
  if (error) co_return fail(Errc::unavailable, fmt::format("cannot connect to {}: {}", path, error.message()));
  while (::connect(socket.native_handle(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      error.assign(errno, boost::system::system_category());
      co_return fail(Errc::unavailable, fmt::format("cannot connect to {}: {}", path, error.message()));
    }
    if (loop.now() >= until) co_return too_long(path);
    const auto wait = std::make_shared<Wait>();
    co_await ends_within(loop, wait, std::min(until, loop.now() + pause_when_line_is_full), give_up);
    if (wait->error == asio::error::operation_aborted) co_return given_up();
  }
  co_return Stream(std::make_unique<Stream::Impl>(asio::generic::stream_protocol::socket(std::move(socket))));
}

}  // namespace faelled::net
