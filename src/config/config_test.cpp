#include "config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace faelled::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> all;
  for (const auto& problem : parse(text, "/srv").problems) all.push_back(describe(problem, "f.yaml"));
  return all;
}

std::string only_problem(const std::string& text) {
  const auto all = problems_of(text);
  if (all.size() == 1) return all.front();
  std::string joined = std::to_string(all.size()) + " problems:";
  for (const auto& one : all) joined += "\n" + one;
  return joined;
}

std::string with_model(const std::string& fields) {
  return "models:\n  - { id: a, engine: openai, url: \"http://h/v1\", " + fields + " }\n";
}

TEST(Config, TakesTheFileOfTheBenchmarkAsItStands) {
  const auto parsed = parse(R"(listen: 127.0.0.1:9400
data: ./data
keys:                       # taken in at start, stored as hash
  - { member: demo, name: bench, secret: sk-test0000000000000000000000000001 }
models:
  - { id: mock, engine: openai, url: "http://127.0.0.1:9100/v1", upstream_model: mock, concurrency: 1024 }
)",
                            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const auto& config = parsed.config;
  EXPECT_EQ(config.listen.host, "127.0.0.1");
  EXPECT_EQ(config.listen.port, 9400);
  EXPECT_EQ(config.data, "/srv/data");
  ASSERT_EQ(config.keys.size(), 1u);
  EXPECT_EQ(config.keys[0].secret, "sk-test0000000000000000000000000001");
  ASSERT_EQ(config.members.size(), 1u) << "a member named only by a key is made";
  EXPECT_EQ(config.members[0].id, "demo");
  ASSERT_EQ(config.models.size(), 1u);
  EXPECT_EQ(config.models[0].engine, Engine::openai);
  EXPECT_EQ(config.models[0].url, "http://127.0.0.1:9100/v1");
  EXPECT_EQ(config.models[0].concurrency, 1024u);
}

TEST(Config, ASecondDocumentIsAMistakeAndABareMarkIsNone) {
  EXPECT_EQ(only_problem("models: []\n---\nlimits: { wait_s: 1 }\n"),
            "f.yaml:3:1: a second document begins here; nothing of it would be read at line 3; a file is one "
            "document: write it into the first, without '---', or take it away");
  EXPECT_THAT(only_problem("{ models: [] }\nlimits: { wait_s: 1 }\n"), HasSubstr("f.yaml:2:1: a second document"));
  EXPECT_THAT(only_problem("{ models: [] } }\n"), HasSubstr("f.yaml:1:16: "));
  for (const char* fine :
       {"models: []\n---\n", "---\nmodels: []\n", "---\nmodels: []\n...\n", "models: []\n---\n# end\n"})
    EXPECT_THAT(problems_of(fine), IsEmpty()) << fine;
  EXPECT_THAT(only_problem("models: []\n---\n- [\n"), HasSubstr("this is no YAML"));
}

