#include "base/whole_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>

namespace faelled {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) { return read_whole(path).value_or("nothing"); }

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

TEST(WholeFile, IsReadOrItIsSaidWhyNot) {
  std::string name = (fs::temp_directory_path() / "faelled-whole-XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data()), file = folder / "file";
  const std::string lines = "first\n" + std::string(50'000, 'x') + "\nthird\n";
  ASSERT_TRUE(write_whole(file, lines));
  EXPECT_EQ(read_whole(file), lines);
  EXPECT_EQ(read_whole(file, lines.size()), lines);
  EXPECT_EQ(read_whole(file, lines.size() - 1), std::nullopt);
  EXPECT_EQ(errno, EFBIG);
  EXPECT_EQ(read_whole(folder), std::nullopt) << "a read that fails, as that of a process that has just gone";
  EXPECT_EQ(errno, EISDIR);
  EXPECT_EQ(read_whole(folder / "none"), std::nullopt);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_GT(read_whole("/proc/self/stat").value().size(), 20U) << "whose size is told as 0";
  EXPECT_EQ(read_tail(file, lines.size()), lines);
  EXPECT_EQ(read_tail(file, 10), "third\n");
  EXPECT_EQ(read_tail(file, 3), "") << "no line begins there";
  EXPECT_EQ(read_tail(folder / "none", 10), std::nullopt);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace faelled
