#include "base/names.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/limits.hpp"

namespace faelled {
namespace {

constexpr char32_t broken = 0xFFFFFFFF;

// Takes one character off the front; `broken` for what is not UTF-8 (RFC 3629: no overlong forms, no surrogates).
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > text.size()) return broken;
  char32_t out = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return broken;
    out = out << 6U | (byte(i) & 0x3FU);
  }
  text.remove_prefix(length);
  const bool overlong = (length == 3 && out < 0x800) || (length == 4 && out < 0x10000);
  const bool surrogate = out >= 0xD800 && out <= 0xDFFF;
  return overlong || surrogate || out > 0x10FFFF ? broken : out;
}

// Control characters, and those that turn the direction or break the line of what is shown after the name.
bool unfit(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0xFEFF;
}

std::unexpected<Error> bad(std::string_view what, const char* why, const char* hint) {
  return fail(Errc::invalid, std::string(what) + " " + why, hint);
}

enum class Lines { one, several };

Expected<void> check_text(std::string_view what, std::string_view name, std::size_t bytes_max,
                          Lines lines = Lines::one) {
  if (name.empty()) return bad(what, "is empty", "give it a name");
  if (name.size() > bytes_max) {
    return fail(Errc::invalid, std::string(what) + " is too long",
                "use at most " + std::to_string(bytes_max) + " bytes");
  }
  if (name.front() == ' ' || name.back() == ' ') return bad(what, "begins or ends with a space", "leave it out");
  for (std::string_view rest = name; !rest.empty();) {
    const char32_t c = take_character(rest);
    if (c == broken) return bad(what, "is not UTF-8", "save or send it as UTF-8");
    if (unfit(c) && (lines == Lines::one || c != '\n'))
      return bad(what, "has a control character", "use characters that can be seen");
  }
  return {};
}

}  // namespace

Expected<void> check_name(std::string_view what, std::string_view name) {
  return check_text(what, name, limits::name_bytes_max);
}

Expected<void> check_email(std::string_view email) {
  if (email.empty()) return {};
  if (auto ok = check_text("the email", email, limits::email_bytes_max); !ok) return ok;
  const std::size_t at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() || email.find('@', at + 1) != email.npos ||
      email.contains(' '))
    return bad("the email", "is no address", "write it as name@example.dk");
  return {};
}

Expected<void> check_contact(std::string_view text) {
  if (text.empty()) return {};
  return check_text("the contact", text, limits::contact_bytes_max, Lines::several);
}

Expected<void> check_reason(std::string_view text) {
  if (text.empty()) return {};
  return check_text("the reason", text, limits::suspension_reason_bytes_max);
}

Expected<void> check_external_id(std::string_view id) {
  return check_text("the front end's id", id, limits::external_id_bytes_max);
}

Expected<void> check_member_id(std::string_view id) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool ok = !id.empty() && id.size() <= limits::member_id_bytes_max && alphanumeric(id.front()) &&
                  std::ranges::all_of(id, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
  if (ok) return {};
  return fail(Errc::invalid, "this is no id for a member",
              "use 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', beginning with a letter or digit");
}

}  // namespace faelled
