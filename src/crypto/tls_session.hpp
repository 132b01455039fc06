// TlsSession: one TLS connection without its socket: bytes of the wire in and out, plain text out and in. It knows no
// clock and never waits, so it is tested and fuzzed alone; net::Stream drives it. Owned by its stream; one thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/certificate.hpp"
#include "crypto/tls_context.hpp"

namespace faelled::crypto {

class TlsSession {
 public:
  // The side that answers.
  static TlsSession accept(std::shared_ptr<const TlsContext> context);
  // The side that asks. `host`, a name or an address, is what the other's certificate must be for.
  static TlsSession connect(std::shared_ptr<const TlsContext> context, const std::string& host);
  ~TlsSession();
  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;

  enum class Step : std::uint8_t {
    more,    // needs more bytes of the wire
    done,    // handshake: open; read: `bytes` of plain text
    ended,   // read: the other side has said that this was all (close_notify)
    failed,  // why() says why; what is outgoing() tells the other side
  };
  struct Result {
    Step step = Step::failed;
    std::size_t bytes = 0;
  };

  // What came from the wire; kept until the calls below have taken it. At most what one read of a socket gives.
  void receive(std::string_view wire);
  Step handshake();
  // After the handshake. Fills `into` as far as whole records reach.
  Result read(std::span<char> into);
  // Puts all of `plain` into records. False: failed.
  bool write(std::string_view plain);
  // Says that this was all. Nothing may be written afterwards.
  void end();

  // What must go to the wire, and that so much of it has.
  std::string_view outgoing() const;
  void sent(std::size_t bytes);

  // read() may give more without more of the wire.
  bool readable() const;
  // Why it failed, in words for an operator: "its certificate has expired".
  const std::string& why() const;
  // The other side began in plain HTTP.
  bool is_plain_http() const;
  // The other side's certificate, verified up to an authority we trust and, for connect(), for its host; none: it
  // showed none.
  const std::optional<Certificate>& peer() const;

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace faelled::crypto
