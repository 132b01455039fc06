#include "crypto/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl.hpp"

namespace faelled::crypto {
namespace {

bool printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string ia5(const ASN1_STRING* text) {
  const std::string_view raw(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                             static_cast<std::size_t>(ASN1_STRING_length(text)));
  return printable(raw) && raw.size() <= limits::certificate_name_bytes_max ? std::string(raw) : std::string();
}

std::string one_line(const X509_NAME* name) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  const std::string_view all(text, static_cast<std::size_t>(std::max(size, 0L)));
  return printable(all) ? std::string(all.substr(0, limits::certificate_name_bytes_max)) : std::string();
}

// The last one: the most specific, and the one that host names were looked for in when they still were.
std::string common_name_of(const X509_NAME* name) {
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) last = at;
  if (last < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return printable(text) && text.size() <= limits::certificate_name_bytes_max ? text : std::string();
}

void add(std::vector<std::string>& names, std::string name) {
  if (!name.empty()) names.push_back(std::move(name));
}

void add_alternative_names(X509* certificate, Certificate& out) {
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const int count = std::min(sk_GENERAL_NAME_num(all), static_cast<int>(limits::certificate_names_max));
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) add(out.dns, ia5(name->d.dNSName));
    if (name->type == GEN_EMAIL) add(out.emails, ia5(name->d.rfc822Name));
    if (name->type == GEN_URI) add(out.uris, ia5(name->d.uniformResourceIdentifier));
    if (name->type == GEN_IPADD) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int size = ASN1_STRING_length(name->d.iPAddress);
      const int family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : AF_UNSPEC;
      if (family != AF_UNSPEC &&
          inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size()) != nullptr)
        out.addresses.emplace_back(text.data());
    }
  }
  GENERAL_NAMES_free(all);
}

WallTime wall_time(const ASN1_TIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1) return {};
  return WallTime{std::chrono::seconds{::timegm(&utc)}};
}

}  // namespace

bool Certificate::names(std::string_view name) const {
  const auto holds = [&](const std::vector<std::string>& all) { return std::ranges::find(all, name) != all.end(); };
  return !name.empty() && (name == common_name || holds(dns) || holds(emails) || holds(uris));
}

std::string newest_reason() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

Certificate describe(X509* certificate) {
  Certificate out;
  out.common_name = common_name_of(X509_get_subject_name(certificate));
  out.subject = one_line(X509_get_subject_name(certificate));
  out.issuer = one_line(X509_get_issuer_name(certificate));
  add_alternative_names(certificate, out);
  Digest digest{};
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1)
    out.fingerprint = hex(digest);
  out.not_before = wall_time(X509_get0_notBefore(certificate));
  out.not_after = wall_time(X509_get0_notAfter(certificate));
  ERR_clear_error();
  return out;
}

Expected<Certificate> read_certificate(std::span<const std::byte> der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const Owned<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr || at != end) {
    ERR_clear_error();
    return fail(Errc::invalid, "these bytes are no certificate");
  }
  return describe(certificate.get());
}

}  // namespace faelled::crypto
