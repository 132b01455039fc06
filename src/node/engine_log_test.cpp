#include "node/engine_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/limits.hpp"

namespace faelled::node {
namespace {

using testing::HasSubstr;
using testing::Not;

class EngineLogTest : public testing::Test {
 protected:
  EngineLogTest() {
    char name[] = "/tmp/engine-log-XXXXXX";
    folder = ::mkdtemp(name);
    path = folder + "/engine.log";
  }
  ~EngineLogTest() override { std::filesystem::remove_all(folder); }
  static std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  std::string folder;
  std::string path;
};

TEST_F(EngineLogTest, KeepsWhatAnEngineSaysWhileItLoads) {
  auto log = EngineLog::open(path);
  ASSERT_TRUE(log);
  log->take("0.00.006 I srv: initial");
  log->take("izing\n0.00.007 E gguf: failed to read\n");
  EXPECT_EQ(text_of(path), "0.00.006 I srv: initializing\n0.00.007 E gguf: failed to read\n");
  EXPECT_EQ(log->complaint(), "gguf: failed to read");
}

TEST_F(EngineLogTest, KnowsWhatPythonComplainsAboutFirst) {
  const std::pair<const char*, const char*> said[] = {
      {"(EngineCore pid=7) ERROR 11-26 03:51:03 [core.py:1510] Traceback (most recent call last):\n"
       "(EngineCore pid=7) ERROR 11-26 03:51:03 [core.py:1510]   File \"x.py\", line 7, in f\n"
       "(EngineCore pid=7) ERROR 11-26 03:51:03 [core.py:1510] ValueError: not enough memory\n"
       "RuntimeError: Engine core initialization failed.\n",
       "ValueError: not enough memory"},
      {"usage: vllm serve [model_tag]\nvllm serve: error: argument --dtype: invalid choice\n",
       "error: argument --dtype: invalid choice"},
      {"(APIServer pid=7) INFO 11-26 03:51:03 [x.py:1] Error handling is on: yes\n", ""}};
  for (const auto& [lines, complaint] : said) {
    auto log = EngineLog::open(path);
    ASSERT_TRUE(log);
    log->take(lines);
    EXPECT_EQ(log->complaint(), complaint);
  }
}

TEST_F(EngineLogTest, WithholdsEveryLineOnceTheEngineServes) {
  auto log = EngineLog::open(path);
  ASSERT_TRUE(log);
  log->now_serving();
  log->take(
      "parse: error parsing grammar: root ::= CANARY\nGenerate: CANARY GGML_ASSERT(x)\nCANARY.cpp:12: GGML_ASSERT(\n");
  log->take("CANARY WORDS.cpp:12: GGML_ASSERT(\n");
  EXPECT_EQ(log->lines_withheld(), 3u);
  EXPECT_THAT(text_of(path), Not(HasSubstr("WORDS")));
}

TEST_F(EngineLogTest, NotesWhereAnEngineGaveUp) {
  auto log = EngineLog::open(path);
  ASSERT_TRUE(log);
  log->take("error: no huge pages\n");
  EXPECT_EQ(log->complaint(), "error: no huge pages");
  log->now_serving();
  EXPECT_EQ(log->complaint(), "") << "it came up in spite of that";
  log->take("/src/ggml/ggml.c:1234: GGML_ASSERT(a == b) failed: some words\n");
  EXPECT_EQ(log->complaint(), "the engine gave up at ggml.c:1234");
  EXPECT_THAT(text_of(path), Not(HasSubstr("some words")));
}

TEST_F(EngineLogTest, ItsLastLineIsOneThoughNothingEndedIt) {
  auto log = EngineLog::open(path);
  ASSERT_TRUE(log);
  log->take("ValueError: not enough memory");
  EXPECT_EQ(log->complaint(), "");
  log->finish();
  EXPECT_EQ(log->complaint(), "ValueError: not enough memory");
  EXPECT_EQ(text_of(path), "ValueError: not enough memory\n");
  log->finish();
  EXPECT_EQ(text_of(path), "ValueError: not enough memory\n");
}

TEST_F(EngineLogTest, StaysWithinItsBound) {
  auto log = EngineLog::open(path);
  ASSERT_TRUE(log);
  std::string line(2000, 'x');
  line += '\n';
  for (int i = 0; i < 4000; ++i) log->take(line);
  EXPECT_LE(std::filesystem::file_size(path), limits::engine_log_bytes_max);
  EXPECT_LE(std::filesystem::file_size(path + ".1"), limits::engine_log_bytes_max);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
}

TEST_F(EngineLogTest, IsForItsOwnerAlone) {
  ASSERT_TRUE(EngineLog::open(path));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(EngineLogTest, SaysWhenItsFolderIsMissing) {
  auto log = EngineLog::open(folder + "/none/engine.log");
  ASSERT_FALSE(log);
  EXPECT_FALSE(log.error().hint.empty());
}

TEST_F(EngineLogTest, OfFurtherEnginesAreNamedByTheirDevice) {
  for (const std::string& name :
       {log_name_of("org/m"), log_name_of("org/m", "gpu1"), log_name_of("org/m", "gpu0"), log_name_of("org/m@gpu7"),
        log_name_of("org/m2", "gpu3"), std::string("org_m@.log"), std::string("org_m@gpu4.log.1")})
    std::ofstream(folder + "/" + name) << "x";
  EXPECT_EQ(log_name_of("org/m"), "org_m.log");
  EXPECT_EQ(further_logs_of(folder, "org/m"), (std::vector<std::string>{"gpu0", "gpu1"}));
  EXPECT_TRUE(further_logs_of(folder + "/none", "org/m").empty());
}

}  // namespace
}  // namespace faelled::node
