// The real llama-server with the command line of engines/: each flag and each trap is tried, because what a flag is
// said to do and what it does are two things.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engines/dialect.hpp"
#include "engines/llama_server.hpp"
#include "engines/memory_need.hpp"
#include "json/document.hpp"
#include "node/child.hpp"
#include "node/engine_log.hpp"

namespace faelled::node {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Answer {
  int status = 0;
  std::string body;
};

// Sends a request and leaves the answer to be read from the connection.
int send(const std::string& socket_path, const std::string& target, const std::string& body) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    auto request = (body.empty() ? "GET " : "POST ") + target + " HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n" +
                   "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                   body;
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  }
  return fd;
}

Answer ask(const std::string& socket_path, const std::string& target, const std::string& body = {}) {
  int fd = send(socket_path, target, body);
  std::string text;
  char buffer[16384];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  ::close(fd);
  if (text.size() < 12) return {};
  auto head_end = text.find("\r\n\r\n");
  return {std::atoi(text.c_str() + 9), head_end == std::string::npos ? "" : text.substr(head_end + 4)};
}

class RealLlamaServer : public testing::Test {
 protected:
  void SetUp() override {
    const char* program = std::getenv("FAELLED_LLAMA_SERVER");
    const char* file = std::getenv("FAELLED_MODEL");
    ASSERT_TRUE(program != nullptr && file != nullptr)
        << "set FAELLED_LLAMA_SERVER and FAELLED_MODEL to the engine and the small model; ./test does";
    char name[] = "/tmp/llama-server-test-XXXXXX";
    folder = ::mkdtemp(name);
    socket_path = folder + "/engine.sock";
    log_path = folder + "/engine.log";
    settings.id = "small";
    settings.file = file;
    settings.llama_server = program;
    settings.places = 2;
    settings.context_tokens = 600;
    settings.threads = 1;
    settings.chat_template_file = folder + "/chat.jinja";
    std::ofstream(settings.chat_template_file)
        << "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";
    auto log = EngineLog::open(log_path);
    ASSERT_TRUE(log);
    engine_log.emplace(std::move(*log));
  }
  void TearDown() override {
    child.reset();
    std::filesystem::remove_all(folder);
  }

  engines::Command command() {
    auto file = engines::read_gguf_file(settings.file);
    EXPECT_TRUE(file) << file.error().message;
    auto command = engines::llama_server_command(settings, file.value_or(engines::GgufSummary{}), socket_path);
    EXPECT_TRUE(command) << command.error().message;
    return command.value_or(engines::Command{});
  }

  void spawn(const engines::Command& c) {
    auto spawned = Child::spawn({c.program, c.arguments, c.environment, folder, false, std::nullopt});
    ASSERT_TRUE(spawned) << spawned.error().message;
    child = std::move(*spawned);
  }

