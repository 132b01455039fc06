// Words in a text, as people look for them: without regard to case, each word anywhere. Pure; for conversations, which
// are sealed and so have no index.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faelled::store {

// Lower case of ASCII and of Latin-1's letters (Æ, Ø, Å, É); as many bytes as before. Other text stays as it is.
std::string folded(std::string_view text);

// The query's words, folded: at most limits::search_words_max, without repetition.
std::vector<std::string> words_of_query(std::string_view query);

// About 120 bytes around the first of the words, on one line and cut between characters; nullopt: not all are there.
std::optional<std::string> excerpt_with(std::string_view text, const std::vector<std::string>& folded_words);

}  // namespace faelled::store
