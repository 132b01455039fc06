#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/whole_number.hpp"
#include "config/adapters.hpp"
#include "config/config.hpp"
#include "config/document.hpp"
#include "config/edge.hpp"
#include "config/fields.hpp"
#include "config/front_ends.hpp"
#include "config/keys.hpp"
#include "config/member_ids.hpp"
#include "config/models.hpp"
#include "config/store_address.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t entries_max = 10'000;
constexpr std::size_t path_bytes_max = 4096;

void read_public_url(Fields& fields, std::string& url) {
  const auto text = fields.text("public_url");
  if (!text) return;
  const std::string_view hint = "write it as https://faelled.example.dk, without a path";
  const std::size_t scheme = text->starts_with("https://") ? 8 : text->starts_with("http://") ? 7 : 0;
  if (scheme == 0 || text->size() == scheme || text->find_first_of("/?# ", scheme) != std::string::npos)
    return fields.wrong("public_url", "public_url " + in_quotes(*text) + " is no address of a server",
                        std::string(hint));
  url = *text;
}

void read_members(Fields& top, Problems& problems, Config& config) {
  std::set<std::string> seen;
  top.list("members", entries_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::members);
    const auto id = member_id(fields, "id");
    const auto name = fit_to_show(fields, "name", fields.text("name"));
    if (!id) return;
    if (!seen.insert(*id).second) return fields.wrong("id", "member '" + *id + "' stands twice", "keep one of the two");
    config.members.push_back({*id, name.value_or(*id)});
  });
}

void read_users(Fields& top, Problems& problems, Config& config) {
  std::set<std::pair<std::string, std::string>> seen;
  top.list("users", entries_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::users);
    const auto member = member_id(fields, "member");
    const auto name = fit_to_show(fields, "name", fields.required("name", "Caseworkers"));
    if (!member || !name) return;
    if (!seen.emplace(*member, *name).second) {
      return fields.wrong("name", "user " + in_quotes(*name) + " of member '" + *member + "' stands twice",
                          "keep one of the two");
    }
    add_member_if_new(config, *member);
    config.users.push_back({*member, *name});
  });
}

bool is_secret(std::string_view secret) {
  return secret.starts_with(key_begins) && secret.size() >= key_bytes_min && std::ranges::all_of(secret, is_of_keys);
}

void read_keys(Fields& top, Problems& problems, Config& config) {
  static constexpr auto waitings = std::to_array<std::string_view>({"off", "da", "en"});
  std::set<std::string> secrets;
  std::set<std::pair<std::string, std::string>> names;
  top.list("keys", entries_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::keys);
    const auto member = member_id(fields, "member");
    const auto name = fit_to_show(fields, "name", fields.required("name", "bench"));
    const auto user = fit_to_show(fields, "user", fields.text("user"));
    const auto waiting = fields.choice("show_waiting", waitings);
    // No message may show the secret or a part of it.
    const auto secret = fields.required("secret", "a value made by 'faelled key add'");
    if (secret && !is_secret(*secret)) {
      fields.wrong("secret", fields.path("secret") + " is no key",
                   "it begins with sk-, has at least " + std::to_string(key_bytes_min) +
                       " characters and only letters, digits, '-' and '_'");
    } else if (secret && !secrets.insert(*secret).second) {
      fields.wrong("secret", fields.path("secret") + " is the same as another key's", "give each key its own secret");
    } else if (member && name && !names.emplace(*member, *name).second) {
      fields.wrong("name", "key " + in_quotes(*name) + " of member '" + *member + "' stands twice",
                   "give each key of a member its own name");
    } else if (member && name && secret) {
      add_member_if_new(config, *member);
      config.keys.push_back(
          {*member, *name, user.value_or(""), *secret, static_cast<ShowWaiting>(waiting.value_or(0))});
    }
  });
}

