// The session cookie: HttpOnly, so no script reads it; SameSite=Strict, so no other site's page sends it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace faelled::portal {

inline constexpr std::string_view session_cookie_name = "faelled_session";

// The token in a Cookie header; empty: none.
std::string_view session_cookie(std::string_view header);
// A whole Set-Cookie line with CRLF. `lasts` zero: the browser forgets it.
std::string set_session_cookie(std::string_view token, Duration lasts, bool secure);

}  // namespace faelled::portal
