#include "node/compiled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace faelled::node {
namespace {

namespace fs = std::filesystem;
using fs::file_time_type;

class Compiled : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "faelled-compiled-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(root_); }
  std::string root_;
};

TEST_F(Compiled, IsOneFolderForEachModelProgramAndFolder) {
  engines::ModelSettings model;
  model.id = "a";
  model.vllm = "/opt/vllm/bin/vllm";
  model.folder = "/models/a";
  auto other_id = model, other_program = model, other_folder = model;
  other_id.id = "a_";
  other_program.vllm = "/opt/vllm-next/bin/vllm";
  other_folder.folder = "/models/b";
  const std::string own = compiled_folder(root_, model);
  EXPECT_TRUE(own.starts_with(root_ + "/"));
  EXPECT_EQ(compiled_folder(root_, model), own);
  for (const auto& other : {other_id, other_program, other_folder}) EXPECT_NE(compiled_folder(root_, other), own);
}

TEST_F(Compiled, FoldersThatNobodyUsedAreForgotten) {
  for (const char* name : {"/used", "/unused"}) ASSERT_TRUE(use_compiled(root_ + name));
  const auto now = file_time_type::clock::now();
  fs::last_write_time(root_ + "/unused", now - std::chrono::days(31));
  forget_compiled(root_, now - std::chrono::days(30));
  EXPECT_TRUE(fs::exists(root_ + "/used"));
  EXPECT_FALSE(fs::exists(root_ + "/unused"));
  // What is in a folder changes without it: its own time is that of its last start.
  fs::last_write_time(root_ + "/used", now - std::chrono::days(31));
  ASSERT_TRUE(use_compiled(root_ + "/used"));
  forget_compiled(root_, now - std::chrono::days(30));
  EXPECT_TRUE(fs::exists(root_ + "/used"));
}

TEST_F(Compiled, IsOursAlone) {
  const std::string folder = root_ + "/a";
  ASSERT_TRUE(use_compiled(folder));
  EXPECT_EQ(fs::status(folder).permissions() & fs::perms::mask, fs::perms::owner_all);
  EXPECT_FALSE(use_compiled("/proc/none/a"));
}

}  // namespace
}  // namespace faelled::node
