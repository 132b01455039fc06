// What becomes of adapters while an engine runs, behind tests/fake_vllm.
#include "node/node_testing.hpp"
#include "node/vllm_driver.hpp"

namespace faelled::node {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

class AdapterNode : public VllmNode {
 protected:
  void SetUp() override {
    VllmNode::SetUp();
    place = settings.folder + "/adapters";
    for (const auto* name : {"law", "tax", "bad"}) make(place + "/" + name);
    make(settings.folder + "/elsewhere");
    write("model.safetensors",
          safetensors(R"("model.layers.0.q_proj.weight":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]})", 1));
    settings.models[0].adapters_folder = place;
    settings.models[0].adapters = {adapter("law")};
  }
  static std::string safetensors(const std::string& tensors, std::size_t bytes) {
    const std::string header = "{" + tensors + "}";
    std::string out(8, '\0');
    out[0] = static_cast<char>(header.size() & 0xff);
    out[1] = static_cast<char>(header.size() >> 8);
    return out + header + std::string(bytes, 'x');
  }
  static void make(const std::string& where) {
    std::filesystem::create_directories(where);
    std::ofstream(where + "/adapter_config.json") << R"({"peft_type":"LORA","r":1})";
    const std::string module = "\"base_model.model.model.layers.0.q_proj.";
    std::ofstream(where + "/adapter_model.safetensors", std::ios::binary)
        << safetensors(module + R"(lora_A.weight":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]},)" + module +
                           R"(lora_B.weight":{"dtype":"U8","shape":[1,1],"data_offsets":[1,2]})",
                       2);
  }
  engines::AdapterSettings adapter(const std::string& name) const { return {name, place + "/" + name}; }
  static std::vector<std::string> names(const rpc::EngineReport& engine) {
    std::vector<std::string> all;
    for (const rpc::EngineAdapter& one : engine.adapters) all.push_back(one.name);
    return all;
  }
  // The engine as it is once it has what its model has.
  testing::AssertionResult run_until_adapted() {
    return run_until([](const auto& e) { return e.state == EngineState::ready && !e.adapting; });
  }
  std::string place;
};

TEST_F(AdapterNode, AFolderForThemThatIsMountedLateIsTakenOnceItIsThere) {
  settings.models[0].adapters.clear();
  std::filesystem::rename(place, place + "-away");
  start();
  ASSERT_TRUE(run_until(EngineState::failed));
  EXPECT_THAT(engine().detail, testing::HasSubstr("it is not there"));
  std::filesystem::rename(place + "-away", place);
  EXPECT_TRUE(run_until(EngineState::ready));
}

TEST_F(AdapterNode, HasThoseOfItsModelBeforeItIsAskedAnything) {
  start();
  ASSERT_TRUE(run_until(EngineState::ready));
  EXPECT_TRUE(engine().adapting) << "nothing new is granted yet";
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law"));
  EXPECT_EQ(engine().adapters[0].upstream_model, "org/big:law.1");
}

TEST_F(AdapterNode, BeginsWithThoseItsModelHasByThenThoughItWasDirectedBefore) {
  std::optional<engines::ModelSettings> known = settings.models[0];
  settings.models.clear();
  settings.look_up = [&](const std::string&) { return known; };
  start();
  node->direct({rpc::Directive::Act::load, "org/big", device});
  known->adapters.push_back(adapter("tax"));
  EXPECT_TRUE(node->know(*known)) << "nothing runs that would be otherwise";
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law", "tax"));
}

// Whoever changed it has it end and begin anew; till then it is what its memory was counted for.
TEST_F(AdapterNode, BeginsAsItWasDirectedWhereMoreOfItsModelHasChangedSince) {
  std::optional<engines::ModelSettings> known = settings.models[0];
  const std::uint32_t places = known->places;
  settings.models.clear();
  settings.look_up = [&](const std::string&) { return known; };
  start();
  node->direct({rpc::Directive::Act::load, "org/big", device});
  known->adapters.push_back(adapter("tax"));
  known->places = places + 1;
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law"));
  EXPECT_EQ(engine().places, places);
}

TEST_F(AdapterNode, TakesAndDropsWhileItRuns) {
  start();
  ASSERT_TRUE(run_until_adapted());
  const auto first = engine().engine;
  engines::ModelSettings model = settings.models[0];
  model.adapters = {adapter("tax"), adapter("law")};
  EXPECT_TRUE(node->know(model));
  EXPECT_TRUE(engine().adapting);
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law", "tax"));
  model.adapters = {};
  EXPECT_TRUE(node->know(model));
  EXPECT_THAT(engine().adapters, IsEmpty()) << "nobody is led to one that goes";
  ASSERT_TRUE(run_until_adapted());
  model.adapters = {adapter("law")};
  EXPECT_TRUE(node->know(model));
  ASSERT_TRUE(run_until_adapted());
  EXPECT_EQ(engine().adapters[0].upstream_model, "org/big:law.3") << "no name is used twice";
  EXPECT_EQ(engine().engine, first);
}

TEST_F(AdapterNode, KeepsWhatItHasWhileTheFilesOfItsModelCannotBeRead) {
  start();
  ASSERT_TRUE(run_until_adapted());
  const std::string weights = settings.models[0].folder + "/model.safetensors";
  std::filesystem::rename(weights, weights + ".away");
  engines::ModelSettings model = settings.models[0];
  model.adapters = {adapter("tax"), adapter("law")};
  EXPECT_TRUE(node->know(model));
  EXPECT_THAT(names(engine()), ElementsAre("law"));
  model.adapters = {adapter("tax")};
  EXPECT_TRUE(node->know(model));
  EXPECT_THAT(engine().adapters, IsEmpty()) << "what nobody names any more is not kept";
  std::filesystem::rename(weights + ".away", weights);
  model.adapters = {adapter("law"), adapter("tax")};
  EXPECT_TRUE(node->know(model));
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law", "tax"));
}

