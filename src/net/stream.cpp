#include "net/stream.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

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

void Stream::ReadyAwaiter::await_suspend(std::coroutine_handle<> waiter) {
  stream.socket.async_wait(for_write ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                           [this, waiter](const error_code& error) {
                             result = {status_of(error), 0};
                             waiter.resume();
                           });
}

IoResult Stream::try_read(std::span<char> into) {
  if (!impl_->socket.is_open()) return {IoStatus::closed, 0};
  while (true) {
    const ssize_t got = ::recv(impl_->socket.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) return {IoStatus::ok, static_cast<std::size_t>(got)};
    if (got == 0) return {IoStatus::eof, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::ok, 0};
    return {errno == ECONNRESET ? IoStatus::eof : IoStatus::failed, 0};
  }
}

IoResult Stream::try_write(std::string_view data) {
  if (!impl_->socket.is_open()) return {IoStatus::closed, 0};
  while (true) {
    const ssize_t sent = ::send(impl_->socket.native_handle(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
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

void Stream::shutdown_write() {
  error_code ignored;
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

bool Stream::quiet() const {
  if (!impl_->socket.is_open()) return false;
  pollfd fd{impl_->socket.native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&fd, 1, 0) == 0;
}

namespace {

// The socket is shared with the pending operation, because a connect that ran out of time is closed by its deadline.
template <class Socket, class Start>
Task<Expected<Stream>> connect_within(Loop& loop, std::shared_ptr<Socket> socket, Duration within, Start start,
                                      std::string where) {
  Event done;
  error_code error;
  bool late = false;
  Timer deadline(loop, [&late, socket] {
    late = true;
    error_code ignored;
    socket->close(ignored);
  });
  deadline.arm(within);
  start(*socket, [&done, &error](const error_code& result) {
    error = result;
    done.set();
  });
  co_await done;
  if (late) co_return fail(Errc::timeout, fmt::format("connecting to {} took too long", where));
  if (error) co_return fail(Errc::unavailable, fmt::format("cannot connect to {}: {}", where, error.message()));
  co_return Stream(std::make_unique<Stream::Impl>(asio::generic::stream_protocol::socket(std::move(*socket))));
}

Task<Expected<asio::ip::tcp::endpoint>> resolve(Loop& loop, std::string host, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) co_return asio::ip::tcp::endpoint(address, port);
  auto resolver = std::make_shared<asio::ip::tcp::resolver>(loop.impl().context);
  Event done;
  asio::ip::tcp::endpoint found;
  resolver->async_resolve(host, std::to_string(port),
                          [&](const error_code& result, const asio::ip::tcp::resolver::results_type& all) {
                            error = result;
                            if (!error && !all.empty()) found = all.begin()->endpoint();
                            done.set();
                          });
  co_await done;
  if (error) co_return fail(Errc::unavailable, fmt::format("cannot resolve {}: {}", host, error.message()));
  co_return found;
}

}  // namespace

Task<Expected<Stream>> connect_tcp(Loop& loop, std::string host, std::uint16_t port, Duration within) {
  const auto endpoint = co_await resolve(loop, host, port);
  if (!endpoint) co_return std::unexpected(endpoint.error());
  auto socket = std::make_shared<asio::ip::tcp::socket>(loop.impl().context);
  auto start = [at = *endpoint](asio::ip::tcp::socket& s, auto handler) {
    s.async_connect(at, [&s, handler = std::move(handler)](const error_code& error) {
      error_code ignored;
      if (!error) s.set_option(asio::ip::tcp::no_delay(true), ignored);  // a token must not wait for the next one
      handler(error);
    });
  };
  co_return co_await connect_within(loop, std::move(socket), within, std::move(start), fmt::format("{}:{}", host, port));
}

Task<Expected<Stream>> connect_unix(Loop& loop, std::string path, Duration within) {
  sockaddr_un probe{};
  if (path.size() >= sizeof probe.sun_path)
    co_return fail(Errc::invalid, fmt::format("the socket path {} is longer than {} bytes", path, sizeof probe.sun_path - 1),
                   "choose a data folder with a shorter path");
  auto socket = std::make_shared<asio::local::stream_protocol::socket>(loop.impl().context);
  auto start = [path](asio::local::stream_protocol::socket& s, auto handler) {
    s.async_connect(asio::local::stream_protocol::endpoint(path), std::move(handler));
  };
  co_return co_await connect_within(loop, std::move(socket), within, std::move(start), path);
}

}  // namespace faelled::net
