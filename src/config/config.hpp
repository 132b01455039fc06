// Config: what an operator writes in the one YAML file, read once at start and never changed.
// Plain values without a framework; apps/ turns them into what the roles want. Any thread may read it.
// Every key and its default is described in docs/configuration.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "crypto/digest.hpp"
#include "fetch/source.hpp"

namespace faelled::config {

struct Listen {
  std::string host = "127.0.0.1";  // an IPv4 or IPv6 address, without brackets
  std::uint16_t port = 9400;       // 0: any free port
};

// A file, and where the configuration names it (0: nowhere), for those who find it wrong only when they read it.
struct NamedFile {
  std::filesystem::path path;
  std::size_t line = 0;
  std::size_t column = 0;
  bool operator==(const NamedFile&) const = default;
};

enum class ClientCertificates { none, optional, required };

struct Tls {
  std::optional<Listen> listen;  // none: the address in Config::listen speaks TLS
  NamedFile certificate;
  NamedFile key;
  NamedFile client_ca;  // empty where client_certificates is none
  ClientCertificates client_certificates = ClientCertificates::none;
};

// Exactly one of the two is set.
struct TrustedProxy {
  std::string address;      // or a network, "10.0.0.0/8"
  std::string certificate;  // a name in a client certificate
};

struct Member {
  std::string id;
  std::string name;  // the id where the file gives none
};

struct User {
  std::string member;
  std::string name;
};

// How a client that takes no notice of comments is told its place in line: in no way, or in words of a language.
enum class ShowWaiting { off, da, en };

struct Key {
  std::string member;
  std::string name;
  std::string user;  // empty: the key is a system's, not a person's
  std::string secret;
  ShowWaiting show_waiting = ShowWaiting::off;
};

// Which member a person belongs to; exactly one of `email_domain`, `group` and `claim` is set.
struct FrontEndRule {
  std::string email_domain;  // "aarhus.example", or "*.aarhus.example" for those below it
  std::string group;
  std::string claim;  // the name of a token's claim, whose text is `value`
  std::string value;
  std::string member;
};

// A shared front end that says with each request who is behind it.
struct FrontEnd {
  std::string name;
  std::string key_member;  // its key, by member and name; both empty: none
  std::string key_name;
  std::string certificate;                  // what its client certificate is called; empty: none
  std::filesystem::path token_secret_file;  // empty: it sends no signed token
  std::string token_header = "X-OpenWebUI-User-Jwt";
  std::string token_issuer = "open-webui";
  Duration token_clock_skew = limits::front_end_clock_skew;
  std::string groups_header;        // of plain headers; empty: none
  bool key_without_person = false;  // a request that names nobody counts for the key's own member
  bool keep_name = true;            // of people, for those who look at usage
  bool keep_email = false;
  std::vector<FrontEndRule> members;
  std::string default_member;  // empty: whom no rule fits is refused
};

enum class Engine { llama, openai, vllm };
std::string_view name_of(Engine engine);

struct CardText {
  std::string summary;
  std::string good_for;
  std::string where;
};

struct Card {
  CardText da;
  CardText en;
};

// Another name by which clients may ask for a model.
struct Alias {
  std::string name;
  bool batch = false;  // for work that nobody waits for, such as a front end's titles
  bool listed = true;  // stands in the list of models
};

// What was learned on top of a model, small beside it: a LoRA. Clients ask for "id of the model:name".
struct Adapter {
  std::string name;
  std::filesystem::path path;        // llama: a GGUF file; vllm: a folder with adapter_config.json
  std::vector<std::string> members;  // of whom the model is for: who may use it, and see it; empty: all of them
  std::vector<Alias> aliases;
  std::optional<Card> card;
};

struct Model {
  std::string id;
  std::string name;  // the id where the file gives none
  Engine engine = Engine::openai;
  std::filesystem::path file;            // llama: the GGUF file
  std::optional<fetch::Source> source;   // llama and vllm, in place of `file` and `folder`: it is fetched from there
  std::optional<crypto::Digest> sha256;  // llama: of what is fetched; none: the hub says it
  std::filesystem::path folder;          // vllm: config.json, *.safetensors and the tokenizer
  std::string url;                       // openai: base address, with /v1 and without a slash at the end
  std::string upstream_model;            // openai: the model's name there; the id where the file gives none
  std::filesystem::path api_key_file;    // openai: empty for none
  NamedFile ca_file;                     // openai, https: empty for what the system trusts
  NamedFile certificate_file;            // openai, https: what we show; empty for none
  NamedFile key_file;
  std::uint32_t concurrency = 1;             // places
  std::uint32_t context_tokens = 0;          // 0: what the model was made for, at most 4096
  std::uint32_t threads = 1;                 // llama, vllm
  std::filesystem::path chat_template_file;  // llama, vllm: empty for the model's own
  std::uint32_t copies = 0;                  // llama, vllm: the most engines of it at once; 0: one in each memory
  std::optional<bool> gpu;                   // llama, vllm: it lies in a GPU's memory; empty: as its engine was built
  std::string tool_parser;                   // vllm: what it calls the model's way to write tool calls; empty: no tools
  std::vector<std::string> members;          // who may use it and its adapters, and see them; empty: everybody
  std::vector<std::string> stop;             // added to every chat request
  std::vector<Alias> aliases;
  std::vector<Adapter> adapters;          // llama, vllm
  std::uint32_t adapters_max = 4;         // vllm: so many of them answer at once
  std::uint32_t adapters_rank = 16;       // vllm: the largest rank that one may have
  std::filesystem::path adapters_folder;  // vllm: those below it come while the engine runs; empty: none do
  bool embeddings = false;
  bool rerank = false;
  bool shorter_vectors = false;
  bool demo = false;    // proves the path only; the page says so
  bool pinned = false;  // llama: in memory always
  std::optional<Card> card;
};

// How files of models are fetched: docs/residency.md.
struct Downloads {
  std::string hub = "https://huggingface.co";  // without a slash at the end
  std::filesystem::path token_file;            // the hub's token for us; empty: none
  std::filesystem::path ca_file;               // empty: whom the system trusts
  bool offline = false;
  std::uint64_t keep_free = 1'000'000'000;  // bytes of the disk that no fetched file takes
  std::uint64_t rate = 0;                   // bytes a second; 0: as fast as it comes
};

// Which models are in memory: docs/residency.md.
struct Residency {
  std::uint64_t memory_bytes = 0;  // for models, of this machine; 0: what there is, less a reserve
  std::size_t memory_line = 0;     // where that stands in the file
  std::size_t memory_column = 0;
  Duration turn = std::chrono::seconds(20);
  Duration promise{};
  Duration unused_after{};  // zero: by the energy
  double idle_w = 0;        // of a device with idle engines
  double load_w = 0;
  double wait_w = 0;
  Duration patience = std::chrono::minutes(30);
  bool warm = true;
  bool sleep = true;  // engines that can leave their weights in the host's memory do so before they end
  std::vector<std::vector<unsigned>> gpu_groups;  // by the driver's numbers: GPUs that are one memory
};

struct Limits {
  Duration wait = limits::ticket_wait_max;
  Duration total = limits::ticket_total_max;
  Duration silence = limits::engine_silence_max;
  Duration keep_alive = limits::keep_alive_every;
  Duration connect = limits::upstream_connect_max;
  Duration handshake = limits::tls_handshake_max;
  Duration idle = limits::http_idle_max;
  Duration head = limits::http_head_max;
  Duration body = limits::http_body_max;
  Duration write_stall = limits::http_write_stall_max;
  Duration drain = limits::http_drain_max;
  std::size_t body_bytes = limits::http_body_bytes_max;
  std::size_t connections = limits::http_connections_max;
  std::size_t waiting = limits::tickets_waiting_max;
};

enum class LogLevel { debug, info, warn, error };

struct Log {
  LogLevel level = LogLevel::info;
  std::filesystem::path file;  // empty: standard error
};

// One thing that is wrong, where, and how to mend it. Never holds a secret. Lines and columns count from 1; 0: the file
// as a whole.
struct Problem {
  std::size_t line = 0;
  std::size_t column = 0;
  std::string message;
  std::string hint;
  std::string key = {};  // as "models[0].file"; empty: of no single one

