#include "crypto/tls_session.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "crypto/tls_context_impl.hpp"

namespace faelled::crypto {
namespace {

// Both directions' bytes of the wire, as OpenSSL sees them through a BIO of our own: a memory BIO would hold on to the
// largest buffer it ever had, for each of ten thousand quiet connections.
struct Wire {
  std::string in;
  std::size_t taken = 0;
  std::string out;
  std::size_t sent = 0;

  static Wire& of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    Wire& self = of(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t bytes = std::min(self.in.size() - self.taken, static_cast<std::size_t>(std::max(size, 0)));
    if (bytes == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, self.in.data() + self.taken, bytes);
    self.taken += bytes;
    if (self.taken == self.in.size()) self.drop(self.in, self.taken);
    return static_cast<int>(bytes);
  }

  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    of(bio).out.append(from, static_cast<std::size_t>(std::max(size, 0)));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static void drop(std::string& buffer, std::size_t& at) {
    buffer.clear();
    at = 0;
    if (buffer.capacity() > limits::tls_idle_bytes_max) buffer.shrink_to_fit();
  }

  static const BIO_METHOD* method() {
    static const Owned<BIO_METHOD> made = [] {
      Owned<BIO_METHOD> m(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "faelled wire"));
      FAELLED_CHECK(m != nullptr && BIO_meth_set_read(m.get(), read) == 1 && BIO_meth_set_write(m.get(), write) == 1 &&
                        BIO_meth_set_ctrl(m.get(), control) == 1,
                    "a BIO's methods can be set");
      return m;
    }();
    return made.get();
  }
};

// What an operator can do something about, in plain words; the rest as OpenSSL says it.
std::string of_verification(long result) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate is not valid yet (or a clock is wrong)";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is for another name";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "its certificate is from an authority that is not trusted here";
    default:
      return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(result);
  }
}

bool is_address(const std::string& host) {
  unsigned char raw[16];
  return inet_pton(AF_INET, host.c_str(), raw) == 1 || inet_pton(AF_INET6, host.c_str(), raw) == 1;
}

}  // namespace

struct TlsSession::Impl {
  explicit Impl(std::shared_ptr<const TlsContext> c)
      : context(std::move(c)), ssl(SSL_new(context->impl().context.get())) {
    BIO* bio = BIO_new(Wire::method());
    FAELLED_CHECK(ssl != nullptr && bio != nullptr, "there is memory for a session");
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);
  }

  // After a call that did not do what it should. `more` where it lacks bytes, else it has failed for good.
  Step of(int result) {
    const int error = SSL_get_error(ssl.get(), result);
    if (error == SSL_ERROR_WANT_READ) {
      ERR_clear_error();
      return Step::more;
    }
    if (error == SSL_ERROR_ZERO_RETURN) return Step::ended;
    failed = true;
    const unsigned long code = ERR_peek_last_error();
    plain_http = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
    const long verified = SSL_get_verify_result(ssl.get());
    const bool about_certificate =
        ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    why = plain_http ? "it speaks plain HTTP" : newest_reason();
    if (about_certificate && verified != X509_V_OK) why = of_verification(verified);
    ERR_clear_error();
    return Step::failed;
  }

  std::shared_ptr<const TlsContext> context;
  Wire wire;  // outlives ssl, whose BIO points at it
  Owned<SSL> ssl;
  std::optional<Certificate> peer;
  std::string why;
  bool open = false;
  bool failed = false;
  bool plain_http = false;
};

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;

TlsSession TlsSession::accept(std::shared_ptr<const TlsContext> context) {
  auto impl = std::make_unique<Impl>(std::move(context));
  SSL_set_accept_state(impl->ssl.get());
  return TlsSession(std::move(impl));
}