TEST(Config, ReadsEveryKey) {
  const auto parsed = parse(R"(
listen: "[::1]:0"
data: /var/lib/faelled
llama_server: bin/llama-server
members: [{ id: aarhus, name: Aarhus Kommune }]
users: [{ member: aarhus, name: Sagsbehandlere }]
keys: [{ member: aarhus, name: journal, user: Sagsbehandlere, secret: sk-aaaaaaaaaaaaaaaaaaaaaa }]
models:
  - id: small
    name: Lille model
    engine: llama
    file: models/small.gguf
    chat_template_file: small.jinja
    context_tokens: 4096
    threads: 2
    stop: ["Person:", "\n\n"]
    embeddings: true
    demo: true
    card:
      da: { summary: Kort, good_for: Prøver, where: Her }
      en: { summary: Short, good_for: Trials, where: Here }
  - { id: big, engine: openai, url: "http://gpu:8000/v1/", api_key_file: secret.key }
limits: { wait_s: 30, total_s: 60, silence_s: 5, keep_alive_s: 0.5, connect_s: 1, idle_s: 7, head_s: 2, body_s: 3,
          write_stall_s: 4, drain_s: 6, body_mib: 2, connections: 50, waiting: 9 }
log: { level: debug, file: faelled.log }
)",
                            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const auto& config = parsed.config;
  EXPECT_EQ(config.listen.host, "::1");
  EXPECT_EQ(config.listen.port, 0);
  EXPECT_EQ(config.data, "/var/lib/faelled");
  EXPECT_EQ(config.llama_server, "/srv/bin/llama-server");
  EXPECT_EQ(config.members[0].name, "Aarhus Kommune");
  EXPECT_EQ(config.users[0].name, "Sagsbehandlere");
  EXPECT_EQ(config.keys[0].user, "Sagsbehandlere");
  const auto& small = config.models[0];
  EXPECT_EQ(small.engine, Engine::llama);
  EXPECT_EQ(small.file, "/srv/models/small.gguf");
  EXPECT_EQ(small.chat_template_file, "/srv/small.jinja");
  EXPECT_EQ(small.concurrency, 1u) << "a llama-server has one place unless told otherwise";
  EXPECT_EQ(small.context_tokens, 4096u);
  EXPECT_EQ(small.threads, 2u);
  EXPECT_THAT(small.stop, ElementsAre("Person:", "\n\n"));
  EXPECT_TRUE(small.embeddings);
  EXPECT_TRUE(small.demo);
  EXPECT_EQ(small.card.value().da.good_for, "Prøver");
  const auto& big = config.models[1];
  EXPECT_EQ(big.url, "http://gpu:8000/v1") << "without the slash at the end";
  EXPECT_EQ(big.concurrency, 64u);
  EXPECT_EQ(big.upstream_model, "big");
  EXPECT_EQ(big.api_key_file, "/srv/secret.key");
  EXPECT_EQ(config.limits.wait, 30s);
  EXPECT_EQ(config.limits.keep_alive, 500ms);
  EXPECT_EQ(config.limits.body_bytes, 2u * 1024 * 1024);
  EXPECT_EQ(config.limits.connections, 50u);
  EXPECT_EQ(config.limits.waiting, 9u);
  EXPECT_EQ(config.log.level, LogLevel::debug);
  EXPECT_EQ(config.log.file, "/srv/faelled.log");
}

TEST(Config, ReadsTlsOfItsOwnAndTowardsEngines) {
  const auto parsed = parse(R"(listen: 127.0.0.1:9400
tls:
  listen: 0.0.0.0:9443
  certificate: tls/faelled.crt
  key: tls/faelled.key
  client_ca: tls/clients.crt
  client_certificates: optional
trusted_proxies: [{ address: 10.0.0.0/8 }, { certificate: proxy.example.dk }]
models:
  - { id: a, engine: openai, url: "https://gpu/v1", ca_file: gpu.crt, certificate_file: me.crt, key_file: me.key }
limits: { handshake_s: 3 }
)",
                            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_THAT(parsed.config.warnings, IsEmpty());
  const Tls& tls = parsed.config.tls.value();
  EXPECT_EQ(tls.listen->port, 9443);
  EXPECT_EQ(tls.certificate, (NamedFile{"/srv/tls/faelled.crt", 4, 16}));
  EXPECT_EQ(tls.key.path, "/srv/tls/faelled.key");
  EXPECT_EQ(tls.client_ca.path, "/srv/tls/clients.crt");
  EXPECT_EQ(tls.client_certificates, ClientCertificates::optional);
  EXPECT_EQ(parsed.config.trusted_proxies[0].address, "10.0.0.0/8");
  EXPECT_EQ(parsed.config.trusted_proxies[1].certificate, "proxy.example.dk");
  EXPECT_EQ(parsed.config.models[0].url, "https://gpu/v1");
  EXPECT_EQ(parsed.config.models[0].ca_file.path, "/srv/gpu.crt");
  EXPECT_EQ(parsed.config.models[0].certificate_file.path, "/srv/me.crt");
  EXPECT_EQ(parsed.config.models[0].key_file.line, 10u);
  EXPECT_EQ(parsed.config.limits.handshake, 3s);
}

