// A Stream's TLS: carries bytes between the socket and a crypto::TlsSession.
#include "base/limits.hpp"
#include "net/loop.hpp"
#include "net/stream_impl.hpp"
#include "net/timer.hpp"

namespace faelled::net {
namespace {

constexpr std::size_t record_bytes_max = 17 * 1024;  // with its head and tag

using Step = crypto::TlsSession::Step;

}  // namespace

IoStatus Stream::Impl::send_records() {
  while (!tls->session.outgoing().empty()) {
    const IoResult wrote = write_wire(tls->session.outgoing());
    if (!wrote.ok()) return wrote.status;
    if (wrote.bytes == 0) break;
    tls->session.sent(wrote.bytes);
  }
  return IoStatus::ok;
}

IoResult Stream::Impl::read_tls(std::span<char> into) {
  char wire[record_bytes_max];
  while (true) {
    const auto got = tls->session.read(into);
    // Reading may owe an answer (new keys, an alert). What the kernel does not take goes out with the next write.
    if (!tls->session.outgoing().empty()) send_records();
    if (got.step == Step::done) return {IoStatus::ok, got.bytes};
    if (got.step == Step::ended) return {IoStatus::eof, 0};
    if (got.step == Step::failed) return {IoStatus::failed, 0};
    const IoResult came = read_wire(wire);
    // An end without a word may be somebody who cuts an answer short.
    if (came.status == IoStatus::eof) return {IoStatus::failed, 0};
    if (!came.ok() || came.bytes == 0) return came;
    tls->session.receive({wire, came.bytes});
  }
}

// Plain bytes count as written when the kernel has their records whole. Until then the caller gives them again, and
// they are only remembered, not put into records twice.
IoResult Stream::Impl::write_tls(std::string_view data) {
  std::size_t done = 0;
  while (true) {
    if (const IoStatus status = send_records(); status != IoStatus::ok) return {status, 0};
    if (!tls->session.outgoing().empty()) return {IoStatus::ok, done};
    done += std::exchange(tls->under_way, 0);
    if (done >= data.size()) return {IoStatus::ok, done};
    const std::string_view next = data.substr(done, limits::tls_write_bytes_max);
    if (!tls->session.write(next)) return {IoStatus::failed, 0};
    tls->under_way = next.size();
  }
}

Task<Expected<void>> Stream::start_tls(Loop& loop, crypto::TlsSession session, Duration within) {
  impl_->tls = std::make_unique<Impl::Tls>(std::move(session));
  Impl& me = *impl_;
  bool late = false;
  Timer deadline(loop, [&] {
    late = true;
    close();
  });
  deadline.arm(within);
  const auto over = [&late](IoStatus status) {
    if (late) return fail(Errc::timeout, "the TLS handshake took too long");
    if (status == IoStatus::closed) return fail(Errc::cancelled, "nobody waits for this connection any more");
    return fail(Errc::unavailable, "the other side hung up during the TLS handshake");
  };
  const std::span<char> wire = loop.scratch();
  while (true) {
    const Step step = me.tls->session.handshake();
    if (step == Step::failed) {
      if (is_open()) me.send_records();  // the alert
      co_return fail(Errc::unavailable, me.tls->session.why());
    }
    while (!me.tls->session.outgoing().empty()) {
      if (const IoStatus status = me.send_records(); status != IoStatus::ok) co_return over(status);
      if (me.tls->session.outgoing().empty()) break;
      if (const IoResult ready = co_await writable(); !ready.ok()) co_return over(ready.status);
    }
    if (step == Step::done) co_return Expected<void>();
    const IoResult came = is_open() ? me.read_wire(wire) : IoResult{IoStatus::closed, 0};
    if (!came.ok()) co_return over(came.status);
    if (came.bytes > 0) {
      me.tls->session.receive({wire.data(), came.bytes});
    } else if (const IoResult ready = co_await readable(); !ready.ok()) {
      co_return over(ready.status);
    }
  }
}

bool Stream::is_tls() const { return impl_->tls != nullptr; }

const crypto::Certificate* Stream::peer_certificate() const {
  if (impl_->tls == nullptr || !impl_->tls->session.peer()) return nullptr;
  return &*impl_->tls->session.peer();
}

std::string_view Stream::tls_failure() const {
  return impl_->tls == nullptr ? std::string_view() : std::string_view(impl_->tls->session.why());
}

bool Stream::began_in_plain_http() {
  if (impl_->tls == nullptr || !impl_->tls->session.is_plain_http()) return false;
  impl_->tls.reset();
  return true;
}

}  // namespace faelled::net