  bool operator==(const Problem&) const = default;
};

// Where keys, ledger and conversations are kept: in the data folder where `url` is empty.
struct Store {
  std::string url;                      // postgresql://user@host:5432/database, without a password
  std::filesystem::path password_file;  // empty: PGPASSFILE or ~/.pgpass
  std::filesystem::path ca_file;        // empty: whom the system trusts
};

struct Config {
  Listen listen;
  std::optional<Tls> tls;
  std::vector<TrustedProxy> trusted_proxies;
  std::string public_url;      // how people reach it, without a slash at the end; empty: what `listen` says
  std::filesystem::path data;  // absolute, or relative to where the process was started
  Store store;
  std::vector<Member> members;  // those named only by a key or a user are in it too
  std::vector<User> users;
  std::vector<Key> keys;
  std::vector<FrontEnd> front_ends;
  std::filesystem::path llama_server;
  std::filesystem::path vllm;
  std::vector<Model> models;
  Downloads downloads;
  Residency residency;
  Limits limits;
  Log log;
  std::vector<Problem> warnings;  // what is allowed, and seldom meant
};

struct Parsed {
  // Of use only when there is no problem, but for `data`: that is empty where the text does not say which folder.
  Config config;
  std::vector<Problem> problems;  // all of them, in the order of the file
};

// Reads the text alone and touches no file: relative paths are put under `folder`. Any bytes are allowed as text.
Parsed parse(std::string_view text, const std::filesystem::path& folder);

// One of `models`, alone, as JSON, without a look at any file; relative paths stay relative. Its problems name its keys
// as "definition.file" and stand on no line.
std::expected<Model, std::vector<Problem>> parse_model(std::string_view json);

// parse() of the file. Errors: not_found, io, invalid (a folder): it cannot be read.
Expected<Parsed> parse_file(const std::filesystem::path& path);

// parse_file(), and where nothing is wrong so far, a look whether what it names is there: each that is not is a
// problem.
Expected<Parsed> look_at_file(const std::filesystem::path& path);

// look_at_file(), for whom one problem is too many. The error's message has one line per problem: FILE:LINE:COLUMN:
// message; hint.
Expected<Config> load(const std::filesystem::path& path);

// The data folder, whatever else is wrong in the file and with what it names: for those who talk to a server that has
// been running since all was well. Errors: those of parse_file(); invalid, with every problem, where the file does not
// say which folder.
Expected<std::filesystem::path> data_folder(const std::filesystem::path& path);

std::string describe(const Problem& problem, const std::string& file);

}  // namespace faelled::config
