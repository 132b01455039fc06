#include "portal/world_testing.hpp"

namespace faelled::portal {
namespace {

class CatalogueApi : public PortalTest {
 protected:
  static std::string wish(const std::string& definition, const std::string& more = {}) {
    return R"({"definition":)" + definition + more + "}";
  }
};

const std::string small = R"({ "id": "org/small", "engine": "llama", "file": "/m.gguf" })";

TEST_F(CatalogueApi, TakesAModelInAndSaysWhatItTakes) {
  in_world([](World& world) -> Task<void> {
    const Answer added = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(
        added.body,
        R"({"id":"org/small","version":1,"fit":{"fits":true,"why_not":null,"bytes":400000000,)"
        R"("weights":300000000,"kv_cache":40000000,"working":60000000,"memory":1000000000,"pinned":0},"offer":null})");
    EXPECT_EQ(world.catalogue->find("org/small")->version, 1U);
    const Answer all = co_await world.ask_owner("GET", "/api/catalogue");
    EXPECT_EQ(text_at(all.body, "models.0"),
              R"({"id":"m","version":0,"origin":"file","definition":null,"download":null})");
    EXPECT_EQ(text_at(all.body, "models.1"),
              R"({"id":"org/small","version":1,"origin":"added","definition":)" + small + R"(,"download":null})");
    const Answer audit = co_await world.ask_owner("GET", "/api/audit?action=model.add");
    EXPECT_EQ(text_at(audit.body, "rows.0.object"), "org/small") << audit.body;
  });
}

TEST_F(CatalogueApi, ADryRunSaysWhatItTakesAndKeepsNothing) {
  in_world([](World& world) -> Task<void> {
    const Answer fits = co_await world.ask_owner("POST", "/api/catalogue", wish(small, R"(,"dry_run":true)"));
    EXPECT_EQ(fits.status, 200) << fits.body;
    EXPECT_EQ(text_at(fits.body, "version"), "null");
    EXPECT_EQ(text_at(fits.body, "fit.fits"), "true");
    world.keeping.about.why_not = "it needs 400 MB of memory, and there are 100 MB for models";
    const Answer misfit = co_await world.ask_owner("POST", "/api/catalogue", wish(small, R"(,"dry_run":true)"));
    EXPECT_EQ(misfit.status, 200);
    EXPECT_EQ(text_at(misfit.body, "fit.fits"), "false");
    EXPECT_EQ(text_at(misfit.body, "fit.why_not"), world.keeping.about.why_not);
    EXPECT_EQ(world.catalogue->size(), 1U);
    world.keeping.about.why_not.clear();
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    const Answer change = co_await world.ask_owner("PUT", "/api/catalogue/org%2Fsmall",
                                                   wish(R"({"id":"org/small","name":"New"})", R"(,"dry_run":true)"));
    EXPECT_EQ(change.status, 200) << change.body;
    EXPECT_EQ(text_at(change.body, "version"), "1");
    EXPECT_EQ(world.catalogue->find("org/small")->settings.name, "") << "a dry run of a change changes nothing";
  });
}

TEST_F(CatalogueApi, ErrorsNameTheKey) {
  in_world([](World& world) -> Task<void> {
    struct Row {
      std::string body, param;
    };
    for (const Row& row :
         {Row{"{}", "definition"}, Row{R"({"definition":[]})", "definition"},
          Row{R"({"definition":"{}"})", "definition"}, Row{wish("{}"), "definition.id"},
          Row{wish(small, R"(,"dry_run":1)"), "dry_run"}, Row{wish(small, R"(,"version":1)"), "null"}}) {
      const Answer refused = co_await world.ask_owner("POST", "/api/catalogue", row.body);
      EXPECT_EQ(refused.status, 400) << row.body;
      EXPECT_EQ(text_at(refused.body, "error.param"), row.param) << refused.body;
    }
    world.keeping.about.wrong = WrongDefinition{"definition.file", "model file /m.gguf: it is cut off"};
    const Answer cut = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(cut.status, 400);
    EXPECT_EQ(text_at(cut.body, "error.param"), "definition.file");
    EXPECT_EQ(text_at(cut.body, "error.message"), "model file /m.gguf: it is cut off");
    EXPECT_NE(text_at(cut.body, "error.message_da"), "");
    EXPECT_EQ(world.catalogue->size(), 1U);
  });
}

TEST_F(CatalogueApi, RefusesWhatDoesNotFitAndWhatHasAnothersName) {
  in_world([](World& world) -> Task<void> {
    for (const auto& [definition, param] :
         {std::pair(std::string(R"({"id":"m"})"), "null"),
          std::pair(std::string(R"({"id":"x","alias":"m"})"), "definition.aliases")}) {
      for (const char* more : {"", R"(,"dry_run":true)"}) {
        const Answer refused = co_await world.ask_owner("POST", "/api/catalogue", wish(definition, more));
        EXPECT_EQ(refused.status, 409) << refused.body;
        EXPECT_EQ(text_at(refused.body, "error.param"), param);
      }
    }
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(R"({"id":"x","alias":"standard"})"));
    const Answer alias = co_await world.ask_owner("POST", "/api/catalogue", wish(R"({"id":"standard"})"));
    EXPECT_EQ(alias.status, 409);
    EXPECT_EQ(text_at(alias.body, "error.param"), "definition.id");
    const Answer twice = co_await world.ask_owner("POST", "/api/catalogue", wish(R"({"id":"x"})"));
    EXPECT_EQ(text_at(twice.body, "error.param"), "definition.id");
    world.keeping.about.why_not = "it needs 400 MB of memory, and there are 100 MB for models";
    const Answer misfit = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(misfit.status, 409);
    EXPECT_EQ(text_at(misfit.body, "error.message"), "It does not fit: " + world.keeping.about.why_not + ".");
    EXPECT_EQ(text_at(misfit.body, "error.message_da"),
              "Den passer ikke: Den skal bruge 400 MB, og der er 1 GB til modeller.");
    world.keeping.about.memory = 0;
    const Answer nowhere = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(text_at(nowhere.body, "error.message_da"), "Den passer ikke: Der er ingen hukommelse til den her.");
    EXPECT_EQ(world.catalogue->find("org/small"), nullptr);
  });
}

TEST_F(CatalogueApi, PinnedModelsHaveTheirPartBeforeIt) {
  in_world([](World& world) -> Task<void> {
    world.mesh.all_devices = {{.node = "local", .device = "host", .bytes = 1'000'000'000}};
    world.mesh.all_residency = {
        {.model = "m", .node = "local", .device = "host", .bytes = 700'000'000, .pinned = true},
        {.model = "org/small", .node = "local", .device = "host", .bytes = 300'000'000, .pinned = true}};
    const Answer dry = co_await world.ask_owner("POST", "/api/catalogue", wish(small, R"(,"dry_run":true)"));
    EXPECT_EQ(text_at(dry.body, "fit.why_not"), "it needs 400 MB of memory, and pinned models leave 300 MB");
    EXPECT_EQ(text_at(dry.body, "fit.memory"), "300000000");
    EXPECT_EQ(text_at(dry.body, "fit.pinned"), "700000000");
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/catalogue", wish(small))).status, 409);
    world.mesh.all_residency[0].bytes = 1'000'000'000;
    EXPECT_EQ(text_at((co_await world.ask_owner("POST", "/api/catalogue", wish(small))).body, "error.message_da"),
              "Den passer ikke: Den skal bruge 400 MB, og fastholdte modeller levner 0 B.");
    world.mesh.all_residency[0].pinned = false;
    const Answer own = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(own.status, 201) << "its own part is its own";
  });
}

TEST_F(CatalogueApi, AGroupOfGpusIsNoRoomForWhatCannotBeDivided) {
  in_world([](World& world) -> Task<void> {
    world.mesh.all_devices = {
        {.node = "local", .device = "gpu0+1", .bytes = 900'000'000, .kind = rpc::DeviceKind::gpu, .cards = 2},
        {.node = "local", .device = "gpu2", .bytes = 500'000'000, .kind = rpc::DeviceKind::gpu}};
    world.mesh.all_residency = {
        {.model = "m", .node = "local", .device = "gpu2", .bytes = 200'000'000, .pinned = true}};
    const std::string vllm = R"({"id":"v","engine":"vllm","folder":"/m","device":"gpu"})";
    const Answer alone = co_await world.ask_owner("POST", "/api/catalogue", wish(vllm, R"(,"dry_run":true)"));
    EXPECT_EQ(text_at(alone.body, "fit.why_not"), "it needs 400 MB of memory, and pinned models leave 300 MB");
    const std::string llama = R"({"id":"l","engine":"llama","file":"/m.gguf","device":"gpu"})";
    const Answer divided = co_await world.ask_owner("POST", "/api/catalogue", wish(llama, R"(,"dry_run":true)"));
    EXPECT_EQ(text_at(divided.body, "fit.why_not"), "null");
  });
}

TEST_F(CatalogueApi, ChangesWhatWasSeenAndNothingElse) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    const std::string at = "/api/catalogue/org%2Fsmall";
    const std::string named = R"({"id":"org/small","name":"New"})";
    const Answer changed = co_await world.ask_owner("PUT", at, wish(named, R"(,"version":1)"));
    EXPECT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(text_at(changed.body, "version"), "2");
    EXPECT_EQ(world.catalogue->find("org/small")->settings.name, "New");
    const Answer late = co_await world.ask_owner("PUT", at, wish(small, R"(,"version":1)"));
    EXPECT_EQ(late.status, 409);
    EXPECT_EQ(text_at(late.body, "error.param"), "version");
    EXPECT_EQ(world.catalogue->find("org/small")->settings.name, "New");
    EXPECT_EQ((co_await world.ask_owner("PUT", at, wish(named))).status, 400) << "which version was seen?";
    EXPECT_EQ((co_await world.ask_owner("PUT", at, wish(R"({"id":"x"})", R"(,"version":2)"))).status, 400);
    EXPECT_EQ((co_await world.ask_owner("PUT", "/api/catalogue/x", wish(R"({"id":"x"})", R"(,"version":1)"))).status,
              404);
    const Answer engine =
        co_await world.ask_owner("PUT", at, wish(R"({"id":"org/small","engine":"openai"})", R"(,"version":2)"));
    EXPECT_EQ(engine.status, 409);
    EXPECT_EQ(text_at(engine.body, "error.param"), "definition.engine");
  });
}

