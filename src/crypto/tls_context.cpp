#include "crypto/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstring>

#include "base/limits.hpp"
#include "crypto/tls_context_impl.hpp"

namespace faelled::crypto {
namespace {

constexpr const char* ciphers_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr std::string_view alpn_http_1_1 = "\x08http/1.1";

std::unexpected<TlsFault> fault(TlsPart part, std::string message, std::string hint = {}) {
  ERR_clear_error();
  return std::unexpected(TlsFault{part, std::move(message), std::move(hint)});
}

// After a certificate could not be read: the file has ended, and does not go on with a damaged one.
bool at_the_end() {
  const unsigned long error = ERR_peek_last_error();
  return error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
}

Owned<BIO> reader(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), limits::tls_file_bytes_max))));
}

// Nobody is there to be asked.
int no_password(char*, int, int, void*) { return -1; }

int choose_http_1_1(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
  for (std::size_t at = 0; at < all.size(); at += 1 + static_cast<unsigned char>(all[at])) {
    if (!all.substr(at).starts_with(alpn_http_1_1)) continue;
    *chosen = offered + at + 1;
    *size = static_cast<unsigned char>(alpn_http_1_1.size() - 1);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
}

std::expected<void, TlsFault> use_certificate(TlsContext::Impl& to, const std::string& pem) {
  const Owned<BIO> in = reader(pem);
  const Owned<X509> leaf(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
  if (leaf == nullptr)
    return fault(TlsPart::certificate, "holds no certificate", "it begins with -----BEGIN CERTIFICATE-----");
  if (SSL_CTX_use_certificate(to.context.get(), leaf.get()) != 1)
    return fault(TlsPart::certificate, "holds a certificate that cannot be used: " + newest_reason(),
                 "RSA keys need 2048 bits and hashes SHA-256 at least");
  ERR_clear_error();
  for (std::size_t i = 0;; ++i) {
    Owned<X509> next(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
    if (next == nullptr && !at_the_end())
      return fault(TlsPart::certificate, "holds a damaged certificate behind the first: " + newest_reason());
    if (next == nullptr) break;
    if (i == limits::certificate_chain_max)
      return fault(TlsPart::certificate, "holds a chain of more than " + std::to_string(i) + " certificates");
    if (SSL_CTX_add0_chain_cert(to.context.get(), next.get()) != 1)
      return fault(TlsPart::certificate, "holds a chain that cannot be used: " + newest_reason());
    static_cast<void>(next.release());  // the context's now
  }
  ERR_clear_error();
  to.own = describe(leaf.get());
  return {};
}

std::expected<void, TlsFault> use_key(TlsContext::Impl& to, const std::string& pem) {
  if (pem.contains("ENCRYPTED"))
    return fault(TlsPart::key, "is locked with a password", "unlock it: openssl pkey -in KEY -out UNLOCKED");
  const Owned<BIO> in = reader(pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
  if (key == nullptr) return fault(TlsPart::key, "holds no key", "it begins with -----BEGIN PRIVATE KEY-----");
  X509* leaf = SSL_CTX_get0_certificate(to.context.get());
  if (X509_check_private_key(leaf, key.get()) != 1)
    return fault(TlsPart::key, "holds the key of another certificate",
                 "take the key that the certificate was made with");
  if (SSL_CTX_use_PrivateKey(to.context.get(), key.get()) != 1)
    return fault(TlsPart::key, "holds a key that cannot be used: " + newest_reason());
  return {};
}

std::expected<void, TlsFault> trust(SSL_CTX* context, const std::string& pem, bool name_them_to_clients) {
  const Owned<BIO> in = reader(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  std::size_t count = 0;
  ERR_clear_error();
  for (;; ++count) {
    const Owned<X509> authority(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
    if (authority == nullptr && !at_the_end())
      return fault(TlsPart::ca, "holds a damaged certificate: " + newest_reason());
    if (authority == nullptr) break;
    if (count == limits::certificate_authorities_max)
      return fault(TlsPart::ca, "holds more than " + std::to_string(count) + " authorities");
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        (name_them_to_clients && SSL_CTX_add_client_CA(context, authority.get()) != 1))
      return fault(TlsPart::ca, "holds an authority that cannot be used: " + newest_reason());
  }
  ERR_clear_error();
  if (count == 0)
    return fault(TlsPart::ca, "holds no certificate of an authority", "it begins with -----BEGIN CERTIFICATE-----");
  return {};
}

std::unique_ptr<TlsContext::Impl> make(const SSL_METHOD* method) {
  auto made = std::make_unique<TlsContext::Impl>();
  made->context.reset(SSL_CTX_new(method));
  SSL_CTX* context = made->context.get();
  const bool ok = context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(context, ciphers_1_2) == 1 &&
                  SSL_CTX_set1_groups_list(context, groups) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1;
  if (!ok) return nullptr;
  SSL_CTX_set_security_level(context, 2);  // whatever the system's openssl.cnf says: no RSA below 2048 bits, no SHA-1
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify_depth(context, static_cast<int>(limits::certificate_chain_max));
  SSL_CTX_set_max_cert_list(context, static_cast<long>(limits::certificate_list_bytes_max));
  return made;
}

}  // namespace

TlsContext::Made TlsContext::server(const TlsServerSettings& settings) {
  auto made = make(TLS_server_method());
  if (made == nullptr) return fault(TlsPart::certificate, "cannot be used: " + newest_reason(), "check the OpenSSL");
  SSL_CTX* context = made->context.get();
  if (auto used = use_certificate(*made, settings.certificate); !used) return std::unexpected(used.error());
  if (auto used = use_key(*made, settings.key); !used) return std::unexpected(used.error());
  SSL_CTX_set_alpn_select_cb(context, choose_http_1_1, nullptr);
  if (settings.client_certificates != ClientCertificates::none) {
    if (auto trusted = trust(context, settings.client_ca, true); !trusted) return std::unexpected(trusted.error());
    const bool must = settings.client_certificates == ClientCertificates::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  }
  return std::make_shared<const TlsContext>(std::move(made));
}

TlsContext::Made TlsContext::client(const TlsClientSettings& settings) {
  auto made = make(TLS_client_method());
  if (made == nullptr) return fault(TlsPart::ca, "cannot be used: " + newest_reason(), "check the installed OpenSSL");
  SSL_CTX* context = made->context.get();
  if (!settings.certificate.empty()) {
    if (auto used = use_certificate(*made, settings.certificate); !used) return std::unexpected(used.error());
    if (auto used = use_key(*made, settings.key); !used) return std::unexpected(used.error());
  }
  if (settings.ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return fault(TlsPart::ca, "cannot be used: the system names no authorities", "install ca-certificates");
  } else if (auto trusted = trust(context, settings.ca, false); !trusted) {
    return std::unexpected(trusted.error());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Unlike other calls this one says 0 where it worked.
  if (SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn_http_1_1.data()),
                              static_cast<unsigned int>(alpn_http_1_1.size())) != 0)
    return fault(TlsPart::ca, "cannot be used: " + newest_reason());
  return std::make_shared<const TlsContext>(std::move(made));
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;
const Certificate& TlsContext::own() const { return impl_->own; }

}  // namespace faelled::crypto
