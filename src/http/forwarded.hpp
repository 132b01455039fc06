// TrustedProxies: whose word about a client's address counts. X-Forwarded-For and Forwarded are anybody's to write, so
// they are read only when the connection itself comes from a proxy the operator has named, by its address or by the
// name in its verified certificate; and then from the right, where that proxy wrote. A value, read-only once serving.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.hpp"
#include "http/message.hpp"

namespace faelled::http {

class TrustedProxies {
 public:
  // "10.0.0.5", "10.0.0.0/8", "2001:db8::/32". False: that is no address or network.
  bool add_network(std::string_view text);
  // A name in a client certificate; see crypto::Certificate::names().
  void add_certificate(std::string name) { names_.push_back(std::move(name)); }
  bool empty() const { return networks_.empty() && names_.empty(); }

  // `nearest` ("10.0.0.5:4711", "[::1]:4711") is who holds the connection. "203.0.113.9 by 10.0.0.5:4711" where a
  // trusted proxy names the client, else `nearest`. A trusted proxy that is named in turn is passed over. Where both
  // headers are there and do not name the same client, neither counts.
  std::string client_of(const std::string& nearest, const crypto::Certificate* certificate,
                        const Request& request) const;

 private:
  struct Network {
    std::array<unsigned char, 16> bytes;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits;
  };
  bool holds(std::string_view address) const;
  std::string client_in(std::string_view list, bool standard) const;  // empty: none is named

  std::vector<Network> networks_;
  std::vector<std::string> names_;
};

}  // namespace faelled::http
