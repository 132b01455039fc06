// What a TlsContext holds, for those in this folder that make sessions of it.
#pragma once

#include "crypto/openssl.hpp"
#include "crypto/tls_context.hpp"

namespace faelled::crypto {

struct TlsContext::Impl {
  Owned<SSL_CTX> context;
  Certificate own;
};

}  // namespace faelled::crypto
