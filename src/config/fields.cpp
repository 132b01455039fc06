#include "config/fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

#include "base/check.hpp"
#include "base/whole_number.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t problems_max = 50;  // nobody mends more in one go
constexpr std::size_t shown_bytes_max = 60;

// Levenshtein's distance; `most` where it is no less.
std::size_t edits_between(std::string_view a, std::string_view b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= most) return most;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      least = std::min(least, row[j]);
    }
    if (least >= most) return most;
  }
  return row.back();
}

std::string listed(Keys words) {
  std::string all;
  for (auto word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  return all;
}

// `text` with "sk-…" in place of each key in it: problems are printed, logged and answered, and a key may stand where
// nobody looked for one, as in "secret:sk-…", where a blank is missing and all of it is a name.
std::string without_keys(std::string text) {
  for (std::size_t at = text.find(key_begins); at != std::string::npos; at = text.find(key_begins, at + 1)) {
    if (at > 0 && is_of_keys(text[at - 1]) && text[at - 1] != '-' && text[at - 1] != '_') continue;  // "desk-", "risk-"
    const auto rest = text.begin() + static_cast<std::ptrdiff_t>(at + key_begins.size());
    const auto end = std::find_if_not(rest, text.end(), is_of_keys);
    if (static_cast<std::size_t>(end - rest) + key_begins.size() < key_bytes_min) continue;
    text.replace(rest, end, "…");
  }
  return text;
}

std::string shortest(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

}  // namespace

void Problems::add(const YAML::Mark& mark, std::string message, std::string hint, std::string key) {
  if (found_.size() >= problems_max) return;
  const bool known = !mark.is_null();
  found_.push_back({known ? static_cast<std::size_t>(mark.line) + 1 : 0,
                    known ? static_cast<std::size_t>(mark.column) + 1 : 0, without_keys(std::move(message)),
                    std::move(hint), without_keys(std::move(key))});
}

void Problems::add(const YAML::Node& node, std::string message, std::string hint, std::string key) {
  add(node.Mark(), std::move(message), std::move(hint), std::move(key));
}

std::vector<Problem> Problems::in_file_order() && {
  std::sort(found_.begin(), found_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column, a.message) < std::tie(b.line, b.column, b.message);
  });
  return std::move(found_);
}

std::string_view nearest(std::string_view word, Keys known) {
  if (word.size() > shown_bytes_max) return {};
  std::string_view best;
  std::size_t best_edits = std::min(word.size(), std::max<std::size_t>(2, word.size() / 3) + 1);
  for (auto candidate : known) {
    const auto edits = edits_between(word, candidate, best_edits);
    if (edits < best_edits) {
      best = candidate;
      best_edits = edits;
    }
  }
  return best;
}

bool is_of_keys(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, shown_bytes_max + key_bytes_min));  // a key that begins in what is shown is seen
  bool cut = shown.size() < text.size();
  if (cut) {  // what may be the beginning of another one is not known for a key, and could be drawn in from behind
    const auto run = std::find_if_not(shown.rbegin(), shown.rend(), is_of_keys).base();
    shown.resize(std::min(shown.size(), shown.find(key_begins, static_cast<std::size_t>(run - shown.begin()))));
  }
  shown = without_keys(std::move(shown));
  cut = cut || shown.size() > shown_bytes_max;
  shown.resize(std::min(shown.size(), shown_bytes_max));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + shown + (cut ? "…'" : "'");
}

std::string_view kind_of(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return "a single value";
  return "nothing";
}

Fields::Fields(Problems& problems, const YAML::Node& node, std::string where, Keys known)
    : problems_(problems), node_(node), where_(std::move(where)) {
  const std::string here = where_.empty() ? "the file" : where_;
  if (!node_.IsMap()) {
    problems_.add(node_, here + " must be a mapping (key: value), not " + std::string(kind_of(node_)),
                  "its keys are: " + listed(known));
    return;
  }
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      problems_.add(entry.first, "a key of " + here + " must be a plain word");
      continue;
    }
    const std::string key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      unknown(entry.first, key, known);
    } else if (find(key)) {
      problems_.add(entry.first, "key '" + key + "' stands twice in " + here, "keep one of the two");
    } else {
      entries_.emplace_back(key, entry.second);
    }
  }
}

void Fields::unknown(const YAML::Node& node, std::string_view key, Keys known) {
  const std::size_t colon = key.find(':');
  const std::string name(key.substr(0, colon));  // behind it stands a value, which may be a secret
  const std::string in = where_.empty() ? "" : " in " + where_;
  const std::string_view near = nearest(name, known);
  if (!near.empty()) misspelt_.push_back(near);
  if (colon != key.npos)
    return problems_.add(node, "no blank follows the colon of " + in_quotes(name + ":") + in,
                         "write '" + std::string(near.empty() ? "key" : near) + ": value'", path(name));
  problems_.add(node, "unknown key " + in_quotes(name) + in,
                near.empty() ? "known here: " + listed(known) : "did you mean '" + std::string(near) + "'?",
                path(name));
}