TEST_F(CatalogueApi, AModelThatComesBackCountsItsVersionsOn) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    const Answer gone = co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall");
    EXPECT_EQ(gone.status, 204) << gone.body;
    EXPECT_EQ(world.catalogue->find("org/small"), nullptr);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall")).status, 404);
    const Answer again = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(text_at(again.body, "version"), "3");
    const Answer late = co_await world.ask_owner("PUT", "/api/catalogue/org%2Fsmall", wish(small, R"(,"version":1)"));
    EXPECT_EQ(late.status, 409) << "it is not the model that was seen";
  });
}

TEST_F(CatalogueApi, LeavesTheModelsOfTheConfigurationAlone) {
  in_world([](World& world) -> Task<void> {
    const Answer changed =
        co_await world.ask_owner("PUT", "/api/catalogue/m", wish(R"({"id":"m"})", R"(,"version":1)"));
    EXPECT_EQ(changed.status, 409);
    EXPECT_NE(text_at(changed.body, "error.message").find("configuration file"), std::string::npos);
    const Answer removed = co_await world.ask_owner("DELETE", "/api/catalogue/m");
    EXPECT_EQ(removed.status, 409);
    EXPECT_NE(text_at(removed.body, "error.message_da").find("konfigurationsfilen"), std::string::npos);
    EXPECT_NE(world.catalogue->find("m"), nullptr);
  });
}

