#include "http/client.hpp"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/limits.hpp"
#include "crypto/tls_session.hpp"
#include "http/response_parser.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"

namespace faelled::http {
namespace {

// Read of one answer before everybody else has a turn: an engine that fills its socket as fast as it is read keeps no
// deadline and nobody's bound from being looked at.
constexpr std::size_t turn_bytes_max = 1024 * 1024;

struct AddressHash {
  std::size_t operator()(const Address& a) const {
    return std::hash<std::string>()(a.unix_path.empty() ? a.host : a.unix_path) * 31 + a.port;
  }
};

struct Idle {
  net::Stream stream;
  Instant since;
};

// As it stands in a URL and in a Host header (RFC 3986 section 3.2.2).
std::string host_of(const Address& address) {
  return address.host.contains(':') ? "[" + address.host + "]" : address.host;
}

std::unexpected<Error> no_tls(const Address& to, Errc code, std::string_view why) {
  return fail(code, fmt::format("no TLS with {}:{}: {}", host_of(to), to.port, why));
}

std::unexpected<Error> broken(const char* what) { return fail(Errc::unavailable, what); }

}  // namespace

// Shared by the client and its exchanges, so that an exchange may outlive the client by a turn.
struct Client::Pool {
  Pool(net::Loop& owner, Duration max) : loop(owner), connect_max(max), sweep(owner, [this] { drop_stale(); }) {}

  std::optional<net::Stream> take(const Address& address) {
    const auto found = idle.find(address);
    if (found == idle.end() || found->second.empty()) return std::nullopt;
    net::Stream stream = std::move(found->second.back().stream);
    found->second.pop_back();
    --count;
    return stream;
  }

  void give(const Address& address, net::Stream stream) {
    if (count >= limits::upstream_idle_connections_max) return;
    idle[address].push_back({std::move(stream), loop.now()});
    ++count;
    if (!sweep.armed()) sweep.arm(limits::upstream_idle_max);
  }

  void drop_stale() {
    const Instant oldest = loop.now() - limits::upstream_idle_max;
    for (auto at = idle.begin(); at != idle.end();) {
      auto& line = at->second;
      const std::size_t before = line.size();
      while (!line.empty() && line.front().since <= oldest) line.pop_front();
      count -= before - line.size();
      at = line.empty() ? idle.erase(at) : std::next(at);
    }
    if (count > 0) sweep.arm(limits::upstream_idle_max / 2);
  }

  net::Loop& loop;
  Duration connect_max;
  net::Timer sweep;
  crypto::TlsClientContexts contexts;
  std::unordered_map<Address, std::deque<Idle>, AddressHash> idle;
  std::size_t count = 0;
};

struct Client::Exchange::Impl {
  Impl(std::shared_ptr<Pool> p, Address a) : shared(std::move(p)), pool(*shared), address(std::move(a)) {}

