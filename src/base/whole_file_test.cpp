#include "base/whole_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

namespace faelled {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(WholeFile, IsWhatItWasUntilItIsWhatItIsToBe) {
  std::string name = (fs::temp_directory_path() / "faelled-whole-XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data()), file = folder / "file";
  ASSERT_TRUE(write_whole(file, "first"));
  ASSERT_TRUE(write_whole(file, std::string(100'000, 'x')));
  EXPECT_EQ(text_of(file), std::string(100'000, 'x'));
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  fs::create_directory(folder / "file.new");  // nothing can be written there
  EXPECT_FALSE(write_whole(file, "third"));
  EXPECT_EQ(text_of(file).size(), 100'000U);
  EXPECT_FALSE(write_whole(folder / "nowhere" / "file", "x"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace faelled
