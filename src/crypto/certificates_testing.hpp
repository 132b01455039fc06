// What tests and the fuzz target share: an authority that lives as long as the test, and certificates from it. Nothing
// of it is written anywhere. Only tests include this file.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "crypto/tls_session.hpp"

namespace faelled::crypto {

struct IssuedCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

struct CertificateWish {
  std::string common_name = "localhost";
  std::string alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1";  // as openssl.cnf writes them; empty: none
  std::chrono::seconds from = -std::chrono::hours(1);                   // from now
  std::chrono::seconds until = std::chrono::hours(24);
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test authority") : key_(make_key()), name_(name) {
    certificate_ = make(key_, {name, "", -std::chrono::hours(2), std::chrono::hours(48)}, true);
  }

  std::string pem() const { return pem_of(certificate_); }

  IssuedCertificate issue(const CertificateWish& wish = {}) const {
    const Key key = make_key();
    return {pem_of(make(key, wish, false)), pem_of(key)};
  }

  // The first certificate of a PEM text in its DER form.
  static std::string der(const std::string& pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       BIO_free);
    const Cert certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate.get(), &bytes);
    std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
  }

 private:
  using Key = std::shared_ptr<EVP_PKEY>;
  using Cert = std::shared_ptr<X509>;

  static Key make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

  template <class Write>
  static std::string written(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    FAELLED_CHECK(write(out.get()) == 1, "memory takes a PEM text");
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }
  static std::string pem_of(const Cert& certificate) {
    return written([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
  }
  static std::string pem_of(const Key& key) {
    return written(
        [&](BIO* out) { return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

  static void extend(X509* certificate, int what, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, nullptr, what, value.c_str());
    FAELLED_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
                  "the extension is well-formed");
    X509_EXTENSION_free(extension);
  }

  static X509_NAME* named(X509_NAME* name, const std::string& common_name) {
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
    return name;
  }

  Cert make(const Key& key, const CertificateWish& wish, bool authority) const {
    Cert made(X509_new(), X509_free);
    X509* x = made.get();
    X509_set_version(x, X509_VERSION_3);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), static_cast<long>(wish.from.count()));
    X509_gmtime_adj(X509_getm_notAfter(x), static_cast<long>(wish.until.count()));
    X509_set_pubkey(x, key.get());
    named(X509_get_subject_name(x), wish.common_name);
    named(X509_get_issuer_name(x), name_);
    if (authority) extend(x, NID_basic_constraints, "critical,CA:TRUE");
    if (!wish.alternative_names.empty()) extend(x, NID_subject_alt_name, wish.alternative_names);
    FAELLED_CHECK(X509_sign(x, key_.get(), EVP_sha256()) > 0, "the authority's key signs");
    return made;
  }

  Key key_;
  std::string name_;
  Cert certificate_;
};

// What both have to say to each other goes over, in pieces of `step` bytes, until neither has anything left.
inline void exchange_wire(TlsSession& a, TlsSession& b, std::size_t step = 64 * 1024) {
  const auto carry = [step](TlsSession& from, TlsSession& to) {
    const std::string bytes(from.outgoing().substr(0, step));
    from.sent(bytes.size());
    to.receive(bytes);
    return !bytes.empty();
  };
  while (true) {
    const bool one = carry(a, b);
    const bool other = carry(b, a);
    if (!one && !other) return;
  }
}

// Both handshakes, as far as they come.
inline void shake_hands(TlsSession& asks, TlsSession& answers, std::size_t step = 64 * 1024) {
  for (int turn = 0; turn < 100'000; ++turn) {
    const auto one = asks.handshake();
    const auto other = answers.handshake();
    const bool idle = asks.outgoing().empty() && answers.outgoing().empty();
    if (idle && (one != TlsSession::Step::more || other != TlsSession::Step::more || turn > 0)) return;
    const std::string there(asks.outgoing().substr(0, step)), back(answers.outgoing().substr(0, step));
    asks.sent(there.size());
    answers.receive(there);
    answers.sent(back.size());
    asks.receive(back);
  }
}

}  // namespace faelled::crypto
