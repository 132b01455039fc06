// Configuration files as they lie on a disk, and what they name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "config/config.hpp"

namespace faelled::config {
namespace {

using ::testing::HasSubstr;

class OnDisk : public ::testing::Test {
 protected:
  OnDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-config-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~OnDisk() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(OnDisk, PutsRelativePathsBesideTheFile) {
  const auto config = load(write("f.yaml", "data: here\nmodels: []\n"));
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->data, folder_ / "here");
}

TEST_F(OnDisk, SaysWhichFileCannotBeRead) {
  const auto absent = load(folder_ / "absent.yaml");
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, Errc::not_found);
  EXPECT_THAT(absent.error().message, HasSubstr("absent.yaml cannot be read: No such file"));
  EXPECT_THAT(load(folder_).error().message, HasSubstr("is a folder"));
}

TEST_F(OnDisk, ListsEveryProblemOnALineOfItsOwn) {
  const auto path = write("f.yaml", "modles: []\nlisten: x\n");
  const auto config = load(path);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().message,
            path.string() + ":1:1: unknown key 'modles' at line 1; did you mean 'models'?\n" + path.string() +
                ":2:9: listen 'x' has no port at line 2; write ADDRESS:PORT, for example 127.0.0.1:9400 or [::1]:9400");
}

TEST_F(OnDisk, FindsTheLineThatNamesAMissingFile) {
  write("llama-server", "");
  std::filesystem::permissions(folder_ / "llama-server", std::filesystem::perms::owner_all);
  const auto config =
      load(write("f.yaml", "llama_server: llama-server\nmodels:\n  - { id: a, engine: llama, file: gone.gguf }\n"));
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("f.yaml:3:35: the file of model 'a'"));
  EXPECT_THAT(config.error().message, HasSubstr("gone.gguf cannot be read: No such file"));
}

TEST_F(OnDisk, ShowsAMissingFileWhereItIsNamedAndNowhereElse) {
  write("here", "");
  const auto config = load(write("f.yaml",
                                 "# api.key is the upstream's\nmodels:\n"
                                 "  - { id: here, engine: openai, url: \"http://h/v1\" }\n"
                                 "  - { id: a, engine: openai, url: \"http://h/v1\", api_key_file: api.key }\n"
                                 "downloads:\n  token_file: api.key\n"));
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("f.yaml:4:64: api_key_file of model 'a'"));
  EXPECT_THAT(config.error().message, HasSubstr("f.yaml:6:15: downloads.token_file"));
}

TEST_F(OnDisk, WhatNoServerCouldStartWithIsAMistake) {
  write("llama-server", "");
  std::filesystem::permissions(folder_ / "llama-server", std::filesystem::perms::owner_all);
  write("m.gguf", "");
  const auto said = [&](const std::string& text) {
    const auto config = load(write("f.yaml", text));
    return config ? std::string("in order") : config.error().message;
  };
  EXPECT_THAT(said("llama_server: llama-server\nmodels:\n  - id: a\n    engine: llama\n    file: m.gguf\n"
                   "    adapters:\n      - { name: jura, file: gone.gguf }\n"),
              HasSubstr("f.yaml:7:29: adapter 'jura' of model 'a' "));
  EXPECT_THAT(said("models: []\nlog: { file: nowhere/server.log }\n"), HasSubstr("f.yaml:2:14: log.file "));
  EXPECT_EQ(said("models: []\nlog: { file: server.log }\n"), "in order");
  EXPECT_THAT(said("models: []\nlog: { file: . }\n"), HasSubstr("is a folder"));
  EXPECT_THAT(said("models: []\ndata: m.gguf\n"), HasSubstr("f.yaml:2:7: data "));
  EXPECT_EQ(said("models: []\ndata: made-at-start\n"), "in order");
}

TEST_F(OnDisk, TheDataFolderIsKnownWhateverElseIsWrong) {
  const auto said = [&](const std::string& text) {
    const auto folder = data_folder(write("f.yaml", text));
    return folder ? folder->string() : folder.error().message;
  };
  const std::string here = (folder_ / "here").string();
  EXPECT_EQ(said("data: here\nmodels:\n  - { id: a, engine: openai, url: \"http://h/v1\", api_key_file: gone }\n"),
            here);
  EXPECT_EQ(said("data: here\nmodels: 7\nlimit: {}\n"), here);
  EXPECT_EQ(said("models: []\n"), (folder_ / "data").string());
  EXPECT_THAT(said("data: []\nmodels: []\n"), HasSubstr("f.yaml:1:7: data must be text"));
  EXPECT_THAT(said("dta: here\nmodels: []\n"), HasSubstr("did you mean 'data'?"));
  EXPECT_THAT(said("data: [\n"), HasSubstr("this is no YAML"));
  EXPECT_EQ(data_folder(folder_ / "absent.yaml").error().code, Errc::not_found);
}

}  // namespace
}  // namespace faelled::config
