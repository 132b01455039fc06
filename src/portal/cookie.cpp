#include "portal/cookie.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faelled::portal {

std::string_view session_cookie(std::string_view header) {
  while (!header.empty()) {
    const std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(header.size(), pair.size() + 1));
    while (header.starts_with(' ')) header.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == session_cookie_name)
      return pair.substr(equals + 1);
  }
  return {};
}

std::string set_session_cookie(std::string_view token, Duration lasts, bool secure) {
  return fmt::format("Set-Cookie: {}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}\r\n", session_cookie_name,
                     token, to_millis(lasts) / 1000, secure ? "; Secure" : "");
}

}  // namespace faelled::portal
