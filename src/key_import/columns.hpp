// Columns: what a heading of another gateway's table says to us, and which of those that say nothing here a person is
// told of: a restriction that is lost without a word leaves a key more open than it was. Pure. Private to key_import.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faelled::key_import {

enum class Column : std::uint8_t { token, secret, alias, masked, member, team, user, email, expires, blocked, models };

// Without the blanks around it, in lower case.
std::string plain_heading(std::string_view name);

// `heading`: as plain_heading() gives it. Nothing: no column of ours.
std::optional<Column> column_of(std::string_view heading);

// A column of LiteLLM's that no key is more open for the want of, or that we have in another form.
bool is_harmless(std::string_view heading);

std::string_view trimmed(std::string_view text);

// What tables write for nothing at all.
bool says_nothing(std::string_view text);

// Whether LiteLLM's list of models holds a key to some of them: not where it is empty, or says all there are, or all
// that the team has. "{a,b}" of a dump, or ["a","b"] of JSON.
bool holds_to_models(std::string_view list);

}  // namespace faelled::key_import
