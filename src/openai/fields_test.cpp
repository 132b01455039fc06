#include "openai/fields.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace faelled::openai {
namespace {

std::string line_of(const Field& field) {
  std::string line = "| `" + std::string(field.name) + "` |";
  for (const Endpoint endpoint : endpoints) line += std::string(" ") + fate_name(field.fate(endpoint)) + " |";
  return line + (field.note.empty() ? "" : " " + std::string(field.note)) + " |";
}

TEST(Fields, are_found_by_name) {
  std::set<std::string_view> names;
  for (const Field& field : all_fields()) {
    EXPECT_EQ(find_field(field.name), &field) << field.name;
    EXPECT_TRUE(names.insert(field.name).second) << field.name << " is there twice";
  }
  EXPECT_EQ(find_field(""), nullptr);
  EXPECT_EQ(find_field("modell"), nullptr);
}

TEST(Fields, are_documented_as_they_are) {
  std::ifstream file(std::string(FAELLED_SOURCE_DIR) + "/docs/fields.md");
  std::set<std::string> documented, expected;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) documented.insert(line);
  }
  for (const Field& field : all_fields()) expected.insert(line_of(field));
  for (const std::string& line : expected) EXPECT_TRUE(documented.contains(line)) << "docs/fields.md lacks: " << line;
  for (const std::string& line : documented)
    EXPECT_TRUE(expected.contains(line)) << "docs/fields.md has too much: " << line;
}

TEST(Fields, that_steer_an_engine_never_pass) {
  for (const char* name : {"priority", "cache_salt", "id_slot", "lora", "kv_transfer_params", "chat_template"}) {
    for (const Endpoint endpoint : endpoints) {
      EXPECT_EQ(find_field(name)->fate(endpoint), Fate::never) << name;
    }
  }
}

}  // namespace
}  // namespace faelled::openai