TEST_F(AdapterNode, NeedsANewProcessForWhatItCannotRead) {
  start();
  ASSERT_TRUE(run_until_adapted());
  engines::ModelSettings model = settings.models[0];
  model.adapters = {adapter("law"), {"far", settings.folder + "/elsewhere"}};
  EXPECT_FALSE(node->know(model));
  model.adapters = {adapter("law"), {"far", place + "-of-another/law"}};
  EXPECT_FALSE(node->know(model));
  model.adapters = {adapter("law")};
  model.context_tokens = 256;
  EXPECT_FALSE(node->know(model));
}

TEST_F(AdapterNode, LeavesOutWhatItsEngineDoesNotTakeOrIsNone) {
  faults("picky");
  settings.models[0].adapters = {adapter("bad"), adapter("nowhere"), adapter("law")};
  start();
  ASSERT_TRUE(run_until_adapted());
  EXPECT_THAT(names(engine()), ElementsAre("law"));
}

TEST_F(AdapterNode, IsGivenOneAgainThatItBrokeOffAtUnderAnotherName) {
  start();
  ASSERT_TRUE(run_until_adapted());
  const std::string config = place + "/tax/adapter_config.json";
  engines::ModelSettings model = settings.models[0];
  model.adapters = {adapter("law"), adapter("tax")};
  write("hold", "");
  ASSERT_TRUE(node->know(model));
  let_go();  // it is sent
  std::filesystem::rename(config, config + ".away");
  std::filesystem::remove(folder + "/hold");
  ASSERT_TRUE(run_until_adapted()) << "others are let on meanwhile";
  EXPECT_THAT(names(engine()), ElementsAre("law"));
  std::filesystem::rename(config + ".away", config);
  ASSERT_TRUE(run_until([](const auto& e) { return names(e).size() == 2; }));
  EXPECT_EQ(engine().adapters[1].upstream_model, "org/big:tax.3");
}

// Each try takes a minute in which nothing new is asked of the engine.
TEST_F(AdapterNode, OneThatIsNeverAnsweredIsLeftOutInTheEnd) {
  VllmDriver driver(settings.models[0], false);
  const auto found = driver.look()();
  ASSERT_TRUE(found);
  (*found)();
  std::vector<std::string> targets;
  std::string wrong;
  while (const auto change = driver.change()) {
    ASSERT_LT(targets.size(), 10U);
    targets.push_back(change->call.target);
    const bool loads = change->call.target == "/v1/load_lora_adapter";
    wrong = loads ? change->unanswered() : change->answered(false);
  }
  EXPECT_EQ(std::ranges::count(targets, "/v1/load_lora_adapter"), 3);
  EXPECT_EQ(wrong, "adapter " + adapter("law").path + ": the engine does not say whether it takes it");
  EXPECT_THAT(driver.adapters(), IsEmpty());
}

TEST_F(AdapterNode, ComesBackWithThemAfterItDied) {
  faults("dies");
  start();
  ASSERT_TRUE(run_until_adapted());
  const auto first = engine().engine;
  faults("");
  ASSERT_TRUE(
      run_until([&](const auto& e) { return e.state == EngineState::ready && e.engine != first && !e.adapting; }));
  EXPECT_THAT(names(engine()), ElementsAre("law"));
}

// An answer is to the call that was sent, whatever is wanted by then.
TEST_F(AdapterNode, HasWhatIsWantedLastThoughThatChangedWhileItWasGivenSomething) {
  start();
  ASSERT_TRUE(run_until_adapted());
  const std::filesystem::path seen = std::filesystem::path(engine().endpoint.unix_path).parent_path() / "adapters";
  const auto held = [&] {
    std::vector<std::string> paths;
    std::ifstream lines(seen);
    for (std::string name, path; lines >> name >> path;) paths.push_back(path);
    return paths;
  };
  engines::ModelSettings model = settings.models[0];
  make(place + "/tax-v2");
  const engines::AdapterSettings tax2{"tax", place + "/tax-v2"};
  struct Row {
    std::vector<engines::AdapterSettings> first, then;
  };
  for (const Row& row : {Row{{adapter("law"), adapter("tax")}, {adapter("law"), tax2}},
                         Row{{adapter("law"), adapter("bad")}, {adapter("bad")}},
                         Row{{adapter("bad"), adapter("tax")}, {adapter("bad"), adapter("law")}}, Row{{tax2}, {}}}) {
    write("hold", "");
    model.adapters = row.first;
    ASSERT_TRUE(node->know(model));
    let_go();  // it is sent
    model.adapters = row.then;
    ASSERT_TRUE(node->know(model));
    std::filesystem::remove(folder + "/hold");
    ASSERT_TRUE(run_until_adapted());
    std::vector<std::string> wanted, paths;
    for (const engines::AdapterSettings& one : row.then) {
      wanted.push_back(one.name);
      paths.push_back(one.path);
    }
    EXPECT_THAT(names(engine()), UnorderedElementsAreArray(wanted));
    EXPECT_THAT(held(), UnorderedElementsAreArray(paths)) << "no other, and each from where it lies by now";
  }
}

}  // namespace
}  // namespace faelled::node