void read_limits(Fields& top, Problems& problems, Limits& limits) {
  const auto* node = top.find("limits");
  if (!node) return;
  Fields fields(problems, *node, "limits", keys::limits);
  const auto seconds = [&](std::string_view key, Duration& into, double min_s, double max_s) {
    if (const auto read = fields.seconds(key, min_s, max_s)) into = *read;
  };
  seconds("wait_s", limits.wait, 0, 3600);
  seconds("total_s", limits.total, 1, 24 * 3600);
  seconds("silence_s", limits.silence, 0.1, 3600);
  seconds("keep_alive_s", limits.keep_alive, 0.1, 60);
  seconds("connect_s", limits.connect, 0.1, 60);
  seconds("handshake_s", limits.handshake, 0.1, 60);
  seconds("idle_s", limits.idle, 0.1, 3600);
  seconds("head_s", limits.head, 0.1, 300);
  seconds("body_s", limits.body, 0.1, 3600);
  seconds("write_stall_s", limits.write_stall, 0.1, 3600);
  seconds("drain_s", limits.drain, 0, 3600);
  const auto count = [&](std::string_view key, std::size_t& into, Range range, std::size_t unit = 1) {
    if (const auto read = fields.number(key, range)) into = *read * unit;
  };
  count("body_mib", limits.body_bytes, {1, 1024}, 1024 * 1024);
  count("connections", limits.connections, {1, 1'000'000});
  count("waiting", limits.waiting, {1, 1'000'000});
}

void read_downloads(Fields& top, Problems& problems, const std::filesystem::path& folder, Downloads& downloads) {
  constexpr double gb_max = 1'000'000, bytes_per_gb = 1e9, mb_max = 100'000, bytes_per_mb = 1e6;
  const auto* node = top.find("downloads");
  if (!node) return;
  Fields fields(problems, *node, "downloads", keys::downloads);
  if (const auto text = fields.text("hub", limits::fetch_url_bytes_max)) {
    if (auto hub = fetch::parse_hub(*text))
      downloads.hub = std::move(*hub);
    else
      fields.wrong("hub", "downloads.hub " + hub.error().message, hub.error().hint);
  }
  if (const auto file = fields.text("token_file", path_bytes_max))
    downloads.token_file = (folder / *file).lexically_normal();
  if (const auto file = fields.text("ca_file", path_bytes_max)) downloads.ca_file = (folder / *file).lexically_normal();
  downloads.offline = fields.boolean("offline").value_or(false);
  if (const auto gb = fields.decimal("keep_free_gb", 0, gb_max))
    downloads.keep_free = static_cast<std::uint64_t>(*gb * bytes_per_gb);
  if (const auto mb = fields.decimal("rate_mb_s", 0.01, mb_max))
    downloads.rate = static_cast<std::uint64_t>(*mb * bytes_per_mb);
}

std::optional<unsigned> gpu_of(const YAML::Node& node) {
  const auto number = node.IsScalar() ? whole_number<unsigned>(node.Scalar()) : std::nullopt;
  return number && *number < limits::gpus_max ? number : std::nullopt;
}

void read_gpu_groups(Fields& fields, Problems& problems, Residency& residency) {
  static constexpr auto example = "write for example [[0, 1], [2, 3]]";
  std::set<unsigned> in_groups;
  fields.list("gpu_groups", limits::gpus_max / 2, [&](const YAML::Node& node, const std::string& where) {
    if (!node.IsSequence() || node.size() < 2)
      return problems.add(node, where + " must be a list of two or more GPUs", example);
    std::vector<unsigned> group;
    for (const YAML::Node& one : node) {
      const auto number = gpu_of(one);
      if (!number)
        return problems.add(one, where + " must hold numbers of GPUs, 0 to " + std::to_string(limits::gpus_max - 1),
                            example);
      if (!in_groups.insert(*number).second)
        return problems.add(one, where + " names GPU " + std::to_string(*number) + ", which stands in a group already",
                            "a GPU is in one group, once");
      group.push_back(*number);
    }
    residency.gpu_groups.push_back(std::move(group));
  });
}