const YAML::Node* Fields::find(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool Fields::misspelt(std::string_view key) const {
  return std::find(misspelt_.begin(), misspelt_.end(), key) != misspelt_.end();
}

std::string Fields::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : where_ + "." + std::string(key);
}

void Fields::wrong(std::string_view key, std::string message, std::string hint) {
  const auto* value = find(key);
  problems_.add(value ? *value : node_, std::move(message), std::move(hint), path(key));
}

const YAML::Node* Fields::scalar(std::string_view key, std::string_view expected) {
  const auto* value = find(key);
  if (!value) return nullptr;
  if (value->IsScalar()) return value;
  wrong(key, path(key) + " must be " + std::string(expected) + ", not " + std::string(kind_of(*value)),
        value->IsNull() ? "give it a value or leave the key out" : "");
  return nullptr;
}

std::optional<std::string> Fields::text(std::string_view key, std::size_t bytes_max) {
  const auto* value = scalar(key, "text");
  if (!value) return std::nullopt;
  std::string read = value->Scalar();
  if (read.empty()) {
    wrong(key, path(key) + " is empty", "give it a value or leave the key out");
  } else if (read.size() > bytes_max) {
    wrong(key, path(key) + " is " + std::to_string(read.size()) + " bytes long",
          "at most " + std::to_string(bytes_max) + " are allowed");
  } else if (std::any_of(read.begin(), read.end(), [](char c) { return c == '\0'; })) {
    wrong(key, path(key) + " holds a zero byte");
  } else {
    return read;
  }
  return std::nullopt;
}

std::optional<std::string> Fields::required(std::string_view key, std::string_view example, std::size_t bytes_max) {
  if (find(key)) return text(key, bytes_max);
  if (node_.IsMap() && !misspelt(key)) wrong(key, path(key) + " is missing", "for example " + std::string(example));
  return std::nullopt;
}

std::optional<std::uint64_t> Fields::number(std::string_view key, Range range) {
  const auto* value = scalar(key, "a whole number");
  if (!value) return std::nullopt;
  const std::string& read = value->Scalar();
  const auto parsed = whole_number<std::uint64_t>(read);
  if (parsed && *parsed >= range.min && *parsed <= range.max) return parsed;
  wrong(key, path(key) + " must be a whole number, not " + in_quotes(read),
        "allowed: " + std::to_string(range.min) + " to " + std::to_string(range.max));
  return std::nullopt;
}

std::optional<double> Fields::decimal(std::string_view key, std::string_view expected, double min, double max) {
  const auto* value = scalar(key, expected);
  if (!value) return std::nullopt;
  const std::string& read = value->Scalar();
  double parsed = 0;
  const auto [end, error] = std::from_chars(read.data(), read.data() + read.size(), parsed);
  const bool whole = !read.empty() && end == read.data() + read.size() && error == std::errc{};
  if (whole && std::isfinite(parsed) && parsed >= min && parsed <= max) return parsed;
  wrong(key, path(key) + " must be " + std::string(expected) + " without a unit, not " + in_quotes(read),
        "allowed: " + shortest(min) + " to " + shortest(max));
  return std::nullopt;
}

std::optional<double> Fields::decimal(std::string_view key, double min, double max) {
  return decimal(key, "a number", min, max);
}

std::optional<Duration> Fields::seconds(std::string_view key, double min_s, double max_s) {
  const auto parsed = decimal(key, "a number of seconds", min_s, max_s);
  if (!parsed) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*parsed));
}

std::optional<bool> Fields::boolean(std::string_view key) {
  static constexpr auto words = std::to_array<std::string_view>({"true", "false"});
  const auto chosen = choice(key, words);
  if (!chosen) return std::nullopt;
  return *chosen == 0;
}

std::optional<std::size_t> Fields::choice(std::string_view key, Keys allowed) {
  const auto* value = scalar(key, "one of " + listed(allowed));
  if (!value) return std::nullopt;
  const auto found = std::find(allowed.begin(), allowed.end(), value->Scalar());
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  const auto near = nearest(value->Scalar(), allowed);
  wrong(key, path(key) + " must be one of " + listed(allowed) + ", not " + in_quotes(value->Scalar()),
        near.empty() ? "" : "did you mean '" + std::string(near) + "'?");
  return std::nullopt;
}

void Fields::list(std::string_view key, std::size_t entries_max,
                  const std::function<void(const YAML::Node&, const std::string& where)>& each) {
  const auto* value = find(key);
  if (!value) return;
  if (!value->IsSequence()) {
    wrong(key, path(key) + " must be a list, not " + std::string(kind_of(*value)),
          "begin each entry with '- '; an empty list is []");
    return;
  }
  if (value->size() > entries_max) {
    wrong(key, path(key) + " has " + std::to_string(value->size()) + " entries",
          "at most " + std::to_string(entries_max) + " are allowed");
    return;
  }
  std::size_t index = 0;
  for (const auto& entry : *value) each(entry, path(key) + "[" + std::to_string(index++) + "]");
}

}  // namespace faelled::config