TEST(Config, RefusesTlsThatCannotBeMeant) {
  const auto with_tls = [](const std::string& more) {
    return only_problem("models: []\ntls: { certificate: c, key: k" + more + " }\n");
  };
  EXPECT_THAT(with_tls(""), HasSubstr("0 problems"));
  EXPECT_THAT(only_problem("models: []\ntls: { certificate: c }\n"), HasSubstr("f.yaml:2:6: tls.key is missing"));
  EXPECT_THAT(only_problem("models: []\ntls: { key: k }\n"), HasSubstr("tls.certificate is missing"));
  EXPECT_THAT(with_tls(", client_certificates: required"), HasSubstr("tls.client_ca must vouch"));
  EXPECT_THAT(with_tls(", client_ca: a"), HasSubstr("tls.client_ca means nothing"));
  EXPECT_THAT(with_tls(", client_ca: a, client_certificates: maybe"), HasSubstr("must be one of none, optional"));
  EXPECT_THAT(with_tls(", listen: here"), HasSubstr("tls.listen 'here' has no port"));
  EXPECT_THAT(with_tls(", ca: a"), HasSubstr("unknown key 'ca' in tls"));
  EXPECT_THAT(only_problem("models: []\ntls: yes\n"), HasSubstr("tls must be a mapping"));
  EXPECT_THAT(only_problem(with_model("ca_file: a")), HasSubstr("models[0].ca_file means nothing without TLS"));
  EXPECT_THAT(only_problem("models: [{ id: a, engine: openai, url: \"https://h\", key_file: k }]\n"),
              HasSubstr("models[0].key_file stands alone"));
}

TEST(Config, RefusesAProxyThatIsNone) {
  const auto with = [](const std::string& entry) {
    return only_problem("models: []\ntrusted_proxies: [" + entry + "]\n");
  };
  for (const char* wrong : {"proxy", "10.0.0.0/33", "10.0.0.0/x", "10.0/8", "::/129", "''"})
    EXPECT_THAT(with(std::string("{ address: ") + wrong + " }"), HasSubstr("trusted_proxies[0].address")) << wrong;
  EXPECT_THAT(with("{ address: \"::1\" }"), HasSubstr("0 problems"));
  EXPECT_THAT(with("{ address: 10.0.0.1, certificate: a }"), HasSubstr("either address or certificate"));
  EXPECT_THAT(with("{}"), HasSubstr("either address or certificate"));
  EXPECT_THAT(with("{ certificate: a }"), HasSubstr("no client certificate is asked for"));
}

TEST(Config, WarnsOfAPlainAddressForOthersBesideTls) {
  const auto warnings = [](const std::string& listen, const std::string& tls_listen) {
    return parse("listen: " + listen + "\nmodels: []\ntls: { certificate: c, key: k" + tls_listen + " }\n", "/srv")
        .config.warnings.size();
  };
  EXPECT_EQ(warnings("0.0.0.0:80", ", listen: 0.0.0.0:443"), 1u);
  EXPECT_EQ(warnings("127.0.0.1:80", ", listen: 0.0.0.0:443"), 0u);
  EXPECT_EQ(warnings("0.0.0.0:443", ""), 0u) << "it speaks TLS itself";
}

TEST(Config, TakesTheAddressOfADatabaseAndNoPasswordInIt) {
  const Config config =
      parse("store: postgresql://faelled@db.example.dk/faelled\nstore_password_file: secret\nmodels: []\n", "/srv")
          .config;
  EXPECT_EQ(config.store.url, "postgresql://faelled@db.example.dk/faelled");
  EXPECT_EQ(config.store.password_file, "/srv/secret");
  for (const char* wrong : {"postgresql://faelled:hunter2@db/faelled", "postgresql://db/faelled?password=hunter2",
                            "postgresql://user:hunter/2@db/faelled", "postgresql://user:hunter2/@/x@db/faelled"}) {
    const std::string said = only_problem(std::string("store: ") + wrong + "\nmodels: []\n");
    EXPECT_THAT(said, HasSubstr("store_password_file"));
    EXPECT_THAT(said, Not(HasSubstr("hunter")));
  }
  EXPECT_THAT(problems_of("store: postgresql://me@[::1]:5432/faelled?application_name=a:b@c\nmodels: []\n"), IsEmpty());
  EXPECT_THAT(only_problem("store: mysql://db/faelled\nmodels: []\n"), HasSubstr("no address of a PostgreSQL"));
  EXPECT_THAT(only_problem("store_ca_file: ca.pem\nmodels: []\n"), HasSubstr("of no use without a store"));
}

