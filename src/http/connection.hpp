// Connection: one client's socket. A pump reads ahead, so that a hang-up is seen while an answer is under way; a
// serving task takes one request after the other. Kept alive by those two tasks; the server only knows of it.
#pragma once

#include <memory>
#include <string>

#include "http/request_parser.hpp"
#include "http/server.hpp"
#include "net/event.hpp"
#include "net/stream.hpp"
#include "net/timer.hpp"

namespace faelled::http {

class Connection;

// What a connection needs of its server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual net::Loop& get_loop() = 0;
  virtual const ServerBounds& get_bounds() const = 0;
  virtual const Handler& get_handler() const = 0;
  virtual const Admit& get_admit() const = 0;
  virtual const TrustedProxies& get_proxies() const = 0;
  virtual ErrorAnswer render_error(int status, std::string_view message) const = 0;
  virtual bool is_draining() const = 0;
  virtual std::string_view date_line() = 0;
  virtual void closed(Connection&) = 0;
  // All connections' buffers grew (or shrank) by so much. False: together they hold more than the bound.
  virtual bool account(std::ptrdiff_t bytes) = 0;
};

class Connection final : public Reply, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ConnectionHost> host, net::Stream stream, bool owner);
  ~Connection() override;

  void start();
  void close_if_idle();
  void cut_off();

  void send(int status, std::string_view headers, std::string_view body) override;
  void begin(int status, std::string_view headers) override;
  void write(std::string_view data) override;
  void flush() override;
  void finish() override;
  void abort() override;
  bool begun() const override { return begun_; }
  bool gone() const override { return gone_; }
  void on_gone(std::function<void()> callback) override { on_gone_ = std::move(callback); }
  bool congested() const override;
  net::Task<bool> drained() override;
  std::string peer() const override;
  bool secure() const override { return stream_.is_tls(); }
  const crypto::Certificate* client_certificate() const override { return stream_.peer_certificate(); }
  bool from_owner() const override { return owner_; }

 private:
  net::Task<void> pump(std::shared_ptr<Connection> self);
  net::Task<void> serve(std::shared_ptr<Connection> self);
  net::Task<void> push(std::shared_ptr<Connection> self);
  net::Task<bool> receive();
  net::Task<void> linger();
  bool head_is_refused();
  void head_lines(int status, std::string_view headers);
  void client_gone();
  bool within_bounds();
  std::size_t unsent() const { return out_.size() - sent_; }

  std::shared_ptr<ConnectionHost> host_;
  net::Stream stream_;
  const bool owner_;
  RequestParser parser_;
  std::string in_;     // from the first byte of the request being read or handled
  std::string ahead_;  // came while a request was handled
  std::string out_;
  std::size_t sent_ = 0;
  std::size_t accounted_ = 0;  // bytes of the buffers above, as the server knows them
  net::Event input_;           // bytes, or the end of them
  net::Event room_;            // the pump may read on
  net::Event sent_event_;
  net::Timer deadline_;  // of reading: idle, head, body
  net::Timer stall_;     // of writing
  std::function<void()> on_gone_;
  bool reading_ended_ = false;
  bool late_ = false;
  bool too_much_ = false;
  bool handling_ = false;
  bool pump_waits_ = false;
  bool drain_waits_ = false;
  bool pushing_ = false;
  bool begun_ = false;
  bool chunked_ = false;
  bool ended_ = false;
  bool keep_ = true;
  bool gone_ = false;
  bool head_only_ = false;
  bool named_ = false;  // its host is known, and is another one than localhost
  bool torn_ = false;   // the answer under way was broken off
};

}  // namespace faelled::http
