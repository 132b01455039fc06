// Server: HTTP/1.1 connections in, requests to one handler, answers out. Every bound is named in ServerBounds. A client
// that reads slowly costs nobody else: its unsent bytes are bounded and it is cut off when it takes none for too long.
// Owned by main(); loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "crypto/tls_context.hpp"
#include "http/forwarded.hpp"
#include "http/message.hpp"
#include "http/request_parser.hpp"
#include "net/listener.hpp"
#include "net/task.hpp"

namespace faelled::net {
class Loop;
}

namespace faelled::http {

struct ServerBounds {
  RequestBounds request{limits::http_target_bytes_max, limits::http_header_bytes_max, limits::http_headers_max,
                        limits::http_body_bytes_max};
  std::size_t connections_max = limits::http_connections_max;
  std::size_t pipelined_bytes_max = limits::http_pipelined_bytes_max;
  std::size_t unsent_bytes_max = limits::http_unsent_bytes_max;
  std::size_t buffered_bytes_max = limits::http_buffered_bytes_max;
  Duration handshake_max = limits::tls_handshake_max;
  Duration idle_max = limits::http_idle_max;
  Duration head_max = limits::http_head_max;
  Duration body_max = limits::http_body_max;
  Duration write_stall_max = limits::http_write_stall_max;
};

// The client's end of one request. Exactly one of send(), or begin() … finish() or abort(). Writes are gathered and go
// out at flush(), which the handler calls when it has nothing more to add for now.
class Reply {
 public:
  virtual ~Reply() = default;

  // `headers`: lines that each end with CRLF, without Content-Length, Date and Connection.
  virtual void send(int status, std::string_view headers, std::string_view body) = 0;
  virtual void begin(int status, std::string_view headers) = 0;
  virtual void write(std::string_view data) = 0;
  virtual void flush() = 0;
  virtual void finish() = 0;
  // Closes the connection without a proper end, so that no client takes a broken answer for a whole one.
  virtual void abort() = 0;

  virtual bool begun() const = 0;
  // The client has hung up, or was cut off.
  virtual bool gone() const = 0;
  // Called once, on the loop, if that happens before the handler returns.
  virtual void on_gone(std::function<void()> callback) = 0;
  // More unsent bytes than the bound: wait before producing more. False: the client is gone.
  virtual bool congested() const = 0;
  virtual net::Task<bool> drained() = 0;
  // "127.0.0.1:52814", or "unix" for the owner's socket. Where a trusted proxy stands between, the address that it saw.
  // For logs: nothing may be allowed because of it.
  virtual std::string peer() const = 0;
  // The connection is under TLS.
  virtual bool secure() const { return false; }
  // Who the other end of the connection has proven to be by a certificate of an authority in tls.client_ca; null:
  // nobody. No header has a say in it.
  virtual const crypto::Certificate* client_certificate() const { return nullptr; }
  // The request came through the owner-only socket.
  virtual bool from_owner() const = 0;
};

using Handler = std::function<net::Task<void>(const Request&, Reply&)>;
// Asked when a request's head is there and its body is not: false where the reply was given already and nobody wants
// the body. A request that came whole goes to the handler at once, so this may only say earlier what that would.
using Admit = std::function<bool(const Request& head, Reply&)>;
// The context for the next connection.
using TlsSource = std::function<std::shared_ptr<const crypto::TlsContext>()>;
using HandshakeRefused = std::function<void(const std::string& peer, const std::string& why)>;
// An answer that the server gives itself (bad HTTP, too many connections).
struct ErrorAnswer {
  ErrorAnswer(std::string text) : body(std::move(text)) {}
  ErrorAnswer(std::string lines, std::string text) : headers(std::move(lines)), body(std::move(text)) {}
  std::string headers = "Content-Type: text/plain\r\n";  // lines that each end with CRLF
  std::string body;
};
using RenderError = std::function<ErrorAnswer(int status, std::string_view message)>;

class Server {
 public:
  Server(net::Loop& loop, ServerBounds bounds, Handler handler, RenderError render_error);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void serve(net::Listener listener);
  // The same under TLS. Handshakes count as connections, and have handshake_max to end.
  void serve_tls(net::Listener listener, TlsSource source);
  // The same for the owner-only unix socket.
  void serve_owner(net::Listener listener);

  // Set before serving.
  void admit_by(Admit admit);
  void trust_proxies(TrustedProxies proxies);
  void on_handshake_refused(HandshakeRefused callback);

  // Stops accepting, ends idle connections, lets running answers finish until `within`, then cuts them off.
  net::Task<void> drain(Duration within);

  std::size_t connections() const;
  std::size_t refused_connections() const;
  std::size_t handshakes_refused() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace faelled::http
