// Any text as a user token: read or refused, never believed without the secret.
#include <cstdlib>
#include <string>

#include "front_ends/member_map.hpp"
#include "front_ends/signed_token.hpp"
#include "front_ends/token_testing.hpp"

namespace {

using namespace faelled;
using namespace faelled::front_ends;

const WallTime now = from_unix_micros(1'767'225'600'000'000);

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  static json::Document document;
  static const TokenRules rules{{test_secret}};
  static const MemberMap map(
      {{MemberRule::By::email_domain, {}, "*.a.example", "a"}, {MemberRule::By::group, {}, "g", "b"}}, {});
  const std::string text(reinterpret_cast<const char*>(data), bytes);
  const ReadToken as_it_is = read_token(text, rules, now, document);
  if (as_it_is.believed() && text.find('.') == std::string::npos) std::abort();
  if (as_it_is.person) map.find(*as_it_is.person);
  // The same bytes as claims under a good signature, so that what stands behind the signature is reached.
  const ReadToken signed_one = read_token(signed_text(R"({"alg":"HS256"})", text), rules, now, document);
  if (signed_one.believed()) {
    if (signed_one.person->subject.empty() || !signed_one.expires_at || signed_one.issuer != rules.issuer) std::abort();
    map.find(*signed_one.person);
  }
  if (read_token(signed_text(R"({"alg":"HS256"})", text, "wrong"), rules, now, document).believed()) std::abort();
  return 0;
}
