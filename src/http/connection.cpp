#include "http/connection.hpp"

#include <fmt/format.h>

#include "net/loop.hpp"

namespace faelled::http {
namespace {

constexpr std::size_t keep_capacity_bytes = 16 * 1024;  // what an idle connection may hold on to
constexpr Duration linger_max = 1s;

void take_front(std::string& buffer, std::size_t bytes) {
  buffer.erase(0, bytes);
  if (buffer.empty() && buffer.capacity() > keep_capacity_bytes) buffer.shrink_to_fit();
}

}  // namespace

Connection::Connection(std::shared_ptr<ConnectionHost> host, net::Stream stream, bool owner)
    : host_(std::move(host)),
      stream_(std::move(stream)),
      owner_(owner),
      parser_(host_->get_bounds().request),
      deadline_(host_->get_loop(),
                [this] {
                  late_ = true;
                  input_.set();
                }),
      stall_(host_->get_loop(), [this] { cut_off(); }) {}

Connection::~Connection() {
  host_->account(-static_cast<std::ptrdiff_t>(accounted_));
  host_->closed(*this);
}

bool Connection::within_bounds() {
  const std::size_t now = in_.capacity() + ahead_.capacity() + out_.capacity();
  const bool grew = now > accounted_;
  const auto by = static_cast<std::ptrdiff_t>(now) - static_cast<std::ptrdiff_t>(accounted_);
  accounted_ = now;
  return host_->account(by) || !grew || owner_ || now <= limits::http_always_served_bytes;
}

void Connection::start() {
  const auto self = shared_from_this();
  host_->get_loop().spawn(serve(self));
  host_->get_loop().spawn(pump(self));
}

void Connection::close_if_idle() {
  keep_ = false;
  if (!handling_ && in_.empty()) cut_off();
}

void Connection::cut_off() {
  stream_.close();
  client_gone();
}

void Connection::client_gone() {
  if (gone_) return;
  gone_ = true;
  if (handling_ && on_gone_) std::exchange(on_gone_, nullptr)();
  if (drain_waits_) sent_event_.set();
}

net::Task<void> Connection::pump([[maybe_unused]] std::shared_ptr<Connection> self) {
  while (true) {
    const net::IoResult ready = co_await stream_.readable();
    const std::span<char> scratch = host_->get_loop().scratch();
    const net::IoResult got = ready.ok() ? stream_.try_read(scratch) : ready;
    if (!got.ok()) break;
    if (got.bytes == 0) continue;
    (handling_ ? ahead_ : in_).append(scratch.data(), got.bytes);
    if (!within_bounds()) too_much_ = true;
    if (!handling_) {
      input_.set();
    } else if (ahead_.size() > host_->get_bounds().pipelined_bytes_max) {
      pump_waits_ = true;
      co_await room_;
    }
  }
  reading_ended_ = true;
  client_gone();
  input_.set();
}

// True: a whole request is in the parser. False: close.
net::Task<bool> Connection::receive() {
  const ServerBounds& bounds = host_->get_bounds();
  late_ = head_only_ = named_ = false;
  bool asked = false;
  auto before = parser_.feed(in_);
  if (before == RequestParser::State::start) deadline_.arm(bounds.idle_max);
  while (true) {
    const auto state = parser_.feed(in_);
    if (state == RequestParser::State::complete) {
      deadline_.cancel();
      co_return true;
    }
    if (state == RequestParser::State::broken) break;
    if (state == RequestParser::State::body && !std::exchange(asked, true) && head_is_refused()) {
      co_await linger();
      co_return false;
    }
    if (parser_.take_expects_continue()) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      flush();
    }
    if (state != before || !deadline_.armed()) {
      before = state;
      if (state == RequestParser::State::head) deadline_.arm(bounds.head_max);
      if (state == RequestParser::State::body) deadline_.arm(bounds.body_max);
    }
    co_await input_;
    if (too_much_ || (late_ && state != RequestParser::State::start)) {
      begun_ = ended_ = keep_ = false;
      const int status = too_much_ ? 503 : 408;
      const ErrorAnswer answer = host_->render_error(
          status, too_much_ ? "the server holds too much for others at the moment; try again in a moment"
                            : "the request did not arrive in time");
      send(status, answer.headers, answer.body);
      co_await linger();
      co_return false;
    }
    if (late_ || reading_ended_ || gone_) co_return false;
  }
  deadline_.cancel();
  begun_ = ended_ = keep_ = false;
  const ErrorAnswer answer = host_->render_error(parser_.status(), parser_.message());
  send(parser_.status(), answer.headers, answer.body);
  co_await linger();
  co_return false;
}

bool Connection::head_is_refused() {
  const Admit& admit = host_->get_admit();
  if (!admit) return false;
  const Request& head = parser_.head();
  begun_ = ended_ = chunked_ = keep_ = false;
  head_only_ = head.method == Method::head;
  named_ = !head.header("host").starts_with("localhost");
  const bool refused = !admit(head, *this);
  keep_ = !refused;
  return refused;
}

// After an answer to a request that was not read whole: closing at once would reset the connection, and the client
// might never see the answer (RFC 9112 section 9.6).
net::Task<void> Connection::linger() {
  stream_.shutdown_write();
  in_.clear();
  late_ = false;
  deadline_.arm(linger_max);
  while (!late_ && !reading_ended_) {
    in_.clear();
    co_await input_;
  }
}