TEST(Config, TakesTheAddressThatPeopleUse) {
  EXPECT_EQ(parse("public_url: https://ai.example.dk\nmodels: []\n", "/srv").config.public_url,
            "https://ai.example.dk");
  for (const char* wrong : {"ai.example.dk", "https://", "https://ai.example.dk/", "ftp://x", "'https://a b'"})
    EXPECT_THAT(only_problem(std::string("public_url: ") + wrong + "\nmodels: []\n"), HasSubstr("public_url")) << wrong;
}

TEST(Config, NamesTheNearestKeyAndTheLineOfAnUnknownOne) {
  EXPECT_EQ(only_problem("listen: 127.0.0.1:1\nmodels: []\nmodles: []\n"),
            "f.yaml:3:1: unknown key 'modles' at line 3; did you mean 'models'?");
  EXPECT_THAT(only_problem("modles: []\n"), HasSubstr("unknown key")) << "and not that models is missing as well";
  EXPECT_THAT(only_problem(with_model("conurrency: 3")), HasSubstr("unknown key 'conurrency' in models[0]"));
  EXPECT_THAT(only_problem("models: []\nqqqqqq: 1\n"),
              HasSubstr("known here: listen, tls, trusted_proxies, public_url"));
}

TEST(Config, TellsAllMistakesAtOnceInTheOrderOfTheFile) {
  const auto all =
      problems_of("listen: nowhere\nmodels:\n  - { id: a, engine: vlm }\nlimits: { body_mib: 0 }\nlgo: {}\n");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all[0], HasSubstr("f.yaml:1:9: listen 'nowhere' has no port"));
  EXPECT_THAT(all[1], HasSubstr("models[0].engine must be one of llama, openai, vllm, not 'vlm'"));
  EXPECT_THAT(all[2], HasSubstr("limits.body_mib"));
  EXPECT_THAT(all[3], HasSubstr("did you mean 'log'?"));
}

TEST(Config, RefusesAListenAddressThatIsNone) {
  for (auto listen : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:http", "::1:80", "[127.0.0.1]:80",
                      "example.org:80", ":80", "127.0.0.1:-1"}) {
    EXPECT_THAT(only_problem("listen: \"" + std::string(listen) + "\"\nmodels: []\n"), HasSubstr("f.yaml:1:9: listen"));
  }
  EXPECT_THAT(only_problem("listen: localhost:0\nmodels: []\n"), HasSubstr("0 problems"));
}

TEST(Config, RefusesWrongTypes) {
  EXPECT_THAT(only_problem("- a\n"), HasSubstr("the file must be a mapping"));
  EXPECT_THAT(only_problem(""), HasSubstr("the file must be a mapping"));
  EXPECT_THAT(only_problem("models: {}\n"), HasSubstr("models must be a list, not a mapping"));
  EXPECT_THAT(only_problem("models: [a]\n"), HasSubstr("models[0] must be a mapping"));
  EXPECT_THAT(only_problem("models: []\nlog: loud\n"), HasSubstr("log must be a mapping"));
  EXPECT_THAT(only_problem("models: []\ndata: [a]\n"), HasSubstr("data must be text, not a list"));
  EXPECT_THAT(only_problem("models: []\ndata:\n"), HasSubstr("leave the key out"));
  EXPECT_THAT(only_problem(with_model("demo: yes")), HasSubstr("models[0].demo must be one of true, false"));
  EXPECT_THAT(only_problem(with_model("concurrency: many")), HasSubstr("must be a whole number, not 'many'"));
  EXPECT_THAT(only_problem(with_model("stop: Person")), HasSubstr("models[0].stop must be a list"));
  EXPECT_THAT(only_problem("models: []\nlimits: { wait_s: 5m }\n"), HasSubstr("seconds without a unit, not '5m'"));
  EXPECT_THAT(only_problem("models: []\n[a]: b\n"), HasSubstr("must be a plain word"));
}