  void drain_output() {
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(child->output_fd(), buffer, sizeof buffer)) > 0;) {
      raw_output.append(buffer, static_cast<std::size_t>(n));
      engine_log->take({buffer, static_cast<std::size_t>(n)});
    }
  }

  // Until it serves (true) or has ended (false).
  bool wait_until_ready() {
    auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < give_up) {
      pollfd ended{child->exit_fd(), POLLIN, 0};
      if (::poll(&ended, 1, 20) == 1) {
        drain_output();
        return false;
      }
      drain_output();
      if (ask(socket_path, "/health").status == 200) {
        engine_log->now_serving();
        return true;
      }
    }
    return false;
  }

  void start() {
    spawn(command());
    ASSERT_TRUE(wait_until_ready()) << engine_log->complaint();
  }

  static std::string said_by(const std::string& text) {
    return R"({"messages":[{"role":"user","content":")" + text + R"("}])";
  }

  // A chat on `place`, as the gateway asks it.
  Answer chat(const std::string& text, std::uint32_t place, bool changed_member, const std::string& more = {}) {
    auto body = said_by(text) + R"(,"max_tokens":4,"temperature":0)" + more;
    rpc::Grant grant;
    grant.engine_kind = "llama";
    grant.place = place;
    grant.place_changed_member = changed_member;
    engines::append_engine_members(body, grant, openai::Endpoint::chat, true, {});
    return ask(socket_path, "/v1/chat/completions", body + "}");
  }

  // The same, streamed and not waited for: the connection.
  int begin_chat(const std::string& text, std::uint32_t place, const std::string& more) {
    rpc::Grant grant;
    grant.engine_kind = "llama";
    grant.place = place;
    auto body = said_by(text) + more;
    engines::append_engine_members(body, grant, openai::Endpoint::chat, true, {});
    return send(socket_path, "/v1/chat/completions", body + "}");
  }

  bool place_works(std::size_t place) {
    auto slots = ask(socket_path, "/slots");
    auto value = document.parse(slots.body);
    if (!value) return false;
    for (auto slot : value->items()) {
      if (place-- == 0) return slot.find("is_processing")->boolean().value_or(false);
    }
    return false;
  }

  std::int64_t number_in(const std::string& body, std::initializer_list<std::string_view> path) {
    auto value = document.parse(body);
    EXPECT_TRUE(value) << body;
    std::optional<json::Value> at = value ? std::optional(*value) : std::nullopt;
    for (auto name : path) at = at ? at->find(name) : at;
    EXPECT_TRUE(at) << body;
    return at ? at->integer().value_or(-1) : -1;
  }
  std::int64_t cached(const Answer& a) {
    return number_in(a.body, {"usage", "prompt_tokens_details", "cached_tokens"});
  }
  std::int64_t prompt(const Answer& a) { return number_in(a.body, {"usage", "prompt_tokens"}); }

  std::string log_text() {
    drain_output();
    std::ostringstream text;
    text << std::ifstream(log_path).rdbuf();
    return text.str();
  }

  std::string folder, socket_path, log_path;
  engines::ModelSettings settings;
  std::unique_ptr<Child> child;
  std::optional<EngineLog> engine_log;
  std::string raw_output;
  json::Document document;
};

const std::string long_start = [] {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "The canary is called ZANZIBAR and it sings. ";
  return text;
}();

TEST_F(RealLlamaServer, GivesEachPlaceThePromisedContext) {
  start();
  auto slots = ask(socket_path, "/slots");
  auto value = document.parse(slots.body);
  ASSERT_TRUE(value) << slots.body;
  EXPECT_EQ(value->count(), settings.places);
  for (auto slot : value->items()) EXPECT_GE(slot.find("n_ctx")->integer(), settings.context_tokens);
}

TEST_F(RealLlamaServer, KeepsAMembersPlaceWarmForThatMember) {
  start();
  EXPECT_EQ(cached(chat(long_start + "One?", 0, true)), 0);
  EXPECT_GT(cached(chat(long_start + "Two?", 0, false)), 50);
}

// Invariant: no foreign words
TEST_F(RealLlamaServer, ForgetsAMemberBeforeAnotherTakesThePlace) {
  start();
  chat(long_start + "One?", 0, true);
  auto other = chat(long_start + "One?", 0, true);  // the same words, so anything kept would be reused
  EXPECT_EQ(cached(other), 0);
  EXPECT_EQ(number_in(other.body, {"timings", "cache_n"}), 0);
  EXPECT_EQ(number_in(other.body, {"timings", "prompt_n"}), prompt(other));
}

TEST_F(RealLlamaServer, CarriesNothingFromOnePlaceToAnother) {
  start();
  chat(long_start + "One?", 0, true);
  EXPECT_EQ(cached(chat(long_start + "One?", 1, false)), 0);
}

// The trap behind the rule in engines/dialect.hpp: a refused request has erased nothing.
TEST_F(RealLlamaServer, ARefusedRequestErasesNothing) {
  start();
  chat(long_start + "One?", 0, true);
  std::string endless;
  for (int i = 0; i < 1500; ++i) endless += "word ";
  auto refused = chat(endless, 0, true);
  EXPECT_EQ(refused.status, 400);
  auto error = engines::error_from("llama", openai::Endpoint::chat, refused.status, refused.body, document);
  EXPECT_EQ(error.cause, openai::Cause::context_length_exceeded);
  EXPECT_EQ(error.param, "messages");
  EXPECT_GT(cached(chat(long_start + "One?", 0, false)), 50);
}

TEST_F(RealLlamaServer, TakesTheUsersWordsThroughATemplateFile) {
  start();
  auto few = chat("Hi", 0, true);
  auto many = chat(long_start, 0, true);
  EXPECT_GT(prompt(many), prompt(few) + 100);
}

