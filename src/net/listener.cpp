#include "net/listener.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/impl.hpp"
#include "net/loop.hpp"
#include "net/stream_impl.hpp"
#include "net/timer.hpp"

namespace faelled::net {
namespace {

constexpr auto pause_when_out_of_descriptors = 50ms;

}  // namespace

// Shared with the accept under way, which may come to its end when the listener has gone.
struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

  Impl(Loop& owner, int fd, int family)
      : loop(owner),
        acceptor(owner.impl().context, asio::generic::stream_protocol(family, 0), fd),
        retry(owner, [this] { next(); }) {}
  void close() {
    error_code ignored;
    acceptor.close(ignored);
    retry.cancel();
  }

  void next() {
    if (!acceptor.is_open()) return;
    acceptor.async_accept(
        [this, self = shared_from_this()](const error_code& error, asio::generic::stream_protocol::socket socket) {
          if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
          if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
              error == asio::error::no_buffer_space) {
            retry.arm(pause_when_out_of_descriptors);
            return;
          }
          if (!error) {
            if (path.empty()) {
              error_code ignored;
              socket.set_option(asio::ip::tcp::no_delay(true), ignored);
            }
            accepted(Stream(std::make_unique<Stream::Impl>(std::move(socket))));
          }
          next();
        });
  }

  Loop& loop;
  Acceptor acceptor;
  Timer retry;
  std::function<void(Stream)> accepted;
  std::string path;
  std::uint16_t port = 0;
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() {
  if (!impl_) return;
  impl_->close();
  if (!impl_->path.empty()) ::unlink(impl_->path.c_str());
}
Listener::Listener(Listener&&) noexcept = default;

Expected<Listener> Listener::tcp(Loop& loop, const std::string& host, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error)
    return fail(Errc::invalid, fmt::format("cannot listen on {}: it is no IP address", host),
                "write an address such as 127.0.0.1 or 0.0.0.0");
  asio::ip::tcp::acceptor acceptor(loop.impl().context);
  const asio::ip::tcp::endpoint at(address, port);
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(Errc::io, fmt::format("cannot listen on {}:{}: {}", host, port, error.message()),
                "choose another port, or stop the process that uses this one");
  const std::uint16_t bound = acceptor.local_endpoint().port();
  auto impl = std::make_shared<Impl>(loop, acceptor.release(), at.protocol().family());
  impl->port = bound;
  return Listener(std::move(impl));
}

Expected<Listener> Listener::unix_socket(Loop& loop, const std::string& path) {
  sockaddr_un probe{};
  if (path.size() >= sizeof probe.sun_path)
    return fail(Errc::invalid,
                fmt::format("the socket path {} is longer than {} bytes", path, sizeof probe.sun_path - 1),
                "choose a data folder with a shorter path");
  error_code error;
  {
    asio::local::stream_protocol::socket someone(loop.impl().context);
    someone.connect(asio::local::stream_protocol::endpoint(path), error);
    if (!error)
      return fail(Errc::exists, fmt::format("somebody already listens on {}", path), "stop the other server first");
  }
  ::unlink(path.c_str());
  asio::local::stream_protocol::acceptor acceptor(loop.impl().context);
  acceptor.open(asio::local::stream_protocol(), error);
  const mode_t before = ::umask(0177);
  if (!error) acceptor.bind(asio::local::stream_protocol::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(Errc::io, fmt::format("cannot listen on {}: {}", path, error.message()),
                "check the folder's owner and rights");
  auto impl = std::make_shared<Impl>(loop, acceptor.release(), AF_UNIX);
  impl->path = path;
  return Listener(std::move(impl));
}

void Listener::start(std::function<void(Stream)> accepted) {
  impl_->accepted = std::move(accepted);
  impl_->next();
}

void Listener::close() { impl_->close(); }

std::uint16_t Listener::port() const { return impl_->port; }

}  // namespace faelled::net