TEST(Config, RefusesValuesOutOfRange) {
  EXPECT_THAT(only_problem(with_model("concurrency: 0")), HasSubstr("allowed: 1 to 100000"));
  EXPECT_THAT(only_problem(with_model("concurrency: -1")), HasSubstr("allowed: 1 to"));
  EXPECT_THAT(only_problem(with_model("context_tokens: 99999999999999999999")), HasSubstr("allowed: 16"));
  EXPECT_THAT(only_problem("models: []\nlimits: { keep_alive_s: 0 }\n"), HasSubstr("allowed: 0.1 to 60"));
  EXPECT_THAT(only_problem("models: []\nlimits: { wait_s: .nan }\n"), HasSubstr("limits.wait_s"));
  EXPECT_THAT(only_problem("models: []\nlog: { level: loud }\n"), HasSubstr("debug, info, warn, error"));
  EXPECT_THAT(only_problem(with_model("stop: [a, b, c, d, e]")), HasSubstr("at most 4 are allowed"));
  EXPECT_THAT(only_problem(with_model("stop: ['']")), HasSubstr("stop[0] must be text"));
  EXPECT_THAT(only_problem("models: []\ndata: ''\n"), HasSubstr("data is empty"));
}

TEST(Config, ReadsWhichGpusAreOneMemory) {
  const auto parsed = parse("models: []\nresidency: { gpu_groups: [[0, 1], [3, 2, 63]] }\n", "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_THAT(parsed.config.residency.gpu_groups, ElementsAre(ElementsAre(0, 1), ElementsAre(3, 2, 63)));
  const auto groups = [](const std::string& text) {
    return only_problem("models: []\nresidency: { gpu_groups: " + text + " }\n");
  };
  EXPECT_THAT(groups("2"), HasSubstr("residency.gpu_groups must be a list"));
  EXPECT_THAT(groups("[0, 1]"), HasSubstr("2 problems"));
  EXPECT_THAT(groups("[[0]]"), HasSubstr("gpu_groups[0] must be a list of two or more GPUs at line 2; write for"));
  for (const char* wrong : {"gpu0", "-1", "64", "1.5", "[1]", "''", "0x1"})
    EXPECT_THAT(groups("[[0, " + std::string(wrong) + "]]"),
                HasSubstr("gpu_groups[0] must hold numbers of GPUs, 0 to 63"))
        << wrong;
  EXPECT_THAT(groups("[[0, 1], [2, 0]]"), HasSubstr("gpu_groups[1] names GPU 0, which stands in a group already"));
  EXPECT_THAT(groups("[[4, 4]]"), HasSubstr("names GPU 4"));
}

TEST(Config, RefusesWhatStandsTwice) {
  EXPECT_EQ(only_problem("models: []\ndata: a\ndata: b\n"),
            "f.yaml:3:1: key 'data' stands twice in the file at line 3; keep one of the two");
  EXPECT_THAT(only_problem("models:\n  - { id: a, engine: openai, url: \"http://h\" }\n"
                           "  - { id: a, engine: openai, url: \"http://h\" }\n"),
              HasSubstr("model 'a' stands twice at line 3"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: a }, { id: a }]\n"), HasSubstr("member 'a' stands twice"));
  EXPECT_THAT(only_problem("models: []\nusers: [{ member: a, name: x }, { member: a, name: x }]\n"),
              HasSubstr("user 'x' of member 'a' stands twice"));
}

TEST(Config, NeverShowsASecret) {
  for (const auto& keys :
       {"[{ member: a, name: x, secret: hunter2 }]", "[{ member: a, name: x, secret: sk-hunter2-æøå-hunter2hunter2 }]",
        "[{ member: a, name: x, secret: sk-hunter2hunter2hunter2 }, "
        "{ member: a, name: y, secret: sk-hunter2hunter2hunter2 }]"}) {
    const auto problem = only_problem("models: []\nkeys: " + std::string(keys) + "\n");
    EXPECT_THAT(problem, HasSubstr("secret"));
    EXPECT_THAT(problem, Not(HasSubstr("hunter2")));
  }
}

TEST(Config, ShowsNoSecretThatStandsInAnotherPlace) {
  const auto forgotten = only_problem("models: []\nkeys: [{ member: a, name: x, secret:sk-hunter2hunter2hunter2 }]\n");
  EXPECT_THAT(forgotten,
              HasSubstr("no blank follows the colon of 'secret:' in keys[0] at line 2; write 'secret: value'"));
  EXPECT_THAT(forgotten, Not(HasSubstr("hunter2")));
  const auto own_words = only_problem("models: []\nkeys: [{ member: a, name: x, secret:(hunter2 }]\n");
  EXPECT_THAT(own_words, Not(HasSubstr("hunter2"))) << "nor one that does not look like a key";
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: SK, sk-hunter2hunter2hunter2: 1 }]\n"),
              HasSubstr("unknown key 'sk-…' in members[0]"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: '(sk-hunter2hunter2hunter2_-x)' }]\n"),
              HasSubstr("'(sk-…)' is no member id"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: '-A-helpdesk-with-a-long-name' }]\n"),
              HasSubstr("'-A-helpdesk-with-a-long-name' is no member id"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: 'A sk-short' }]\n"), HasSubstr("'A sk-short' is no member id"));
}

