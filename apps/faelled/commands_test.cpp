#include <sys/wait.h>

#include "command_line_testing.hpp"
#include "portal/render.hpp"
#include "support_bundle.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

TEST_F(CommandLine, UsageOverManyPagesNamesEveryRequestOnce) {
  constexpr int rows = 2345;
  serve(rows);
  const std::string json = faelled("usage --rows --json").out, csv = faelled("usage --rows --csv").out,
                    table = faelled("usage --rows").out;
  for (const std::string* text : {&json, &csv, &table}) EXPECT_EQ(count(*text, "req_"), std::size_t{rows});
  std::set<std::string> ids;
  for (std::size_t at = csv.find("req_"); at != std::string::npos; at = csv.find("req_", at + 1))
    ids.insert(csv.substr(at, 10));
  EXPECT_EQ(ids.size(), std::size_t{rows});
  json::Document document;
  const auto root = document.parse(json);
  ASSERT_TRUE(root) << "one JSON text over all pages";
  EXPECT_EQ(root->find("rows")->count(), std::size_t{rows});
  EXPECT_TRUE(csv.starts_with(portal::csv_usage_head));
  EXPECT_EQ(count(csv, "request_id"), 1U);
  EXPECT_EQ(count(table, "request_id"), 1U);
  EXPECT_EQ(count(csv, ",failed,\"said \"\"no\"\",\nand left\"\r\n"), std::size_t{rows});
  EXPECT_EQ(faelled("usage --csv").out, std::string(portal::csv_sum_head) + "aarhus,key_1,m,2345,2345,0,0\r\n");
  EXPECT_EQ(text_at(faelled("usage --json").out, "usage.0.requests"), "2345");
  EXPECT_EQ(count(faelled("usage --rows --to 2026-01-01T00:00:10Z").out, "req_"), 10U);
}

TEST_F(CommandLine, AnEmptyLedgerIsStillAWholeAnswer) {
  serve();
  EXPECT_EQ(faelled("usage --rows --json").out, "{\"rows\":[\n]}\n");
  EXPECT_EQ(faelled("usage --rows --csv").out, portal::csv_usage_head);
  EXPECT_EQ(faelled("usage --csv").out, portal::csv_sum_head);
}

TEST_F(CommandLine, FromAMemberToAKeyThatIsRevoked) {
  serve();
  EXPECT_EQ(faelled("member add aarhus --name 'Aarhus Kommune'").out, "id: aarhus\nname: Aarhus Kommune\n");
  const std::string user = text_at(faelled("user add aarhus Ida --json").out, "id");
  EXPECT_TRUE(faelled("user list aarhus").out.contains(user));
  EXPECT_TRUE(faelled("user sign-in-link " + user).out.starts_with("url: http://127.0.0.1:1/sign-in#"));
  const Said made = faelled("key add --member aarhus --name journal --user " + user + " --expires 2027-01-01");
  EXPECT_TRUE(made.out.starts_with("id: key_") && made.out.contains("\nsecret: sk-")) << made.out;
  const std::string id = made.out.substr(4, made.out.find('\n') - 4);
  EXPECT_EQ(faelled("key revoke " + id).out, id + " is revoked\n");
  EXPECT_EQ(count(faelled("key list").out, "2027-01-01T00:00:00"), 1U);
  EXPECT_TRUE(faelled("model list").out.starts_with("id")) << "a table";
}

