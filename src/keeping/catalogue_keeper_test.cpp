#include "keeping/catalogue_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "http/client.hpp"
#include "keeping/configured_models.hpp"
#include "net/loop.hpp"
#include "store/loop_testing.hpp"

namespace faelled::keeping {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The models of a server whose configuration has `configured`, over a mesh and a node that begin nothing.
class CatalogueKeeperTest : public testing::Test {
 protected:
  CatalogueKeeperTest() {
    config.data = folder_.path() / "data";
    config.llama_server = "/usr/bin/llama-server";
    gateway::CatalogueModel configured;
    configured.settings.id = "configured";
    configured.aliases = {{"standard"}};
    catalogue.emplace(std::vector{configured}, clock.wall());
    log = observe::Log::open((folder_ / "log").string(), observe::Level::debug).value();
    mesh.emplace(clock, mesh::Mesh::Settings{catalogue->all_ids()});
    node.emplace(loop, client, clock, random, *log, *mesh, node::Node::Settings{.folder = folder_.path().string()});
    fetch::Settings how;
    how.folder = models_folder(config);
    how.offline = true;
    downloads.emplace(DownloadsKeeper::Parts{loop, clock, *mesh, *log, metrics, how});
    keeper.emplace(
        CatalogueKeeper::Parts{config, *catalogue, *mesh, *downloads, *node, *log, metrics, {1'000'000'000}});
  }

  portal::WrongDefinition wrong(const std::string& definition) {
    const auto read = keeper->read(definition);
    return read ? portal::WrongDefinition{} : read.error();
  }
  std::size_t times_shown(const std::string& id) const {
    const std::string text = metrics.text(), line = "\nfaelled_model_ready{model=\"" + id + "\"}";
    std::size_t times = 0;
    for (std::size_t at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) ++times;
    return times;
  }
  std::string logged() {
    std::ifstream in((folder_ / "log").string());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static store::NamedRow stored(const std::string& id, std::uint64_t version, const std::string& definition) {
    return {id, version, portal::stored_model(version, definition, {.weights = 100, .kv_cache = 20, .working = 3}), {}};
  }
  static std::string llama(const std::string& id, const std::string& more = {}) {
    return R"({"id":")" + id + R"(","engine":"llama","file":"/m.gguf")" + more + "}";
  }

  store::TestFolder folder_;
  config::Config config;
  net::Loop loop;
  http::Client client{loop};
  ManualClock clock;
  SystemRandom random;
  std::unique_ptr<observe::Log> log;
  observe::Metrics metrics{"test"};
  std::optional<gateway::Catalogue> catalogue;
  std::optional<mesh::Mesh> mesh;
  std::optional<node::Node> node;
  std::optional<DownloadsKeeper> downloads;
  std::optional<CatalogueKeeper> keeper;
};

TEST_F(CatalogueKeeperTest, RefusesPathsThatAreNotFromTheRootOn) {
  for (const char* key : {"file", "chat_template_file"}) {
    const std::string id = R"({"id":"a","engine":"llama",)";
    const std::string file = std::string(key) == "file" ? "" : R"("file":"/m.gguf",)";
    const auto why = wrong(id + file + "\"" + key + R"(":"models/m.gguf"})");
    EXPECT_EQ(why.key, std::string("definition.") + key);
    EXPECT_THAT(why.message, HasSubstr("from the root on"));
  }
  const std::string upstream = R"({"id":"a","engine":"openai","url":"https://h/v1",)";
  EXPECT_EQ(wrong(upstream + R"("api_key_file":"key"})").key, "definition.api_key_file");
  EXPECT_EQ(wrong(upstream + R"("ca_file":"ca.pem"})").key, "definition.ca_file");
}

TEST_F(CatalogueKeeperTest, LetsNoEngineReadTheServersOwnFolder) {
  config.vllm = "/usr/bin/vllm";
  const std::string vllm = R"({"id":"a","engine":"vllm","folder":"/m","adapters_folder":")";
  for (const std::filesystem::path& folder :
       {std::filesystem::path("/"), folder_.path(), config.data, config.data / "run" / ".."})
    EXPECT_EQ(wrong(vllm + folder.string() + R"("})").key, "definition.adapters_folder") << folder;
  EXPECT_EQ(wrong(vllm + R"(/adapters"})").key, "");
  EXPECT_EQ(wrong(llama("a", R"(,"adapters":[{"name":"x","file":"x.gguf"}])")).key, "definition.adapters");
}

TEST_F(CatalogueKeeperTest, SendsNoLineOfTheServersOwnFilesToAnAddress) {
  const std::string own = (config.data / "../data/./secret").string();
  const auto why = wrong(R"({"id":"a","engine":"openai","url":"https://h/v1","api_key_file":")" + own + R"("})");
  EXPECT_EQ(why.key, "definition.api_key_file");
  EXPECT_THAT(why.message, HasSubstr("data folder"));
}

TEST_F(CatalogueKeeperTest, RefusesWhatItsEngineWouldRefuse) {
  EXPECT_EQ(wrong(llama("a", R"(,"concurrency":257)")).key, "definition.concurrency");
  EXPECT_EQ(wrong(llama("a,b")).key, "definition.id");
  config.llama_server.clear();
  EXPECT_EQ(wrong(llama("a")).key, "definition.engine");
  const std::string vllm = R"({"id":"a","engine":"vllm","folder":"/m"})";
  EXPECT_EQ(wrong(vllm).key, "definition.engine");
  config.vllm = "/usr/bin/vllm";
  EXPECT_EQ(wrong(vllm).key, "");
}

TEST_F(CatalogueKeeperTest, LooksAtTheFilesAndNamesTheKey) {
  const auto model = keeper->read(llama("a"));
  ASSERT_TRUE(model);
  const auto fit = keeper->look(*model)();
  ASSERT_TRUE(fit && fit->wrong);
  EXPECT_EQ(fit->wrong->key, "definition.file");
  std::ofstream((folder_ / "cut.gguf").string()) << "GGUF";
  gateway::CatalogueModel cut = *model;
  cut.settings.file = (folder_ / "cut.gguf").string();
  EXPECT_EQ(keeper->look(cut)()->wrong->key, "definition.file");
  cut.settings.chat_template_file = "/nowhere.jinja";
  EXPECT_EQ(keeper->look(cut)()->wrong->key, "definition.chat_template_file");
}

TEST_F(CatalogueKeeperTest, BringsBackTheModelsOfFormerRuns) {
  keeper->restore({stored("b", 2, llama("b", R"(,"pinned":true)")), stored("gone", 5, {})});
  keeper->restored();
  EXPECT_THAT(catalogue->names(), ElementsAre("configured", "b"));
  EXPECT_EQ(catalogue->find("b")->version, 2U);
  EXPECT_TRUE(keeper->settings_of("b")->pinned);
  EXPECT_EQ(keeper->last_version("gone"), 5U);
  EXPECT_FALSE(keeper->settings_of("gone"));
  ASSERT_EQ(mesh->models().size(), 2U);
  EXPECT_EQ(mesh->residency("b")->bytes, 123U);
  EXPECT_EQ(times_shown("b"), 1U);
}

TEST_F(CatalogueKeeperTest, LeavesOutWhatCannotBeAndSaysSo) {
  keeper->restore({stored("configured", 3, llama("configured")),
                   stored("standard", 1, llama("standard")),
                   stored("x", 1, llama("x", R"(,"aliases":["standard"])")),
                   stored("y", 4, llama("other")),
                   stored("z", 2, R"({"id":"z","engine":"steam"})"),
                   stored("v", 1ULL << 40U, llama("v")),
                   {"w", 0, "{", {}}});
  EXPECT_THAT(catalogue->names(), ElementsAre("configured"));
  EXPECT_EQ(catalogue->find("configured")->version, 0U) << "the file's stays as it is";
  EXPECT_EQ(catalogue->asked("standard").model, catalogue->find("configured"));
  for (const char* id : {"configured", "standard", "v", "x", "y", "z", "w"})
    EXPECT_THAT(logged(), HasSubstr("\"model\":\"" + std::string(id) + "\"")) << id;
  EXPECT_THAT(logged(), HasSubstr("the configuration file has a model of that name"));
  EXPECT_EQ(keeper->last_version("z"), 2U) << "one that is added anew counts on";
  EXPECT_EQ(keeper->left_out().size(), 7U);
  EXPECT_EQ(keeper->left_out().at("x").definition, llama("x", R"(,"aliases":["standard"])"));
  EXPECT_EQ(keeper->left_out().at("w").definition, "");
  for (const auto& [id, left] : keeper->left_out()) EXPECT_NE(left.why_da, "") << id;
  EXPECT_THAT(keeper->left_out().at("standard").why_da, HasSubstr("et andet navn for en model"));
  EXPECT_THAT(keeper->left_out().at("x").why_da, HasSubstr("de andre navne"));
  EXPECT_THAT(keeper->left_out().at("z").why_da, HasSubstr("motor"));
  keeper->remove("configured", false);
  EXPECT_THAT(catalogue->names(), ElementsAre("configured")) << "only what was stored of it goes";
  EXPECT_EQ(keeper->last_version("configured"), 4U);
  auto mended = keeper->read(llama("y"));
  keeper->put(*mended, {.weights = 5});
  EXPECT_EQ(keeper->left_out().size(), 5U);
}

TEST_F(CatalogueKeeperTest, HearsWhatAnotherServerChanged) {
  const auto places = [&] { return catalogue->find("b")->settings.places; };
  keeper->hear({stored("b", 1, llama("b"))});
  ASSERT_NE(catalogue->find("b"), nullptr);
  EXPECT_EQ(mesh->residency("b")->bytes, 123U);
  keeper->hear({stored("b", 2, llama("b", R"(,"concurrency":7)"))});
  EXPECT_EQ(places(), 7U);
  keeper->hear({stored("b", 2, llama("b")), stored("b", 1, {})});
  EXPECT_EQ(places(), 7U) << "what is no news";
  keeper->hear({stored("b", 3, llama("b", R"(,"members":["ribe"])"))});
  EXPECT_EQ(catalogue->find("b")->members, std::vector<std::string>{"ribe"});
  keeper->hear({stored("b", 4, {}), stored("configured", 9, {})});
  EXPECT_FALSE(catalogue->has("b"));
  EXPECT_FALSE(mesh->model("b"));
  EXPECT_EQ(keeper->last_version("b"), 4U);
  EXPECT_TRUE(catalogue->has("configured")) << "the file's stays";
  keeper->hear({stored("b", 5, llama("b"))});
  EXPECT_EQ(catalogue->version("b"), 5U);
}

TEST_F(CatalogueKeeperTest, TakesWhatWasInAnothersWayOnceThatIsGone) {
  const auto x_means = [&] { return catalogue->asked("x").model->settings.id; };
  const std::string with_x = R"(,"aliases":["x"])";
  keeper->hear({stored("a", 1, llama("a")), stored("b", 1, llama("b", with_x))});
  ASSERT_EQ(x_means(), "b");
  keeper->hear({stored("a", 2, llama("a", with_x)), stored("b", 2, llama("b"))});
  EXPECT_TRUE(keeper->left_out().empty()) << "whichever of the two is told first";
  EXPECT_EQ(x_means(), "a");
  EXPECT_EQ(catalogue->version("a"), 2U);

  keeper->hear({stored("b", 3, llama("b", with_x))});
  EXPECT_TRUE(keeper->left_out().contains("b"));
  keeper->hear({});
  EXPECT_TRUE(keeper->left_out().contains("b")) << "it is still in the way";
  keeper->hear({stored("a", 3, {})});
  EXPECT_TRUE(keeper->left_out().empty());
  EXPECT_EQ(x_means(), "b");

  keeper->hear({stored("c", 1, llama("c", with_x))});
  keeper->remove("c", false);
  keeper->hear({stored("b", 4, {})});
  EXPECT_FALSE(catalogue->has("c")) << "what was removed meanwhile does not come back";
}

TEST_F(CatalogueKeeperTest, RemovesWhatIsServedAsItWasWhereANewerOneIsLeftOut) {
  keeper->hear({stored("b", 1, llama("b"))});
  keeper->hear({stored("b", 2, llama("b", R"(,"no_such_key":1)"))});
  ASSERT_TRUE(keeper->left_out().contains("b"));
  ASSERT_EQ(catalogue->version("b"), 1U) << "served as before";
  keeper->remove("b", false);
  EXPECT_FALSE(keeper->left_out().contains("b"));
  EXPECT_FALSE(catalogue->has("b"));
  EXPECT_FALSE(mesh->model("b"));
  EXPECT_EQ(keeper->last_version("b"), 3U);
}

TEST_F(CatalogueKeeperTest, OfVeryManyOnlyThoseInUseAreInTheMetrics) {
  std::vector<store::NamedRow> many;
  for (int i = 0; i < 200; ++i) many.push_back(stored("m" + std::to_string(i), 1, llama("m" + std::to_string(i))));
  keeper->restore(many);
  EXPECT_EQ(times_shown("m7"), 0U);
  rpc::EngineReport engine;
  engine.engine = "e";
  engine.model = "m7";
  engine.state = rpc::EngineState::ready;
  mesh->report({"local", {engine}, {}});
  EXPECT_THAT(metrics.text(), HasSubstr("faelled_model_ready{model=\"m7\"} 1\n"));
  EXPECT_EQ(times_shown("m8"), 0U);
  engine.state = rpc::EngineState::failed;
  mesh->report({"local", {engine}, {}});
  const std::string failed = metrics.text();
  EXPECT_THAT(failed, HasSubstr("faelled_model_ready{model=\"m7\"} 0\n"));
  EXPECT_THAT(failed, HasSubstr("faelled_model_asleep{model=\"m7\"} 0\n"));
  EXPECT_THAT(failed, HasSubstr("faelled_model_failed{model=\"m7\"} 1\n"));
  mesh->report({"local", {}, {}});
  EXPECT_THAT(metrics.text(), HasSubstr("faelled_model_ready{model=\"m7\"} 0\n")) << "it was in use";
  keeper->remove("m7", false);
  EXPECT_EQ(times_shown("m7"), 0U);
}

TEST_F(CatalogueKeeperTest, RemovingAndAddingAgainShowsItOnceInTheMetrics) {
  const auto add = [&](std::uint64_t version) {
    auto model = keeper->read(llama("b"));
    model->version = version;
    keeper->put(*model, {.weights = 5});
  };
  add(1);
  keeper->remove("b", false);
  EXPECT_EQ(catalogue->find("b"), nullptr);
  EXPECT_EQ(keeper->last_version("b"), 2U);
  EXPECT_EQ(mesh->models().size(), 1U);
  add(3);
  EXPECT_EQ(times_shown("b"), 1U);
  EXPECT_EQ(mesh->models().size(), 2U);
}

TEST_F(CatalogueKeeperTest, HoldsBackAModelWhoseFileDoesNotCome) {
  const std::string definition =
      R"({"id":"far","engine":"llama","source":"https://host/x.gguf","sha256":")" + std::string(64, 'a') + R"("})";
  std::filesystem::create_directories(config.data);
  auto model = keeper->read(definition);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(model->settings.file, HasSubstr("data/models/" + std::string(64, 'a') + "-x.gguf"));
  EXPECT_EQ(keeper->look(*model)()->wrong->key, "definition.source") << "nothing is asked offline";
  model->version = 1;
  keeper->put(*model, {});
  EXPECT_EQ(mesh->state("far"), rpc::EngineState::fetching);
  const std::function<void()> until_failed = [&] {
    if (mesh->state("far") == rpc::EngineState::failed) return loop.stop();
    loop.post(until_failed);
  };
  loop.post(until_failed);
  loop.run();
  const auto download = keeper->download("far");
  ASSERT_TRUE(download);
  EXPECT_EQ(download->state, portal::Download::State::failed);
  EXPECT_THAT(download->detail, HasSubstr("downloads.offline is true"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nfaelled_fetch_failed_total 1"));
  EXPECT_TRUE(keeper->fetch("far"));
  EXPECT_EQ(mesh->state("far"), rpc::EngineState::fetching);
  EXPECT_EQ(keeper->fetch("configured").error().code, Errc::not_found);
  EXPECT_FALSE(keeper->download("configured"));
  keeper->remove("far", true);
  EXPECT_FALSE(keeper->download("far"));
}

TEST_F(CatalogueKeeperTest, KeepsTheFileThatServesUntilAnotherIsHere) {
  const auto fetched = [](const std::string& id, char hash) {
    return R"({"id":")" + id + R"(","engine":"llama","source":"https://host/x.gguf","sha256":")" +
           std::string(64, hash) + R"("})";
  };
  const auto put = [&](const std::string& definition, std::uint64_t version) {
    auto model = keeper->read(definition);
    model->version = version;
    keeper->put(*model, {.weights = 5});
  };
  const auto until_failed = [&](const std::string& id) {
    const std::function<void()> look = [&] {
      if (keeper->download(id)->state == portal::Download::State::failed) return loop.stop();
      loop.post(look);
    };
    loop.post(look);
    loop.run();
  };
  const std::filesystem::path file = models_folder(config) / (std::string(64, 'a') + "-x.gguf");
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << "GGUF";
  put(fetched("m", 'a'), 1);
  put(fetched("n", 'a'), 1);
  put(fetched("m", 'b'), 2);
  until_failed("m");
  EXPECT_EQ(keeper->settings_of("m")->file, file.string());
  keeper->remove("n", true);
  ASSERT_TRUE(keeper->fetch("m"));
  until_failed("m");  // what is to be removed is removed before
  EXPECT_TRUE(std::filesystem::exists(file)) << "m is served from it";
}

}  // namespace
}  // namespace faelled::keeping
