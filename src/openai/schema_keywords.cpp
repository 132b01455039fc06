#include "openai/schema_keywords.hpp"

#include <algorithm>
#include <array>

namespace faelled::openai {
namespace {

constexpr auto rows = std::to_array<SchemaKeyword>({{"type", Keyword::type, true},
                                                    {"$ref", Keyword::reference, true},
                                                    {"properties", Keyword::named, true},
                                                    {"required", Keyword::structure, true},
                                                    {"additionalProperties", Keyword::schema, true},
                                                    {"items", Keyword::items, true},
                                                    {"prefixItems", Keyword::schemas, true},
                                                    {"enum", Keyword::values, true},
                                                    {"const", Keyword::structure, true},
                                                    {"anyOf", Keyword::schemas, true},
                                                    {"oneOf", Keyword::schemas, true},
                                                    {"allOf", Keyword::schemas, true},
                                                    {"$defs", Keyword::named, true},
                                                    {"definitions", Keyword::named, true},
                                                    {"pattern", Keyword::pattern, true},
                                                    {"format", Keyword::structure, true},
                                                    {"minLength", Keyword::count, true},
                                                    {"maxLength", Keyword::count, true},
                                                    {"minItems", Keyword::count, true},
                                                    {"maxItems", Keyword::count, true},
                                                    {"minimum", Keyword::bound, true},
                                                    {"maximum", Keyword::bound, true},
                                                    {"exclusiveMinimum", Keyword::bound, true},
                                                    {"exclusiveMaximum", Keyword::bound, true},
                                                    {"title", Keyword::annotation, true},
                                                    {"description", Keyword::annotation, true},
                                                    {"default", Keyword::annotation, true},
                                                    {"examples", Keyword::annotation, true},
                                                    {"$schema", Keyword::annotation, true},
                                                    {"$id", Keyword::annotation, true},
                                                    {"$comment", Keyword::annotation, true},
                                                    {"deprecated", Keyword::annotation, true},
                                                    {"readOnly", Keyword::annotation, true},
                                                    {"writeOnly", Keyword::annotation, true},
                                                    {"$dynamicRef", Keyword::reference, false},
                                                    {"$recursiveRef", Keyword::reference, false},
                                                    {"not", Keyword::schema, false},
                                                    {"if", Keyword::schema, false},
                                                    {"then", Keyword::schema, false},
                                                    {"else", Keyword::schema, false},
                                                    {"contains", Keyword::schema, false},
                                                    {"propertyNames", Keyword::schema, false},
                                                    {"unevaluatedProperties", Keyword::schema, false},
                                                    {"unevaluatedItems", Keyword::schema, false},
                                                    {"additionalItems", Keyword::schema, false},
                                                    {"patternProperties", Keyword::named, false},
                                                    {"dependentSchemas", Keyword::named, false},
                                                    {"minProperties", Keyword::count, false},
                                                    {"maxProperties", Keyword::count, false},
                                                    {"minContains", Keyword::count, false},
                                                    {"maxContains", Keyword::count, false}});

}  // namespace

const SchemaKeyword* find_schema_keyword(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &SchemaKeyword::name);
  return found == rows.end() ? nullptr : &*found;
}

}  // namespace faelled::openai