// The engine looks for hung-up clients only when it has had nothing to say to anybody for a second, so it is made to
// speak after each batch of a prompt.
TEST_F(RealLlamaServer, StopsAPromptThatNobodyWaitsForBesideABusyPlace) {
  settings.context_tokens = 4096;
  start();
  constexpr auto rest = R"(,"ignore_eos":true,"stream":true)";
  int busy = begin_chat("Tell me more", 1, std::string(R"(,"max_tokens":4000)") + rest);
  std::string endless;
  for (int i = 0; i < 2000; ++i) endless += "word ";
  int gone = begin_chat(endless, 0, std::string(R"(,"max_tokens":4)") + rest);
  while (!place_works(0)) ::usleep(10'000);
  ::close(gone);
  while (place_works(0)) ::usleep(10'000);
  EXPECT_TRUE(place_works(1)) << "the other place was to be busy all the time";
  auto again = chat(endless, 0, false);
  EXPECT_LT(cached(again), prompt(again) * 9 / 10) << "the whole prompt was worked through";
  ::close(busy);
}

// What --chat-template would do: the file's name itself becomes the prompt, with HTTP 200.
TEST_F(RealLlamaServer, WouldDropTheUsersWordsWithALiteralTemplate) {
  auto c = command();
  std::ranges::replace(c.arguments, std::string("--chat-template-file"), std::string("--chat-template"));
  spawn(c);
  ASSERT_TRUE(wait_until_ready()) << engine_log->complaint();
  EXPECT_EQ(prompt(chat("Hi", 0, true)), prompt(chat(long_start, 0, true)));
}

TEST_F(RealLlamaServer, DoesNotStartOnASocketFileThatIsThere) {
  std::ofstream(socket_path) << "";
  spawn(command());
  EXPECT_FALSE(wait_until_ready());
  EXPECT_THAT(engine_log->complaint(), HasSubstr("bind"));
}

TEST_F(RealLlamaServer, HasASocketBeforeItIsReady) {
  spawn(command());
  bool refused_once = false;
  while (!child->ended()) {
    auto health = ask(socket_path, "/health");
    refused_once |= health.status == 503;
    if (health.status == 200) break;
  }
  EXPECT_TRUE(refused_once) << "the file alone says nothing: only 200 from /health does";
}

TEST_F(RealLlamaServer, SaysWhatIsWrongWithATemplate) {
  std::ofstream(settings.chat_template_file) << "{% for m in";
  spawn(command());
  EXPECT_FALSE(wait_until_ready());
  EXPECT_THAT(log_text(), HasSubstr("template"));
}

TEST_F(RealLlamaServer, OpensNoToolNoPageAndNoSlotFile) {
  start();
  EXPECT_EQ(ask(socket_path, "/tools", "{}").status, 403);
  EXPECT_EQ(ask(socket_path, "/cors-proxy", "{}").status, 403);
  EXPECT_EQ(ask(socket_path, "/").status, 404);
  EXPECT_EQ(ask(socket_path, "/props", "{}").status, 501);
  EXPECT_EQ(ask(socket_path, "/slots/0?action=save", R"({"filename":"x"})").status, 501);
  EXPECT_THAT(ask(socket_path, "/slots").body, Not(HasSubstr("prompt\"")));
}

TEST_F(RealLlamaServer, AnswersByItsOwnNameWhateverModelIsAsked) {
  start();
  auto answer = chat("Hi", 0, true, R"(,"model":"no-such-model")");
  EXPECT_EQ(answer.status, 200);  // so the gateway must know the models
  EXPECT_THAT(ask(socket_path, "/v1/models").body, HasSubstr("\"small\""));
}

TEST_F(RealLlamaServer, PrintsWordsOfARequestThatOurLogDoesNotKeep) {
  start();
  chat("CANARY-in-a-message", 0, true);
  chat("Hi", 0, true, R"(,"grammar":"root ::= CANARY-in-a-grammar \"")");
  chat("Hi", 0, true,
       R"(,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"CANARY-in-a-schema"}}})");
  chat("Hi", 0, true, R"(,"max_tokens":"CANARY-in-a-number")");
  ask(socket_path, "/v1/chat/completions", R"({"messages": CANARY-in-broken-json)");
  EXPECT_THAT(log_text(), Not(HasSubstr("CANARY")));
  EXPECT_THAT(raw_output, HasSubstr("CANARY-in-a-grammar")) << "the engine has become silent: the filter may go";
  EXPECT_THAT(raw_output, Not(HasSubstr("CANARY-in-a-message")));
}

TEST_F(RealLlamaServer, SpeaksOfNothingInsideInTheErrorsWePassOn) {
  start();
  for (auto more : {R"(,"grammar":"root ::= CANARY \"")", R"(,"max_tokens":"CANARY")",
                    R"(,"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"CANARY"}}})"}) {
    auto answer = chat("Hi", 0, true, more);
    EXPECT_EQ(answer.status, 400);
    auto error = engines::error_from("llama", openai::Endpoint::chat, answer.status, answer.body, document);
    EXPECT_EQ(error.status(), 400);
    EXPECT_THAT(error.message, Not(HasSubstr("CANARY")));
    EXPECT_THAT(error.message, Not(HasSubstr("json.exception")));
  }
}