TEST_F(CommandLine, FromARoleToTheAuditOfIt) {
  serve();
  faelled("member add aarhus");
  EXPECT_EQ(faelled("member rename aarhus 'Aarhus Kommune'").out, "id: aarhus\nname: Aarhus Kommune\n");
  const Said made = faelled("user add aarhus Ida --role operator --email ida@aarhus.example --json");
  const std::string user = text_at(made.out, "id");
  EXPECT_EQ(text_at(made.out, "role"), "operator") << "the first one";
  EXPECT_TRUE(faelled("user set-role " + user + " builder").out.ends_with("role: builder\n"));
  EXPECT_EQ(faelled("user set-role " + user + " king").status, 1);
  EXPECT_FALSE(faelled("user disable " + user).out.ends_with("disabled_at: -\n"));
  EXPECT_TRUE(faelled("user enable " + user).out.ends_with("disabled_at: -\n"));
  EXPECT_TRUE(faelled("user list aarhus").out.contains("ida@aarhus.example"));

  const std::string all =
      "models: -\nretention_days: -\nconversations: server\nkey_days_max: -\nkey_makers: all\ncontact: -\n";
  EXPECT_EQ(faelled("member policy aarhus").out, all);
  EXPECT_EQ(faelled("member policy aarhus --models m --retention-days 30 --conversations browser --key-days-max 90 "
                    "--key-makers builders --contact 'IT, lokal 12'")
                .out,
            "models: [\"m\"]\nretention_days: 30\nconversations: browser\nkey_days_max: 90\nkey_makers: builders\n"
            "contact: IT, lokal 12\n");
  EXPECT_EQ(faelled("member policy aarhus --models all --retention-days forever --conversations server "
                    "--key-days-max none --key-makers all --contact none")
                .out,
            all);
  for (const char* wrong : {"--models q", "--retention-days soon", "--retention-days 0", "--key-makers me"})
    EXPECT_EQ(faelled(std::string("member policy aarhus ") + wrong).status, 1) << wrong;

  const std::string key = text_at(faelled("key add --member aarhus --name k --show-waiting da --json").out, "id");
  EXPECT_TRUE(
      faelled("key edit " + key + " --name other --models m --expires 2027-01-01")
          .out.starts_with("id: " + key + "\nname: other\nmodels: [\"m\"]\nshow_waiting: da\nexpires_at: 2027-01-01T"));
  EXPECT_TRUE(faelled("key edit " + key + " --models all --expires never").out.ends_with("expires_at: -\n"));
  const Said fresh = faelled("key rotate " + key + " --old-until 2026-01-02");
  EXPECT_TRUE(fresh.out.contains("\nsecret: sk-") && fresh.out.ends_with("rotated_from: " + key + "\n")) << fresh.out;

  const std::string log = faelled("audit log --json").out;
  EXPECT_EQ(text_at(log, "rows.0.action"), "key.rotate") << "newest first: " << log;
  EXPECT_EQ(text_at(log, "rows.0.actor_kind"), "owner");
  EXPECT_EQ(count(faelled("audit log --action user.update").out, "user.update"), 3U);
  EXPECT_EQ(count(faelled("audit log --member odense").out, "aarhus"), 0U);
  EXPECT_TRUE(faelled("audit log --csv").out.starts_with(portal::csv_audit_head));
  EXPECT_TRUE(faelled("audit log --excel").out.starts_with("\xEF\xBB\xBFid;at;"));
  EXPECT_EQ(faelled("audit log --from today").status, 1);
  EXPECT_FALSE(log.contains("ida@") || log.contains("sk-")) << log;
}

TEST_F(CommandLine, AnAuditOfManyPagesHasEveryRowOnce) {
  serve();
  constexpr int acts = 1200;
  faelled("member add aarhus");
  write_audit(acts);
  const std::string json = faelled("audit log --json").out;
  std::set<std::string> ids;
  for (std::size_t at = json.find("\"aud_"); at != std::string::npos; at = json.find("\"aud_", at + 1))
    ids.insert(json.substr(at, 31));
  EXPECT_EQ(ids.size(), std::size_t{acts} + 1);
  EXPECT_EQ(count(json, "\"aud_"), std::size_t{acts} + 1);
  EXPECT_EQ(count(faelled("audit log --csv").out, "\r\n"), std::size_t{acts} + 2);
}

TEST_F(CommandLine, WhatTheServerRefusesIsSaidInItsWords) {
  serve();
  const Said no_user = faelled("user sign-in-link nobody"), no_time = faelled("usage --from today"),
             twice = faelled("usage --json --csv");
  EXPECT_EQ(no_user.status, 1);
  EXPECT_TRUE(no_user.err.contains("no such user")) << no_user.err;
  EXPECT_EQ(no_user.out, "");
  EXPECT_EQ(no_time.status, 1);
  EXPECT_TRUE(no_time.err.contains("'today' is no time; write 2026-11-23")) << no_time.err;
  EXPECT_NE(twice.status, 0);
}

TEST_F(CommandLine, AnAbsentServerOrConfigurationIsSaidWithTheWayOut) {
  file_ = folder_ / "faelled.yaml";
  const Said no_file = faelled("usage");
  EXPECT_EQ(no_file.status, 1);
  EXPECT_TRUE(no_file.err.contains("faelled.yaml cannot be read")) << no_file.err;
  std::ofstream(file_) << "data: here\nmodels: []\n";
  const Said no_server = faelled("model list");
  EXPECT_EQ(no_server.status, 1);
  EXPECT_TRUE(no_server.err.contains("no server answers on ") && no_server.err.contains("here/control.sock") &&
              no_server.err.contains("faelled serve --config"))
      << no_server.err;
}