// A member's list may outlive a model that stands in it.
TEST_F(CatalogueApi, APolicyThatNamesARemovedModelStillReads) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    const std::string anne = co_await world.signed_in("aarhus", "Anne");
    const Answer narrowed =
        co_await world.ask_owner("PATCH", "/api/members/aarhus/policy", R"({"models":["org/small"]})");
    EXPECT_EQ(narrowed.status, 200) << narrowed.body;
    EXPECT_EQ(text_at((co_await world.ask("GET", "/api/models", {}, anne)).body, "models.0.id"), "org/small");
    (void)co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall");
    const Answer none = co_await world.ask("GET", "/api/models", {}, anne);
    EXPECT_EQ(none.body, R"({"models":[],"next":null})");
    const Answer policy = co_await world.ask_owner("GET", "/api/members/aarhus/policy");
    EXPECT_EQ(text_at(policy.body, "models"), R"(["org/small"])");
    const Answer again = co_await world.ask_owner("PATCH", "/api/members/aarhus/policy",
                                                  R"({"models":["org/small"],"retention_days":9})");
    EXPECT_EQ(again.status, 200) << again.body;
  });
}

TEST_F(CatalogueApi, TellsWhatASourceSaysAndHowAFileComes) {
  in_world([](World& world) -> Task<void> {
    world.keeping.about.offer = FileOffer{false, 250'000'000, std::string(64, 'a'), {}, "c0ffee"};
    const Answer added = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(added.status, 201) << added.body;
    EXPECT_EQ(text_at(added.body, "offer"), R"({"here":false,"bytes":250000000,"sha256":")" + std::string(64, 'a') +
                                                R"(","why_no_room":null,"commit":"c0ffee"})");
    world.keeping.downloads["org/small"] = {.state = Download::State::fetching,
                                            .source = "hf:o/r/x.gguf",
                                            .bytes = 100,
                                            .total = 400,
                                            .bytes_per_s = 3,
                                            .left = 100s};
    const Answer all = co_await world.ask_owner("GET", "/api/catalogue");
    EXPECT_EQ(text_at(all.body, "models.1.download"),
              R"({"state":"fetching","source":"hf:o/r/x.gguf","sha256":null,"file":null,"bytes":100,"total":400,)"
              R"("bytes_per_s":3,"left_s":100,"again_in_s":null,"detail":null,"kept":0,"kept_in":null})");
    world.keeping.downloads["org/small"] = {
        .state = Download::State::failed, .kept = 70, .kept_in = "/var/lib/faelled/models/a-x.gguf.part"};
    const Answer failed = co_await world.ask_owner("GET", "/api/catalogue");
    EXPECT_EQ(text_at(failed.body, "models.1.download.kept"), "70");
    EXPECT_EQ(text_at(failed.body, "models.1.download.kept_in"), "/var/lib/faelled/models/a-x.gguf.part");
    EXPECT_EQ(text_at(all.body, "models.0.download"), "null");
  });
}