void read_residency(Fields& top, Problems& problems, Residency& residency) {
  constexpr double gb_max = 1'000'000;
  constexpr double bytes_per_gb = 1e9;
  const auto* node = top.find("residency");
  if (!node) return;
  Fields fields(problems, *node, "residency", keys::residency);
  if (const auto gb = fields.decimal("memory_gb", 0.001, gb_max)) {
    residency.memory_bytes = static_cast<std::uint64_t>(*gb * bytes_per_gb);
    const YAML::Mark mark = fields.find("memory_gb")->Mark();
    residency.memory_line = static_cast<std::size_t>(mark.line) + 1;
    residency.memory_column = static_cast<std::size_t>(mark.column) + 1;
  }
  if (const auto read = fields.seconds("turn_s", 0.1, 3600)) residency.turn = *read;
  if (const auto read = fields.seconds("promise_s", 0, 3600)) residency.promise = *read;
  if (const auto read = fields.seconds("unused_after_s", 0, 7 * 24 * 3600)) residency.unused_after = *read;
  constexpr double watts_max = 1e6;
  residency.idle_w = fields.decimal("idle_w", 0, watts_max).value_or(0);
  residency.load_w = fields.decimal("load_w", 0, watts_max).value_or(0);
  residency.wait_w = fields.decimal("wait_w", 0, watts_max).value_or(0);
  if (const auto read = fields.seconds("patience_s", 0, 24 * 3600)) residency.patience = *read;
  residency.warm = fields.boolean("warm").value_or(true);
  residency.sleep = fields.boolean("sleep").value_or(true);
  read_gpu_groups(fields, problems, residency);
  if (residency.idle_w > 0 && residency.load_w + residency.wait_w == 0)
    fields.wrong("idle_w", "residency.idle_w stands alone: every model would go as soon as nobody uses it",
                 "say what a load draws (load_w) and what a wait is worth (wait_w)");
}

void read_log(Fields& top, Problems& problems, const std::filesystem::path& folder, Log& log) {
  static constexpr auto levels = std::to_array<std::string_view>({"debug", "info", "warn", "error"});
  const auto* node = top.find("log");
  if (!node) return;
  Fields fields(problems, *node, "log", keys::log);
  if (const auto level = fields.choice("level", levels)) log.level = static_cast<LogLevel>(*level);
  if (const auto file = fields.text("file", path_bytes_max)) log.file = (folder / *file).lexically_normal();
}

void needs_program(Fields& top, const Config& config, Engine engine, std::string_view key, const char* hint) {
  const auto model = std::ranges::find(config.models, engine, &Model::engine);
  if (model == config.models.end() || top.has(key)) return;
  top.wrong("models", "model " + in_quotes(model->id) + " needs a program, and " + std::string(key) + " is not set",
            hint);
}

void read_top(const YAML::Node& root, Problems& problems, const std::filesystem::path& folder, Config& config) {
  Fields top(problems, root, "", keys::top);
  if (!root.IsMap()) return;
  read_edge(top, problems, folder, config);
  read_public_url(top, config.public_url);
  const auto data = top.has("data") ? top.text("data", path_bytes_max) : std::optional<std::string>("data");
  if (data && !top.misspelt("data")) config.data = (folder / *data).lexically_normal();
  read_store(top, folder, config.store);
  if (const auto path = top.text("llama_server", path_bytes_max))
    config.llama_server = (folder / *path).lexically_normal();
  if (const auto path = top.text("vllm", path_bytes_max)) config.vllm = (folder / *path).lexically_normal();
  read_members(top, problems, config);
  read_users(top, problems, config);
  read_keys(top, problems, config);
  if (!top.has("models") && !top.misspelt("models"))
    top.wrong("models", "models is missing", "list what can be asked; 'models: []' for none");
  read_models(top, problems, folder, config.models);
  warn_of_shut_out(config.models, config.warnings);
  read_front_ends(top, problems, folder, config);
  needs_program(top, config, Engine::llama, "llama_server",
                "add for example 'llama_server: /usr/local/bin/llama-server'; ./run builds one");
  needs_program(top, config, Engine::vllm, "vllm",
                "add for example 'vllm: /opt/vllm/bin/vllm'; ./dev vllm installs one for processors");
  read_downloads(top, problems, folder, config.downloads);
  read_residency(top, problems, config.residency);
  read_limits(top, problems, config.limits);
  read_log(top, problems, folder, config.log);
}

}  // namespace

Parsed parse(std::string_view text, const std::filesystem::path& folder) {
  Parsed parsed;
  Problems problems;
  read_tree(text, problems, [&](const YAML::Node& root) { read_top(root, problems, folder, parsed.config); });
  parsed.problems = std::move(problems).in_file_order();
  return parsed;
}

}  // namespace faelled::config