  net::Task<Expected<void>> connect() {
    reused = ended = false;
    const Instant begun = pool.loop.now();
    auto connected = address.unix_path.empty()
                         ? co_await net::connect_tcp(pool.loop, address.host, address.port, pool.connect_max, &give_up)
                         : co_await net::connect_unix(pool.loop, address.unix_path, pool.connect_max, &give_up);
    if (cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
    if (!connected) co_return std::unexpected(connected.error());
    stream.emplace(std::move(*connected));
    if (!address.tls) co_return Expected<void>();
    auto context = pool.contexts.of(address.files);
    if (!context) co_return std::unexpected(context.error());
    const Duration left = pool.connect_max - (pool.loop.now() - begun);
    auto open = co_await stream->start_tls(pool.loop, crypto::TlsSession::connect(*context, address.host),
                                           std::max<Duration>(left, 1ms));
    if (cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
    if (!open) {
      stream.reset();
      co_return no_tls(address, open.error().code, open.error().message);
    }
    co_return Expected<void>();
  }

  net::Task<Expected<void>> send_wire() {
    if (stream) {
      const net::IoResult sent = co_await stream->write_all(wire);
      if (sent.ok()) co_return Expected<void>();
      // The engine may have answered and closed before it read all of the body: its answer is what matters.
      if (!reused && sent.status == net::IoStatus::eof) co_return Expected<void>();
      if (cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
      if (!reused) co_return broken("the engine closed the connection");
    }
    if (auto connected = co_await connect(); !connected) co_return connected;
    const net::IoResult sent = co_await stream->write_all(wire);
    if (sent.ok() || sent.status == net::IoStatus::eof) co_return Expected<void>();
    if (cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
    co_return broken("the engine closed the connection");
  }

  // What the socket gives next, into the parser. True: progress was made.
  net::Task<Expected<bool>> pump(std::string& body) {
    // An end is told once: on a socket that has said it, another wait would last for ever.
    if (ended) co_return broken("the engine has closed the connection");
    // A read that need not wait would not give it.
    if (turn_bytes >= turn_bytes_max) {
      turn_bytes = 0;
      co_await pool.loop.sleep(0ms);
    }
    net::IoResult got = co_await stream->read_some(first);
    if (cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
    bool more = got.ok() && got.bytes == first.size();
    std::string_view bytes(first.data(), got.bytes);
    while (got.ok() && !bytes.empty()) {
      bytes_seen += bytes.size();
      turn_bytes += bytes.size();
      if (!parser.feed(bytes, body)) co_return fail(Errc::io, "the engine does not speak HTTP");
      if (!more || turn_bytes >= turn_bytes_max) co_return true;
      const std::span<char> scratch = pool.loop.scratch();
      got = stream->try_read(scratch);
      bytes = {scratch.data(), got.bytes};
      more = got.bytes == scratch.size();
    }
    if (got.ok()) co_return true;
    ended = true;
    if (got.status == net::IoStatus::eof && parser.head_complete() && parser.finish()) co_return true;
    // Under TLS 1.3 what the other side has against us comes when the handshake is over for our side.
    if (bytes_seen == 0 && !stream->tls_failure().empty())
      co_return no_tls(address, Errc::unavailable, stream->tls_failure());
    co_return broken(bytes_seen == 0 ? "the engine closed the connection without an answer"
                                     : "the engine broke off in the middle of its answer");
  }

  void release() {
    if (stream && parser.complete() && parser.keep_alive() && stream->is_open()) pool.give(address, std::move(*stream));
    stream.reset();
  }

  bool cancelled() const { return give_up.given_up(); }

  std::shared_ptr<Pool> shared;
  Pool& pool;
  Address address;
  net::GiveUp give_up;
  std::optional<net::Stream> stream;
  ResponseParser parser{limits::upstream_head_bytes_max};
  std::string wire;
  std::array<char, 1024> first{};  // a token's chunk fits; what is longer goes through the loop's scratch
  std::string early;               // body bytes that came with the head
  std::size_t bytes_seen = 0;
  std::size_t turn_bytes = 0;
  bool reused = false;
  bool released = false;
  bool ended = false;  // this connection gives no more bytes
};

Client::Exchange::Exchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Exchange::~Exchange() = default;
Client::Exchange::Exchange(Exchange&&) noexcept = default;
Client::Exchange& Client::Exchange::operator=(Exchange&&) noexcept = default;

net::Task<Expected<void>> Client::Exchange::send(std::string_view method, std::string_view target,
                                                 std::string_view headers, std::string_view body) {
  Impl& me = *impl_;
  if (me.cancelled()) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
  const bool named = me.address.unix_path.empty();
  me.wire.reserve(method.size() + target.size() + headers.size() + body.size() + me.address.host.size() + 96);
  fmt::format_to(std::back_inserter(me.wire), "{} {} HTTP/1.1\r\nHost: {}", method, target,
                 named ? host_of(me.address) : "localhost");
  if (named && me.address.port != (me.address.tls ? 443 : 0))
    fmt::format_to(std::back_inserter(me.wire), ":{}", me.address.port);
  fmt::format_to(std::back_inserter(me.wire), "\r\nContent-Length: {}\r\n", body.size());
  me.wire += headers;
  me.wire += "\r\n";
  me.wire += body;
  me.stream = me.pool.take(me.address);
  me.reused = me.stream.has_value();
  co_return co_await me.send_wire();
}

net::Task<Expected<int>> Client::Exchange::head() {
  Impl& me = *impl_;
  while (!me.parser.head_complete()) {
    if (!me.stream) co_return broken("the engine is not connected");
    auto progress = co_await me.pump(me.early);
    if (progress) continue;
    if (!me.reused || me.bytes_seen > 0 || me.cancelled()) co_return std::unexpected(progress.error());
    // An idle connection that the engine had closed before it saw this request: nothing was processed.
    me.stream.reset();
    if (auto sent = co_await me.send_wire(); !sent) co_return std::unexpected(sent.error());
  }
  me.wire = {};
  co_return me.parser.status();
}

std::string_view Client::Exchange::header(std::string_view name) const { return impl_->parser.header(name); }

net::Task<Expected<bool>> Client::Exchange::read(std::string& body) {
  Impl& me = *impl_;
  if (!me.early.empty()) {
    body += std::exchange(me.early, {});
    co_return true;
  }
  const std::size_t before = body.size();
  while (!me.parser.complete()) {
    if (!me.stream) co_return fail(Errc::cancelled, "nobody waits for this answer any more");
    auto progress = co_await me.pump(body);
    if (!progress) co_return std::unexpected(progress.error());
    if (body.size() > before) break;
  }
  settle();
  co_return body.size() > before;
}

bool Client::Exchange::settle() {
  Impl& me = *impl_;
  if (!me.parser.complete()) return false;
  if (!std::exchange(me.released, true)) me.release();
  return true;
}

net::Task<Expected<std::string>> Client::Exchange::read_all(std::size_t bytes_max) {
  std::string body;
  while (true) {
    auto more = co_await read(body);
    if (!more) co_return std::unexpected(more.error());
    if (body.size() > bytes_max) co_return fail(Errc::too_large, "the engine's answer is too large");
    if (!*more) co_return body;
  }
}

// Whoever waits is resumed on this stack and may end this exchange: nothing of it is touched afterwards.
void Client::Exchange::cancel() {
  if (impl_->give_up.act_) return impl_->give_up.now();  // connecting
  impl_->give_up.now();
  if (impl_->stream) impl_->stream->close();
}

Client::Client(net::Loop& loop, Duration connect_max) : pool_(std::make_shared<Pool>(loop, connect_max)) {}
Client::~Client() = default;

Client::Exchange Client::open(Address address) {
  return Exchange(std::make_unique<Exchange::Impl>(pool_, std::move(address)));
}

net::Task<Expected<Client::Answer>> Client::ask(Address address, std::string method, std::string target,
                                                std::string headers, std::string body, Duration within,
                                                std::size_t bytes_max) {
  Exchange exchange = open(std::move(address));
  bool late = false;
  net::Timer deadline(pool_->loop, [&] {
    late = true;
    exchange.cancel();
  });
  deadline.arm(within);
  const auto timed = [&late](Error error) {
    return late ? Error{Errc::timeout, "no answer in time", {}} : std::move(error);
  };
  if (auto sent = co_await exchange.send(method, target, headers, body); !sent)
    co_return std::unexpected(timed(sent.error()));
  auto status = co_await exchange.head();
  if (!status) co_return std::unexpected(timed(status.error()));
  auto all = co_await exchange.read_all(bytes_max);
  if (!all) co_return std::unexpected(timed(all.error()));
  co_return Answer{*status, std::move(*all)};
}

void Client::forget(const Address& address) {
  if (!address.unix_path.empty()) {
    // By whatever host name they were opened: the socket is the address.
    std::erase_if(pool_->idle, [&](const auto& entry) {
      if (entry.first.unix_path != address.unix_path) return false;
      pool_->count -= entry.second.size();
      return true;
    });
    return;
  }
  if (const auto found = pool_->idle.find(address); found != pool_->idle.end()) {
    pool_->count -= found->second.size();
    pool_->idle.erase(found);
  }
}

}  // namespace faelled::http