TlsSession TlsSession::connect(std::shared_ptr<const TlsContext> context, const std::string& host) {
  auto impl = std::make_unique<Impl>(std::move(context));
  SSL* ssl = impl->ssl.get();
  SSL_set_connect_state(ssl);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool ok = is_address(host)
                      ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1
                      : SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!ok) {
    impl->failed = true;
    impl->why = "its address is no name that a certificate could be for";
    ERR_clear_error();
  }
  return TlsSession(std::move(impl));
}

void TlsSession::receive(std::string_view wire) { impl_->wire.in += wire; }

TlsSession::Step TlsSession::handshake() {
  Impl& me = *impl_;
  if (me.open) return Step::done;
  if (me.failed) return Step::failed;
  ERR_clear_error();
  const int result = SSL_do_handshake(me.ssl.get());
  if (result != 1) {
    const Step step = me.of(result);
    if (step != Step::ended) return step;
    me.failed = true;
    me.why = "it broke off the handshake";
    return Step::failed;
  }
  if (const Owned<X509> theirs(SSL_get1_peer_certificate(me.ssl.get())); theirs != nullptr) {
    // With SSL_VERIFY_PEER a bad one has ended the handshake; this is the second lock on the same door.
    if (SSL_get_verify_result(me.ssl.get()) != X509_V_OK) {
      me.failed = true;
      me.why = of_verification(SSL_get_verify_result(me.ssl.get()));
      return Step::failed;
    }
    me.peer = describe(theirs.get());
  }
  me.open = true;
  return Step::done;
}

TlsSession::Result TlsSession::read(std::span<char> into) {
  Impl& me = *impl_;
  Result result{me.failed || !me.open ? Step::failed : Step::more, 0};
  while (result.step != Step::failed && result.bytes < into.size()) {
    ERR_clear_error();
    std::size_t got = 0;
    const int status = SSL_read_ex(me.ssl.get(), into.data() + result.bytes, into.size() - result.bytes, &got);
    if (status != 1) {
      const Step step = me.of(status);
      if (result.bytes == 0) result.step = step;  // else it is said at the next call
      break;
    }
    result.bytes += got;
    result.step = Step::done;
  }
  // A client that only asks for new keys makes us owe answers that nobody takes.
  if (me.wire.out.size() - me.wire.sent > limits::tls_unsent_bytes_max) {
    me.failed = true;
    me.why = "it takes none of our answers";
    return {Step::failed, 0};
  }
  return result;
}

bool TlsSession::write(std::string_view plain) {
  Impl& me = *impl_;
  if (me.failed || !me.open) return false;
  if (plain.empty()) return true;
  ERR_clear_error();
  std::size_t wrote = 0;
  const int status = SSL_write_ex(me.ssl.get(), plain.data(), plain.size(), &wrote);
  if (status == 1 && wrote == plain.size()) return true;
  if (me.of(status) != Step::failed) me.why = "it cannot be written to";
  me.failed = true;
  return false;
}

void TlsSession::end() {
  Impl& me = *impl_;
  if (me.failed || !me.open) return;
  ERR_clear_error();
  SSL_shutdown(me.ssl.get());
  ERR_clear_error();
}

std::string_view TlsSession::outgoing() const { return std::string_view(impl_->wire.out).substr(impl_->wire.sent); }

void TlsSession::sent(std::size_t bytes) {
  Wire& wire = impl_->wire;
  wire.sent += std::min(bytes, wire.out.size() - wire.sent);
  if (wire.sent == wire.out.size()) Wire::drop(wire.out, wire.sent);
}

bool TlsSession::readable() const {
  const Impl& me = *impl_;
  return me.failed || me.wire.taken < me.wire.in.size() || SSL_pending(me.ssl.get()) > 0 ||
         (SSL_get_shutdown(me.ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

const std::string& TlsSession::why() const { return impl_->why; }
bool TlsSession::is_plain_http() const { return impl_->plain_http; }
const std::optional<Certificate>& TlsSession::peer() const { return impl_->peer; }

}  // namespace faelled::crypto
