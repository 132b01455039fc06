// Translation: the checks behind responses::translate. Lives for one body. Internal to src/openai/responses.
#pragma once

#include "openai/responses/translate.hpp"
#include "openai/translator.hpp"

namespace faelled::openai::responses {

class Translation final : public Translator {
 public:
  Translation(Asked& asked, bool counting) : Translator(asked.chat_body, counting), asked_(asked) {}

  bool run(json::Value root);

 private:
  bool refuse_what_is_stored(json::Value root);
  bool refuse_what_is_not_done(json::Value root);
  bool read_fields(json::Value root);
  bool read_format(json::Value format);
  bool read_metadata(json::Value metadata);
  void write_echo(json::Value root);

  // translation_input.cpp
  bool read_input(json::Value root);
  bool read_item(const std::string& path, json::Value item);
  bool read_message(const std::string& path, json::Value item);
  bool read_texts(const std::string& path, json::Value content, ChatMessages::Texts& texts);
  bool read_call(const std::string& path, json::Value item);
  bool read_output(const std::string& path, json::Value item);

  // translation_tools.cpp
  bool read_tool(const std::string& path, json::Value tool) override;
  bool read_tool_choice(json::Value choice);

  Asked& asked_;
  std::string scratch_;
};

}  // namespace faelled::openai::responses