net::Task<void> Connection::serve([[maybe_unused]] std::shared_ptr<Connection> self) {
  const Handler& handler = host_->get_handler();
  while (keep_ && !gone_) {
    if (!co_await receive()) break;
    const Request& request = parser_.request();
    begun_ = ended_ = chunked_ = false;
    head_only_ = request.method == Method::head;
    named_ = !request.header("host").starts_with("localhost");
    // An HTTP/1.0 client would have to be told in words of its own that it may stay.
    keep_ = request.keep_alive && !request.http_1_0 && !host_->is_draining();
    handling_ = true;
    co_await handler(request, *this);
    on_gone_ = nullptr;
    if (!ended_) abort();
    if (unsent() > 0 && !gone_) co_await drained();
    handling_ = false;
    take_front(in_, parser_.consumed());
    in_ += ahead_;
    ahead_.clear();
    too_much_ = false;
    within_bounds();
    parser_.next();
    if (std::exchange(pump_waits_, false)) room_.set();
  }
  if (!gone_) stream_.shutdown_write(!torn_);
  stream_.close();
  gone_ = true;
  deadline_.cancel();
  stall_.cancel();
  if (std::exchange(pump_waits_, false)) room_.set();
}

void Connection::head_lines(int status, std::string_view headers) {
  begun_ = true;
  if (host_->is_draining()) keep_ = false;
  fmt::format_to(std::back_inserter(out_), "HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  out_ += host_->date_line();
  out_ += headers;
  // A browser that has been here under TLS comes back under TLS (RFC 6797). Not for localhost: all its ports share
  // that. The parser's views are not asked: while a request is still coming, bytes move.
  if (stream_.is_tls() && named_) out_ += "Strict-Transport-Security: max-age=31536000\r\n";
  if (!keep_) out_ += "Connection: close\r\n";
}

void Connection::send(int status, std::string_view headers, std::string_view body) {
  if (begun_ || gone_) return;
  head_lines(status, headers);
  if (status == 204 || status == 304) {
    out_ += "\r\n";
  } else {
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n\r\n", body.size());
    if (!head_only_) out_ += body;
  }
  ended_ = true;
  flush();
}

void Connection::begin(int status, std::string_view headers) {
  if (begun_ || gone_) return;
  chunked_ = !parser_.request().http_1_0;
  if (!chunked_) keep_ = false;  // HTTP/1.0 knows the end only by the close
  head_lines(status, headers);
  out_ += chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
}

void Connection::write(std::string_view data) {
  if (!begun_ || ended_ || gone_ || head_only_ || data.empty()) return;
  if (chunked_) fmt::format_to(std::back_inserter(out_), "{:x}\r\n", data.size());
  out_ += data;
  if (chunked_) out_ += "\r\n";
}

void Connection::finish() {
  if (!begun_ || ended_) return;
  ended_ = true;
  if (chunked_ && !gone_ && !head_only_) out_ += "0\r\n\r\n";
  flush();
}

void Connection::abort() {
  ended_ = torn_ = true;
  keep_ = false;
  flush();
  if (unsent() > 0) cut_off();
}

std::string Connection::peer() const {
  if (owner_) return "unix";
  const std::string nearest = stream_.peer();
  const TrustedProxies& proxies = host_->get_proxies();
  return proxies.empty() ? nearest : proxies.client_of(nearest, client_certificate(), parser_.request());
}

void Connection::flush() {
  if (pushing_ || gone_ || unsent() == 0) return;
  const net::IoResult wrote = stream_.try_write(std::string_view(out_).substr(sent_));
  if (!wrote.ok()) return cut_off();
  if (unsent() > wrote.bytes && !within_bounds()) return cut_off();  // a slow reader, while memory is short
  sent_ += wrote.bytes;
  if (unsent() == 0) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > keep_capacity_bytes) out_.shrink_to_fit();
    return;
  }
  pushing_ = true;
  host_->get_loop().spawn(push(shared_from_this()));
}

net::Task<void> Connection::push([[maybe_unused]] std::shared_ptr<Connection> self) {
  const Duration stall_max = host_->get_bounds().write_stall_max;
  stall_.arm(stall_max);
  while (!gone_ && unsent() > 0) {
    net::IoResult wrote = co_await stream_.writable();
    if (wrote.ok()) wrote = stream_.try_write(std::string_view(out_).substr(sent_));
    if (!wrote.ok()) {
      cut_off();
      break;
    }
    if (wrote.bytes > 0) stall_.arm(stall_max);
    sent_ += wrote.bytes;
    if (sent_ == out_.size() || sent_ > host_->get_bounds().unsent_bytes_max) {
      take_front(out_, sent_);
      sent_ = 0;
    }
    if (drain_waits_ && !congested()) sent_event_.set();
  }
  stall_.cancel();
  pushing_ = false;
  if (drain_waits_) sent_event_.set();
}

bool Connection::congested() const { return unsent() > (ended_ ? 0 : host_->get_bounds().unsent_bytes_max); }

net::Task<bool> Connection::drained() {
  while (congested() && !gone_) {
    drain_waits_ = true;
    co_await sent_event_;
    drain_waits_ = false;
  }
  co_return !gone_;
}

}  // namespace faelled::http
