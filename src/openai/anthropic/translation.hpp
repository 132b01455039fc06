// Translation: the checks behind anthropic::translate. Lives for one body. Internal to src/openai/anthropic.
#pragma once

#include "openai/anthropic/translate.hpp"
#include "openai/translator.hpp"

namespace faelled::openai::anthropic {

class Translation final : public Translator {
 public:
  Translation(Asked& asked, bool counting) : Translator(asked.chat_body, counting), asked_(asked) {}

  bool run(json::Value root);

 private:
  bool refuse_what_is_not_done(json::Value root);
  bool read_fields(json::Value root);
  bool read_thinking(json::Value thinking);
  bool read_output_config(json::Value config);
  bool read_format(const std::string& path, json::Value format);
  bool read_tool(const std::string& path, json::Value tool) override;
  bool read_tool_choice(json::Value choice);

  // translation_messages.cpp
  bool read_messages(json::Value root);
  bool read_message(const std::string& path, json::Value message);
  bool read_user(const std::string& path, json::Value blocks);
  bool read_assistant(const std::string& path, json::Value blocks);
  bool read_result(const std::string& path, json::Value block);
  bool read_texts(const std::string& path, json::Value content, ChatMessages::Texts& texts);
  bool read_type(const std::string& path, json::Value block, std::string_view& type);
  bool refuse_block(const std::string& path, std::string_view type);

  Asked& asked_;
};

}  // namespace faelled::openai::anthropic