TEST_F(CatalogueApi, RefusesAFileThatTheDiskHasNoRoomFor) {
  in_world([](World& world) -> Task<void> {
    world.keeping.about.offer = FileOffer{false, 250'000'000, std::string(64, 'a'), "the disk has 10 MB free"};
    const Answer dry = co_await world.ask_owner("POST", "/api/catalogue", wish(small, R"(,"dry_run":true)"));
    EXPECT_EQ(text_at(dry.body, "offer.why_no_room"), "the disk has 10 MB free") << dry.body;
    const Answer refused = co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(text_at(refused.body, "error.param"), "definition.source");
    EXPECT_TRUE(text_at(refused.body, "error.message_da").contains("250 MB")) << refused.body;
    EXPECT_EQ(world.catalogue->find("org/small"), nullptr);
  });
}

TEST_F(CatalogueApi, FetchesWhatAnOperatorOrders) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/catalogue/nobody/fetch")).status, 404);
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/catalogue/org%2Fsmall/fetch")).status, 409) << "it has no source";
    world.keeping.downloads["org/small"] = {.state = Download::State::failed, .source = "hf:o/r/x.gguf"};
    const Answer fetched = co_await world.ask_owner("POST", "/api/catalogue/org%2Fsmall/fetch");
    EXPECT_EQ(fetched.status, 200) << fetched.body;
    EXPECT_EQ(text_at(fetched.body, "state"), "waiting");
    const Answer audit = co_await world.ask_owner("GET", "/api/audit?action=model.fetch");
    EXPECT_EQ(text_at(audit.body, "rows.0.outcome"), "done") << audit.body;
  });
}

TEST_F(CatalogueApi, RemovesAFileOnlyWhereAsked) {
  in_world([](World& world) -> Task<void> {
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall?delete_file=yes")).status, 400);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall")).status, 204);
    EXPECT_EQ(world.keeping.files_removed, 0);
    (void)co_await world.ask_owner("POST", "/api/catalogue", wish(small));
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall?delete_file=true")).status, 204);
    EXPECT_EQ(world.keeping.files_removed, 1);
  });
}