TEST_F(RealLlamaServer, MakesEmbeddingsWhenToldTo) {
  settings.embeddings = true;
  start();
  auto answer = ask(socket_path, "/v1/embeddings", R"({"input":["a","b","c"]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  auto value = document.parse(answer.body);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->find("data")->count(), 3u);
}

// --embeddings "restricts to embeddings", it says; it does not, so the gateway must.
TEST_F(RealLlamaServer, AnEmbeddingEngineStillChats) {
  settings.embeddings = true;
  start();
  EXPECT_EQ(chat("Hi", 0, true).status, 200);
}

TEST_F(RealLlamaServer, SaysThatAChatModelMakesNoEmbeddings) {
  start();
  auto answer = ask(socket_path, "/v1/embeddings", R"({"input":"a"})");
  auto error = engines::error_from("llama", openai::Endpoint::embeddings, answer.status, answer.body, document);
  EXPECT_EQ(error.param, "model");
  EXPECT_EQ(error.status(), 400);
}

// The model with one list more in its header, which no engine knows: peak of memory beside the need.
TEST_F(RealLlamaServer, TakesNoMoreForALongHeaderThanIsCounted) {
  const std::string model = settings.file;
  settings.file = folder + "/long.gguf";
  const auto added = [](std::string_view text, std::uint64_t texts) {
    const auto number = [](auto n) { return std::string(reinterpret_cast<const char*>(&n), sizeof n); };
    std::string list = number(std::uint64_t{6}) + "x.list" + number(std::uint32_t{9}) + number(std::uint32_t{8});
    list += number(texts);
    for (std::uint64_t i = 1; i < texts; ++i) list += number(std::uint64_t{text.size()}) + std::string(text);
    std::string last(text);
    while ((list.size() + sizeof(std::uint64_t) + last.size()) % 32 != 0) last += ' ';  // what follows stays aligned
    return list + number(std::uint64_t{last.size()}) + last;
  };
  for (const auto& list : {added("", 3'000'000), added("sixteen letters, and more", 1'500'000)}) {
    std::ifstream from(model, std::ios::binary);
    std::ofstream to(settings.file, std::ios::binary);
    char head[24];
    from.read(head, sizeof head);
    ++head[16];  // pairs
    to.write(head, sizeof head) << list << from.rdbuf() << std::flush;
    const auto file = engines::read_gguf_file(settings.file);
    ASSERT_TRUE(file) << file.error().message;
    start();
    std::ifstream status(fmt::format("/proc/{}/status", child->pid()));
    std::uint64_t peak_kib = 0;
    for (std::string word; peak_kib == 0 && status >> word;)
      if (word == "VmHWM:") status >> peak_kib;
    EXPECT_GT(peak_kib * 1024, 380'000'000U) << "it costs nothing any more? Then the need may be less";
    EXPECT_LE(peak_kib * 1024, engines::memory_need(settings, *file)->total());
    child.reset();
    std::filesystem::remove(socket_path);
  }
}

TEST_F(RealLlamaServer, EndsWithinASecondWhenAsked) {
  start();
  child->ask_to_stop();
  pollfd ended{child->exit_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 5000), 1);
}

}  // namespace
}  // namespace faelled::node
