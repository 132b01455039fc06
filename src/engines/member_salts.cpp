#include "engines/member_salts.hpp"

#include "base/random.hpp"
#include "crypto/hmac.hpp"

namespace faelled::engines {

MemberSalts::MemberSalts() { SystemRandom().fill(secret_); }

std::string MemberSalts::of(std::string_view member) const {
  return crypto::hex(crypto::hmac_sha256({reinterpret_cast<const char*>(secret_.data()), secret_.size()}, member));
}

}  // namespace faelled::engines