// What is in order here is so when the server starts: it asks the same.
TEST(Config, CallsMembersAndPeopleAsEverywhereElse) {
  for (const char* bad : {"_demo", "-x", ".x"})
    EXPECT_THAT(only_problem(std::string("models: []\nmembers: [{ id: ") + bad + " }]\n"),
                HasSubstr("is no member id"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: a, name: ' Aarhus' }]\n"),
              HasSubstr("members[0].name begins or ends with a space"));
  EXPECT_THAT(only_problem("models: []\nusers: [{ member: a, name: \"A\\u202Enne\" }]\n"),
              HasSubstr("users[0].name has a control character"));
  EXPECT_THAT(only_problem("models: []\nkeys: [{ member: a, name: \"x\\ty\", secret: sk-aaaaaaaaaaaaaaaaaaaaa }]\n"),
              HasSubstr("keys[0].name has a control character"));
  EXPECT_EQ(parse("models: []\nmembers: [{ id: Aarhus }]\n", "/srv").config.members.at(0).id, "Aarhus");
}

TEST(Config, AsksForWhatAKeyOrMemberNeeds) {
  EXPECT_THAT(only_problem("models: []\nkeys: [{ member: a, name: x }]\n"), HasSubstr("keys[0].secret is missing"));
  EXPECT_THAT(only_problem("models: []\nmembers: [{ id: Aarhus By }]\n"), HasSubstr("'Aarhus By' is no member id"));
  EXPECT_THAT(only_problem("models: []\nkeys: [{ member: a, name: x, secret: sk-aaaaaaaaaaaaaaaaaaaaa }, "
                           "{ member: a, name: x, secret: sk-aaaaaaaaaaaaaaaaaaaab }]\n"),
              HasSubstr("key 'x' of member 'a' stands twice"));
}

TEST(Config, AsksForWhatAModelNeeds) {
  EXPECT_THAT(only_problem("listen: 127.0.0.1:1\n"), HasSubstr("models is missing"));
  EXPECT_THAT(only_problem("models: [{ engine: openai, url: \"http://h\" }]\n"), HasSubstr("models[0].id is missing"));
  EXPECT_THAT(only_problem("models: [{ id: a }]\n"), HasSubstr("models[0].engine is missing"));
  EXPECT_THAT(only_problem("models: [{ id: a, engine: openai }]\n"), HasSubstr("models[0].url is missing"));
  EXPECT_THAT(only_problem("llama_server: x\nmodels: [{ id: a, engine: llama }]\n"), HasSubstr("file is missing"));
  EXPECT_THAT(only_problem("models: [{ id: a, engine: llama, file: x }]\n"), HasSubstr("llama_server is not set"));
  EXPECT_THAT(only_problem("models: [{ id: 'a b', engine: openai, url: \"http://h\" }]\n"), HasSubstr("no model id"));
  EXPECT_THAT(only_problem(with_model("file: x.gguf")), HasSubstr("models[0].file means nothing for engine openai"));
  EXPECT_THAT(only_problem(with_model("card: { da: { summary: x } }")), HasSubstr("models[0].card.en is missing"));
}

