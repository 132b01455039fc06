// Fields: reads one YAML mapping key by key, notes what is wrong and goes on, so that an operator sees every mistake of
// a file at once. Private to config; lives on parse()'s stack.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"

namespace faelled::config {

class Problems {
 public:
  void add(const YAML::Mark& mark, std::string message, std::string hint = {}, std::string key = {});
  void add(const YAML::Node& node, std::string message, std::string hint = {}, std::string key = {});
  std::vector<Problem> in_file_order() &&;

 private:
  std::vector<Problem> found_;
};

// How an API key begins, the least bytes of a whole one, and what it consists of.
inline constexpr std::string_view key_begins = "sk-";
inline constexpr std::size_t key_bytes_min = 20;
bool is_of_keys(char c);

// The entry of `known` nearest to `word`, if near enough to be a slip of the fingers; empty otherwise.
std::string_view nearest(std::string_view word, Keys known);

// `text` in quotes, cut, without keys and with control bytes shown as '?', for use in a message.
std::string in_quotes(std::string_view text);

struct Range {
  std::uint64_t min;
  std::uint64_t max;
};

class Fields {
 public:
  // `where` names the section in messages, e.g. "models[0]"; empty at the top. Unknown and repeated keys and a node
  // that is no mapping become problems here.
  Fields(Problems& problems, const YAML::Node& node, std::string where, Keys known);

  // Each returns nothing when the key is absent or its value is wrong; only the latter is a problem.
  std::optional<std::string> text(std::string_view key, std::size_t bytes_max = limits::name_bytes_max);
  std::optional<std::uint64_t> number(std::string_view key, Range range);
  std::optional<Duration> seconds(std::string_view key, double min_s, double max_s);
  std::optional<double> decimal(std::string_view key, double min, double max);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::size_t> choice(std::string_view key, Keys allowed);  // index in `allowed`

  // Calls `each` with every entry of the list under `key`, at most `entries_max` of them.
  void list(std::string_view key, std::size_t entries_max,
            const std::function<void(const YAML::Node&, const std::string& where)>& each);

  // Like text(), but absent is a problem too.
  std::optional<std::string> required(std::string_view key, std::string_view example,
                                      std::size_t bytes_max = limits::name_bytes_max);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  bool misspelt(std::string_view key) const;  // an unknown key was taken for it: that it is missing needs no word
  const YAML::Node* find(std::string_view key) const;
  const YAML::Node& node() const { return node_; }
  std::string path(std::string_view key) const;  // "models[0].url"

  // A problem at the value of `key`, or at the section where it is absent.
  void wrong(std::string_view key, std::string message, std::string hint = {});

 private:
  void unknown(const YAML::Node& node, std::string_view key, Keys known);
  const YAML::Node* scalar(std::string_view key, std::string_view expected);
  std::optional<double> decimal(std::string_view key, std::string_view expected, double min, double max);

  Problems& problems_;
  YAML::Node node_;
  std::string where_;
  std::vector<std::pair<std::string, YAML::Node>> entries_;
  std::vector<std::string_view> misspelt_;
};

// What `node` is, in words: "a list", "text", ….
std::string_view kind_of(const YAML::Node& node);

}  // namespace faelled::config