Said ran(const std::string& words) {
  FILE* pipe = ::popen((std::string(FAELLED_BINARY) + " " + words + " 2>&1").c_str(), "r");
  Said said;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) said.out.append(buffer, got);
  said.status = WEXITSTATUS(::pclose(pipe));
  return said;
}

TEST(Program, SaysHowItIsUsed) {
  EXPECT_EQ(ran("").status, 2);
  EXPECT_TRUE(ran("").out.contains("serve") && ran("").out.contains("usage"));
  EXPECT_EQ(ran("--help").status, 0);
  EXPECT_EQ(ran("--version").status, 0);
  EXPECT_EQ(ran("fly").status, 2);
  EXPECT_EQ(ran("key").status, 2);
  EXPECT_EQ(ran("key add").status, 2);
  for (const char* command : {"serve",         "check",        "usage",        "member",
                              "member add",    "user",         "user add",     "user sign-in-link",
                              "user set-role", "user disable", "user enable",  "member policy",
                              "key",           "key add",      "key edit",     "key rotate",
                              "key revoke",    "audit log",    "model list",   "sim",
                              "audit replay",  "audit heads",  "audit forget", "explain",
                              "shares",        "node list",    "model load",   "model unload",
                              "model pin",     "model unpin",  "node events"}) {
    const Said help = ran(std::string(command) + " --help");
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_TRUE(help.out.contains("--help")) << command;
  }
}

TEST(Program, ServeWithoutAConfigurationSaysHowToGetOne) {
  const Said said = ran("serve --config /nowhere/faelled.yaml");
  EXPECT_EQ(said.status, 1);
  EXPECT_TRUE(said.out.contains("/nowhere/faelled.yaml") && said.out.contains("./run") &&
              said.out.contains("docs/configuration.md"))
      << said.out;
  EXPECT_EQ(ran("check /nowhere/faelled.yaml").status, 1);
}

TEST(Program, WhatCannotBePrintedIsNoSuccess) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml", in = " --config " + file;
  std::ofstream(file) << "data: .\nmodels: []\n";
  for (const std::string& words :
       {std::string("sim policies"), "check " + file, "doctor --json" + in, std::string("--help")})
    EXPECT_EQ(ran(words + " > /dev/full").status, 1) << words;
  EXPECT_EQ(ran("sim policies > /dev/null").status, 0);
}

TEST(Program, NamesEveryPolicyThatTheSimulationTakes) {
  const std::string all = ran("sim policies").out;
  for (const char* one : {"fcfs\n", "bound\n"}) EXPECT_TRUE(all.contains(one)) << all;
  EXPECT_GT(count(all, "\n"), 6U) << all;
}

TEST(Program, TakesSeedsInDecimalDigitsAlone) {
  for (const char* wrong : {"-1", "0x1", "99999999999999999999999", "1.5"})
    EXPECT_EQ(ran(std::string("sim workload x --seed=") + wrong).status, 2) << wrong;
}

TEST(Program, AFolderOfDecisionsThatIsNotThereIsAMistakeWhereItIsNamed) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml", in = " --config " + file;
  std::ofstream(file) << "data: .\nmodels: []\n";
  EXPECT_EQ(ran("audit heads" + in).status, 0) << "nothing was decided yet";
  const Said typo = ran("audit heads --folder " + (folder / "typo").string());
  EXPECT_EQ(typo.status, 1);
  EXPECT_TRUE(typo.out.contains("typo")) << typo.out;
  EXPECT_EQ(ran("audit replay --names " + (folder / "typo").string() + " " + folder.path().string()).status, 2);
}

TEST(Program, AnEmptyValueIsAMistakeAndNotAsIfNothingHadBeenSaid) {
  for (const char* line : {"key add --member aarhus --name x --user ''", "key edit key_1 --expires ''",
                           "member policy aarhus --models ''", "key revoke ''"}) {
    const Said empty = ran(line);
    EXPECT_EQ(empty.status, 2) << line;
    EXPECT_TRUE(empty.out.contains("is empty; give it a value, or leave it out")) << line << ": " << empty.out;
  }
}

TEST(Program, ASupportBundleNamesNoFileOfTheOperators) {
  EXPECT_EQ(without_paths("tls  /etc/tls/chat.aarhus.dk/full.pem expires on 2027-01-01, in 34 days\n"
                          "shm  /dev/shm has 64 MB (/srv/x), 50 MB/s; see '/srv/a'\n"),
            "tls  (a path) expires on 2027-01-01, in 34 days\nshm  /dev/shm has 64 MB ((a path)), 50 MB/s; see '(a "
            "path)'\n");
}