TEST(Config, RefusesAnAddressThatIsNoServer) {
  for (auto url : {"h:80/v1", "ftp://h/v1", "https://", "http://", "http:///v1", "http://:80/v1", "http://u:p@h/v1",
                   "http://h/v1?a=b", "http://h h/v1"}) {
    EXPECT_THAT(only_problem("models: [{ id: a, engine: openai, url: \"" + std::string(url) + "\" }]\n"),
                HasSubstr("models[0].url"))
        << url;
  }
}

TEST(Config, ReadsAliasesOfAModel) {
  const auto parsed =
      parse(with_model("aliases: [OS2ai-default, { name: titles, lane: batch, listed: false }]"), "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const auto& aliases = parsed.config.models[0].aliases;
  ASSERT_EQ(aliases.size(), 2u);
  EXPECT_EQ(aliases[0].name, "OS2ai-default");
  EXPECT_FALSE(aliases[0].batch);
  EXPECT_TRUE(aliases[0].listed);
  EXPECT_EQ(aliases[1].name, "titles");
  EXPECT_TRUE(aliases[1].batch);
  EXPECT_FALSE(aliases[1].listed);
}

TEST(Config, RefusesAnAliasThatMeansSomethingElse) {
  EXPECT_THAT(only_problem(with_model("aliases: [a]")), HasSubstr("alias 'a' of model 'a' means another one already"));
  EXPECT_THAT(only_problem(with_model("aliases: [b, b]")), HasSubstr("alias 'b' of model 'a'"));
  EXPECT_THAT(only_problem(with_model("aliases: ['b c']")), HasSubstr("models[0].aliases[0] 'b c' is no model id"));
  EXPECT_THAT(only_problem(with_model("aliases: [{ name: b, lane: slow }]")),
              HasSubstr("models[0].aliases[0].lane must be one of interactive, batch, not 'slow'"));
}

const char* const open_webui = R"(front_ends:
  - name: open-webui
    key: { member: os2, name: open-webui }
    token: { secret_file: owui.secret, clock_skew_s: 10 }
    keep: [name, email]
    members:
      - { email_domain: aarhus.example, member: aarhus }
      - { group: Odense, member: odense }
      - { claim: kommune, value: "0751", member: aarhus }
    default_member: guests
models: []
)";

