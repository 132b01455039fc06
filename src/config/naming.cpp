#include "config/naming.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/plain_name.hpp"
#include "config/keys.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t card_bytes_max = 2000;
constexpr std::size_t aliases_max = 100;

CardText read_card_text(Problems& problems, const YAML::Node& node, const std::string& where) {
  Fields fields(problems, node, where, keys::card_text);
  return {fields.text("summary", card_bytes_max).value_or(""), fields.text("good_for", card_bytes_max).value_or(""),
          fields.text("where", card_bytes_max).value_or("")};
}

}  // namespace

std::optional<Card> read_card(Fields& model, Problems& problems) {
  const auto* node = model.find("card");
  if (!node) return std::nullopt;
  Fields fields(problems, *node, model.path("card"), keys::card);
  Card card;
  if (const auto* da = fields.find("da")) card.da = read_card_text(problems, *da, fields.path("da"));
  if (const auto* en = fields.find("en")) card.en = read_card_text(problems, *en, fields.path("en"));
  for (auto language : {"da", "en"}) {
    if (node->IsMap() && !fields.has(language)) {
      fields.wrong(language, fields.path(language) + " is missing", "the page speaks Danish and English; write both");
    }
  }
  return card;
}

std::vector<Alias> read_aliases(Fields& model, Problems& problems) {
  static constexpr auto lanes = std::to_array<std::string_view>({"interactive", "batch"});
  std::vector<Alias> aliases;
  model.list("aliases", aliases_max, [&](const YAML::Node& node, const std::string& where) {
    Alias alias;
    if (node.IsScalar()) {
      alias.name = node.Scalar();
    } else {
      Fields fields(problems, node, where, keys::aliases);
      const auto name = fields.required("name", "name: OS2ai-default");
      if (!name) return;
      alias.name = *name;
      alias.batch = fields.choice("lane", lanes) == 1;
      alias.listed = fields.boolean("listed").value_or(true);
    }
    if (alias.name.empty() || alias.name.size() > limits::name_bytes_max || !is_plain_name(alias.name)) {
      problems.add(node, where + " " + in_quotes(alias.name) + " is no model id",
                   "visible ASCII letters without spaces, quotes and backslashes");
    } else {
      aliases.push_back(std::move(alias));
    }
  });
  return aliases;
}

}  // namespace faelled::config