TEST(Program, ChecksWhatServeWouldRefuse) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml";
  std::ofstream(folder / "empty") << "";
  std::ofstream(folder / "short") << "12345\n";
  const std::string upstream = "  - { id: a, engine: openai, url: \"http://h/v1\"";
  for (const auto& [text, what] :
       {std::pair("models:\n" + upstream + ", api_key_file: empty }\n", "empty"),
        std::pair(std::string("models: []\ndownloads: { token_file: empty }\n"), "empty"),
        std::pair(
            std::string("models: []\nkeys: [{ member: a, name: k, secret: sk-aaaaaaaaaaaaaaaaaaaaaa }]\nfront_ends:\n"
                        "  - { name: w, key: { member: a, name: k }, token: { secret_file: short }, default_member: a "
                        "}\n"),
            "short")}) {
    std::ofstream(file) << "data: data\n" << text;
    const Said checked = ran("check " + file), examined = ran("doctor --config " + file);
    EXPECT_EQ(checked.status, 1) << text;
    EXPECT_TRUE(checked.out.contains((folder / what).string())) << checked.out;
    EXPECT_FALSE(checked.out.contains("is in order")) << checked.out;
    EXPECT_EQ(examined.status, 1) << text;
    EXPECT_TRUE(examined.out.contains((folder / what).string())) << examined.out;
    EXPECT_EQ(ran("serve --config " + file).status, 1);
    EXPECT_FALSE(std::filesystem::exists(folder / "data")) << "it is refused before anything is made";
  }
}

TEST(Program, WarnsOfMoreMemoryThanThereIs) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml";
  const auto write = [&](const char* gb) {
    std::ofstream(file) << "data: .\nllama_server: /bin/true\nmodels: []\nresidency:\n  memory_gb: " << gb << "\n";
  };
  write("5000");
  const Said much = ran("check " + file);
  EXPECT_EQ(much.status, 0) << "another machine may be the one that serves";
  EXPECT_TRUE(much.out.contains("warning: " + file + ":5")) << much.out;
  EXPECT_TRUE(much.out.contains("residency.memory_gb gives models 5 TB")) << much.out;
  EXPECT_TRUE(much.out.contains("is in order")) << much.out;
  write("0.1");
  EXPECT_FALSE(ran("check " + file).out.contains("warning")) << ran("check " + file).out;
}

TEST(Program, TheDoctorGoesOnWhereTheConfigurationIsWrong) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml";
  std::ofstream(file) << "data: .\nmodels:\n  - { id: a, engine: openai, url: \"http://h/v1\", api_key_file: gone }\n";
  const Said missing = ran("doctor --config " + file);
  EXPECT_EQ(missing.status, 1);
  EXPECT_TRUE(missing.out.contains("f.yaml:3:") && missing.out.contains("gone cannot be read")) << missing.out;
  EXPECT_TRUE(missing.out.contains("\nok   disk") || missing.out.contains("disk ")) << missing.out;
  EXPECT_FALSE(missing.out.contains("install the driver")) << "no model is to lie on a GPU";
  std::ofstream(file) << "data: .\nllama_server: /bin/true\nmodels:\n"
                         "  - { id: a, engine: llama, file: gone.gguf, device: gpu }\n";
  if (std::system("command -v nvidia-smi >/dev/null") != 0)
    EXPECT_TRUE(ran("doctor --config " + file).out.contains("install the driver"));
}

TEST(Program, AStoreThatIsNotThereIsNoSuccess) {
  const store::TestFolder folder;
  const std::string file = folder / "f.yaml";
  std::ofstream(file) << "data: .\nmodels: []\n";
  EXPECT_EQ(ran("store status --config " + file).status, 1);
  std::ofstream(folder / "faelled.db") << "";
  EXPECT_EQ(ran("store status --config " + file).status, 0);
}

TEST(Table, AlignsWhatPeopleSeeAndPutsNumbersToTheRight) {
  const std::string json = R"({"rows":[{"a":"æøå","n":5},{"a":"x","n":1234},{"a":null,"n":0}]})";
  EXPECT_EQ(table_of(json, "rows", {"a", "n"}), "a       n\næøå     5\nx    1234\n-       0\n");
  EXPECT_EQ(table_of(json, "other", {"a"}), "");
  EXPECT_EQ(csv_of(json, "rows", {"a", "n"}), "a,n\r\næøå,5\r\nx,1234\r\n,0\r\n");
  EXPECT_EQ(csv_of(R"({"rows":[{"a":"=1"}]})", "rows", {"a"}, false), "'=1\r\n");
}

}  // namespace
}  // namespace faelled::app
