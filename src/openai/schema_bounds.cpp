#include "openai/schema_bounds.hpp"

#include <algorithm>
#include <cmath>

#include "base/limits.hpp"
#include "openai/schema_keywords.hpp"

namespace faelled::openai {
namespace {

using json::Kind;
using json::Member;
using json::Value;

std::string below(const std::string& path, std::string_view name) { return path + "." + std::string(name); }
std::string below(const std::string& path, std::size_t number) { return path + "[" + std::to_string(number) + "]"; }

std::string at_most(std::size_t most, const char* what) {
  return "It may hold at most " + std::to_string(most) + " " + what + ".";
}

// How often an engine makes a copy of a schema: once per type it may have.
std::size_t types_of(Value schema) {
  const auto type = schema.find("type");
  return type && type->kind() == Kind::array ? std::max<std::size_t>(1, type->count()) : 1;
}

bool type_is(Value schema, std::string_view wanted) {
  const auto type = schema.find("type");
  if (!type) return false;
  if (type->text_is(wanted)) return true;
  for (const Value item : type->items()) {
    if (item.text_is(wanted)) return true;
  }
  return false;
}

// Of those in braces: x{2,1000}.
std::int64_t largest_repetition(std::string_view pattern) {
  std::int64_t largest = 0, number = 0;
  bool in_braces = false;
  for (const char c : pattern) {
    in_braces = c == '{' || (in_braces && c != '}');
    number = in_braces && c >= '0' && c <= '9' ? std::min<std::int64_t>(number * 10 + (c - '0'), 1'000'000) : 0;
    largest = std::max(largest, number);
  }
  return largest;
}

// The part of regular expressions that llama.cpp makes grammars of: anchored at both ends, no lookaround, no \d.
bool pattern_in_grammar(std::string_view text) {
  if (text.size() < 2 || text.front() != '^' || text.back() != '$') return false;
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view escapes = "^$.[]()|{}*+?\\/-\"nrt";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '^' && (i == 0 || text[i - 1] != '[')) return false;
    if (text[i] == '$') return false;
    if (text[i] == '(' && i + 1 < text.size() && text[i + 1] == '?' && !text.substr(i).starts_with("(?:")) return false;
    if (text[i] != '\\') continue;
    if (++i == text.size() || escapes.find(text[i]) == escapes.npos) return false;
  }
  return true;
}

}  // namespace

bool SchemaBounds::wrong(const std::string& path, std::string what) {
  if (!fault_) fault_ = SchemaFault{path, std::move(what)};
  return false;
}

void SchemaBounds::leaves_out(const std::string& path, std::string what) {
  if (!unenforced_) unenforced_ = SchemaFault{path, std::move(what)};
}

std::optional<SchemaFault> SchemaBounds::check() {
  if (root_.kind() != Kind::object) {
    wrong(path_, std::string("A JSON schema must be an object, not ") + json::kind_name(root_.kind()) + ".");
  } else if (root_.raw().size() > limits::schema_bytes_max) {
    wrong(path_, "A JSON schema may have at most " + std::to_string(limits::schema_bytes_max) + " bytes.");
  } else {
    visit(root_, path_, 1, 1);
  }
  return fault_;
}

bool SchemaBounds::visit(Value schema, const std::string& path, std::size_t depth, std::size_t times) {
  if (schema.kind() == Kind::boolean) return true;
  if (schema.kind() != Kind::object) return wrong(path, "A schema must be an object.");
  if (depth > limits::schema_depth_max) {
    return wrong(path, "Schemas may be nested " + std::to_string(limits::schema_depth_max) + " deep.");
  }
  times *= types_of(schema);
  nodes_ += times;
  if (nodes_ > limits::schema_nodes_max) {
    return wrong(path_, at_most(limits::schema_nodes_max, "schemas, each counted once per type it may have"));
  }
  // Unions are followed through each of them again and again, keyword by keyword.
  if (schema.count() > limits::schema_properties_max)
    return wrong(path, at_most(limits::schema_properties_max, "keywords"));
  std::string scratch;
  for (const auto [name, value] : schema.members()) {
    if (!keyword(name.text_view(scratch), value, schema, path, depth, times)) return false;
  }
  const bool union_here = schema.find("anyOf") || schema.find("oneOf") || schema.find("allOf") || schema.find("$ref");
  if (!union_here) return true;
  for (const auto other : {"properties", "items", "prefixItems", "enum", "const", "pattern", "minLength", "maxLength",
                           "minItems", "maxItems", "minimum", "maximum", "additionalProperties"}) {
    if (schema.find(other)) leaves_out(below(path, other), "beside anyOf, oneOf, allOf or $ref");
  }
  return expand_unions(schema, path, 1);
}