TEST_F(CatalogueApi, SaysWhereAServersCatalogueStands) {
  in_world([](World& world) -> Task<void> {
    const std::string stored = stored_model(3, small, world.keeping.about);
    EXPECT_EQ(text_at(stored, "version"), "3");
    EXPECT_EQ(text_at(stored, "weights"), "300000000");
    EXPECT_EQ(stored_model(4, {}, {}), R"({"version":4,"definition":null})");
    co_return;
  });
}

// What it is here is not the newest, and can be changed and removed all the same.
TEST_F(CatalogueApi, CountsOnFromWhatAnotherServerMadeOfAModelThatCannotBeHere) {
  in_world([](World& world) -> Task<void> {
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/catalogue", wish(small))).status, 201);
    const auto stored = world.thread->wait_for([&](store::Store& s) {
      return s.set_named(store::NamedKind::model,
                         {"org/small", 5, stored_model(5, small, world.keeping.about), world.clock.wall()});
    });
    EXPECT_TRUE(stored);
    world.keeping.last["org/small"] = 5;
    world.keeping.left = {{"org/small", {small, "there is no vllm", "der er ingen vllm"}}};
    const std::string all = (co_await world.ask_owner("GET", "/api/catalogue")).body;
    EXPECT_TRUE(all.contains(R"("id":"org/small","version":5)")) << all;
    const auto change = [](int version) { return wish(small, fmt::format(R"(,"version":{})", version)); };
    EXPECT_EQ((co_await world.ask_owner("PUT", "/api/catalogue/org%2Fsmall", change(1))).status, 409);
    const Answer changed = co_await world.ask_owner("PUT", "/api/catalogue/org%2Fsmall", change(5));
    EXPECT_EQ(changed.status, 200) << changed.body;
    EXPECT_EQ(text_at(changed.body, "version"), "6");
    world.keeping.left = {{"org/small", {small, "there is no vllm", "der er ingen vllm"}}};
    EXPECT_EQ((co_await world.ask_owner("PUT", "/api/aliases/best", R"({"model":"org/small"})")).status, 201);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall")).status, 409) << "a name means it";
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/aliases/best")).status, 204);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/org%2Fsmall")).status, 204);
  });
}

TEST_F(CatalogueApi, TellsWhatAStartLeftOutUntilItIsMendedOrRemoved) {
  in_world([](World& world) -> Task<void> {
    world.keeping.left = {
        {"m", {R"({"id":"m"})", "the configuration file has a model of that name", "konfigurationsfilen"}},
        {"org/small", {small, "its adapter is gone", "dens adapter er væk"}},
        {"torn", {{}, "what is stored of it cannot be read", "ulæselig"}}};
    const Answer all = co_await world.ask_owner("GET", "/api/catalogue");
    EXPECT_EQ(text_at(all.body, "left_out.1"), R"({"id":"org/small","definition":)" + small +
                                                   R"(,"why":"its adapter is gone","why_da":"dens adapter er væk"})");
    EXPECT_EQ(text_at(all.body, "left_out.2.definition"), "null") << all.body;
    EXPECT_EQ((co_await world.ask_owner("POST", "/api/catalogue", wish(small))).status, 201);
    world.keeping.last["torn"] = 4;
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/torn")).status, 409) << "the store has another one";
    world.keeping.last["torn"] = 0;
    for (const char* id : {"torn", "m"})
      EXPECT_EQ((co_await world.ask_owner("DELETE", std::string("/api/catalogue/") + id)).status, 204) << id;
    EXPECT_TRUE(world.keeping.left.empty());
    EXPECT_NE(world.catalogue->find("m"), nullptr) << "the file's model is another one";
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/m")).status, 409);
    EXPECT_EQ((co_await world.ask_owner("DELETE", "/api/catalogue/torn")).status, 404);
    const Answer audit = co_await world.ask_owner("GET", "/api/audit?action=model.remove");
    EXPECT_NE(audit.body.find("torn"), std::string::npos) << audit.body;
  });
}

}  // namespace
}  // namespace faelled::portal