TEST(Config, ReadsAFrontEndAndMakesTheMembersThatItNames) {
  const auto parsed = parse(open_webui, "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  ASSERT_EQ(parsed.config.front_ends.size(), 1u);
  const FrontEnd& one = parsed.config.front_ends[0];
  EXPECT_EQ(one.key_member, "os2");
  EXPECT_EQ(one.key_name, "open-webui");
  EXPECT_EQ(one.token_secret_file, "/srv/owui.secret");
  EXPECT_EQ(one.token_header, "X-OpenWebUI-User-Jwt");
  EXPECT_EQ(one.token_issuer, "open-webui");
  EXPECT_EQ(one.token_clock_skew, Duration(10s));
  EXPECT_TRUE(one.keep_name && one.keep_email);
  EXPECT_FALSE(one.key_without_person);
  ASSERT_EQ(one.members.size(), 3u);
  EXPECT_EQ(one.members[2].claim, "kommune");
  EXPECT_EQ(one.members[2].value, "0751");
  std::vector<std::string> members;
  for (const Member& member : parsed.config.members) members.push_back(member.id);
  EXPECT_THAT(members, ElementsAre("aarhus", "odense", "guests"));
}

TEST(Config, RefusesAFrontEndThatAnybodyCouldBe) {
  static constexpr const char* asking =
      "tls: { certificate: c.pem, key: k.pem, client_ca: ca.pem, client_certificates: optional }\n";
  const auto with = [](const std::string& fields) {
    return std::string(asking) + "models: []\nfront_ends:\n  - { name: f, default_member: m, " + fields + " }\n";
  };
  EXPECT_THAT(only_problem(with("token: { secret_file: s }")), HasSubstr("'f' has no way to prove itself"));
  EXPECT_THAT(only_problem(with("key: { member: m, name: k }")), HasSubstr("key alone says nothing about who asks"));
  EXPECT_THAT(only_problem(with("key: { member: m, name: k }, token: { secret_file: s }, groups_header: X-Groups")),
              HasSubstr("groups_header is not signed and needs a certificate"));
  EXPECT_THAT(only_problem(with("certificate: c, without_person: key")), HasSubstr("there is no key"));
  EXPECT_THAT(only_problem(with("certificate: c, groups_header: 'X Groups'")), HasSubstr("is no name of a header"));
  EXPECT_THAT(only_problem("models: []\nfront_ends: [{ name: f, certificate: c, default_member: m }]\n"),
              HasSubstr("nobody is asked for a certificate"));
  EXPECT_THAT(only_problem(std::string(asking) + "models: []\nfront_ends: [{ name: f, certificate: c }]\n"),
              HasSubstr("lets nobody in"));
  EXPECT_THAT(only_problem(with("certificate: c, keep: [face]")), HasSubstr("keep[0] must be name or email"));
  EXPECT_THAT(only_problem(with("certificate: c, members: [{ member: m }]")), HasSubstr("must say by one thing"));
  EXPECT_THAT(only_problem(with("certificate: c, members: [{ email_domain: a, group: b, member: m }]")),
              HasSubstr("must say by one thing"));
  EXPECT_THAT(only_problem(with("certificate: c, members: [{ claim: a, member: m }]")),
              HasSubstr("needs claim and value together"));
  EXPECT_THAT(only_problem(with("certificate: c, members: [{ email_domain: x@a.example, member: m }]")),
              HasSubstr("is a whole address"));
  EXPECT_THAT(
      only_problem(std::string(asking) + "models: []\nfront_ends:\n  - { name: f, certificate: c, default_member: m }\n"
                                         "  - { name: g, certificate: c, default_member: m }\n"),
      HasSubstr("proves itself as another front end does"));
}

TEST(Config, SaysWhereTheYamlItselfIsBroken) {
  EXPECT_THAT(only_problem("models: []\nlisten: [\n"), HasSubstr("this is no YAML"));
  EXPECT_THAT(only_problem("models: []\n\tdata: x\n"), HasSubstr("f.yaml:2:"));
  EXPECT_THAT(only_problem("a: *nobody\n"), HasSubstr("this is no YAML"));
  EXPECT_THAT(only_problem(std::string(2 * 1024 * 1024, '#')), HasSubstr("at most 1048576 are allowed"));
}

TEST(Config, SurvivesDeepNestingAndMutations) {
  EXPECT_THAT(problems_of(std::string(100'000, '[')), Not(IsEmpty()));
  EXPECT_THAT(problems_of("models: " + std::string(100'000, '{')), Not(IsEmpty()));
  const std::string valid = with_model("stop: [a], card: { da: { summary: x }, en: { summary: y } }") +
                            "keys: [{ member: a, name: x, secret: sk-aaaaaaaaaaaaaaaaaaaaa }]\nlimits: { wait_s: 1 }\n";
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string text = valid;
    for (int edits = 1 + static_cast<int>(random() % 4); edits > 0; --edits) {
      const auto at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 4);
      } else {
        text[at] = static_cast<char>(random() % 2 ? random() % 256 : "[]{}:,-'\"\n &*!|>#%@"[random() % 19]);
      }
      if (text.empty()) text = "x";
    }
    parse(text, "/srv");  // any outcome but a crash
  }
}

}  // namespace
}  // namespace faelled::config