bool SchemaBounds::keyword(std::string_view name, Value value, Value schema, const std::string& path, std::size_t depth,
                           std::size_t times) {
  const SchemaKeyword* row = find_schema_keyword(name);
  if (row == nullptr) {
    leaves_out(path, "a keyword that it does not know");  // and that it does not look into either
    return true;
  }
  const std::string here = below(path, name);
  if (!row->in_grammar) leaves_out(here, "this keyword");
  switch (row->keyword) {
    case Keyword::annotation:
    case Keyword::structure:
      return true;
    case Keyword::type:
      if (value.kind() == Kind::text) return true;
      if (value.kind() != Kind::array || value.is_empty() || value.count() > 7)
        return wrong(here, "It must be a string or an array of up to 7 strings.");
      for (const Value item : value.items()) {
        if (item.kind() != Kind::text) return wrong(here, "It must be a string or an array of up to 7 strings.");
      }
      return true;
    case Keyword::reference:
      return reference(value, here);
    case Keyword::pattern:
      return pattern(value, here);
    case Keyword::count: {
      const auto count = value.integer();
      if (!count || *count < 0 || *count > limits::schema_repetitions_max)
        return wrong(here,
                     "It must be a whole number from 0 to " + std::to_string(limits::schema_repetitions_max) + ".");
      return true;
    }
    case Keyword::bound: {
      constexpr double bound_max = 9007199254740992;   // 2^53: what every engine reads as the same number
      if (value.kind() == Kind::boolean) return true;  // exclusiveMinimum of draft 4
      const auto bound = value.number();
      if (!bound || std::abs(*bound) > bound_max) return wrong(here, "It must be a number within 2^53 of zero.");
      if (type_is(schema, "number") || !schema.find("type")) leaves_out(here, "bounds of numbers with a fraction");
      return true;
    }
    case Keyword::values:
      if (value.kind() != Kind::array || value.is_empty()) return wrong(here, "It must be an array of values.");
      if (value.count() > limits::schema_enum_values_max)
        return wrong(here, at_most(limits::schema_enum_values_max, "values"));
      return true;
    case Keyword::schema:
      return visit(value, here, depth + 1, times);
    case Keyword::items:
      return value.kind() == Kind::array ? each_of(value, here, depth, times) : visit(value, here, depth + 1, times);
    case Keyword::schemas:
      if (value.kind() != Kind::array) return wrong(here, "It must be an array of schemas.");
      return each_of(value, here, depth, times);
    case Keyword::named: {
      if (value.kind() != Kind::object) return wrong(here, "It must be an object of schemas.");
      if (value.count() > limits::schema_properties_max)
        return wrong(here, at_most(limits::schema_properties_max, "properties"));
      // By number: a property's name is the client's word.
      std::size_t number = 0;
      for (const Member member : value.members()) {
        if (!visit(member.value, below(here, number++), depth + 1, times)) return false;
      }
      return true;
    }
  }
  return true;
}

bool SchemaBounds::each_of(Value values, const std::string& path, std::size_t depth, std::size_t times) {
  std::size_t number = 0;
  for (const Value item : values.items()) {
    if (!visit(item, below(path, number++), depth + 1, times)) return false;
  }
  return true;
}

bool SchemaBounds::pattern(Value value, const std::string& path) {
  if (value.kind() != Kind::text) return wrong(path, "It must be a string.");
  if (value.raw().size() > limits::schema_pattern_bytes_max)
    return wrong(path, "A pattern may have at most " + std::to_string(limits::schema_pattern_bytes_max) + " bytes.");
  const std::string text = *value.text();
  if (largest_repetition(text) > limits::schema_repetitions_max)
    return wrong(path, "It may repeat at most " + std::to_string(limits::schema_repetitions_max) + " times.");
  if (!pattern_in_grammar(text)) leaves_out(path, "patterns that are not anchored or look around");
  return true;
}

std::optional<Value> SchemaBounds::resolve(std::string_view reference) const {
  if (reference == "#") return root_;
  if (!reference.starts_with("#/")) return std::nullopt;
  reference.remove_prefix(2);
  Value at = root_;
  while (true) {
    const std::size_t end = std::min(reference.find('/'), reference.size());
    const std::string_view name = reference.substr(0, end);
    if (at.kind() == Kind::object) {
      const auto next = at.find(name);
      if (!next) return std::nullopt;
      at = *next;
    } else {
      std::size_t wanted = 0;
      if (name.empty() || name.size() > 6 || name.find_first_not_of("0123456789") != name.npos) return std::nullopt;
      for (const char c : name) wanted = wanted * 10 + static_cast<std::size_t>(c - '0');
      if (at.kind() != Kind::array || wanted >= at.count()) return std::nullopt;
      auto item = at.items().begin();
      while (wanted-- > 0) ++item;
      at = *item;
    }
    if (end == reference.size()) return at;
    reference.remove_prefix(end + 1);
  }
}

bool SchemaBounds::reference(Value value, const std::string& path) {
  const auto text = value.text();
  if (!text) return wrong(path, "It must be a string.");
  if (!text->starts_with('#')) return wrong(path, "It may only point into the same schema; nothing is fetched.");
  if (std::ranges::find(references_, *text, &Reference::text) != references_.end()) return true;
  if (references_.size() == limits::schema_references_max)
    return wrong(path, at_most(limits::schema_references_max, "different references"));
  const auto target = resolve(*text);
  if (!target || target->kind() != Kind::object) return wrong(path, "It points at nothing in this schema.");
  if (target->find("$ref")) return wrong(path, "It points at another $ref; point at the schema itself.");
  references_.push_back({*text, *target});
  return visit(*target, path, 2, 1);
}

// Engines follow unions and references to see what types a value may have, each way there is.
bool SchemaBounds::expand_unions(Value schema, const std::string& path, std::size_t depth) {
  if (++unions_ > limits::schema_unions_max || depth > limits::schema_union_depth_max) {
    return wrong(path, "Its anyOf, oneOf, allOf and $ref lead too many ways.");
  }
  for (const char* name : {"anyOf", "oneOf", "allOf"}) {
    const auto alternatives = schema.find(name);
    if (!alternatives) continue;
    for (const Value alternative : alternatives->items()) {
      if (!expand_unions(alternative, path, depth + 1)) return false;
    }
  }
  const auto reference = schema.find("$ref");
  if (!reference) return true;
  const auto known =
      std::ranges::find_if(references_, [&](const Reference& one) { return reference->text_is(one.text); });
  return known == references_.end() || expand_unions(known->target, path, depth + 1);
}

}  // namespace faelled::openai
