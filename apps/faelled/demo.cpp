#include "demo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "json/writer.hpp"

namespace faelled::app {
namespace {

constexpr auto looks_every = 10ms;
constexpr auto key_lasts = std::chrono::days(30);

}  // namespace

Expected<Demo> make_demo(net::Loop& loop, members::Directory& directory, const Clock& clock, const std::string& url) {
  const WallTime now = clock.wall();
  auto member = directory.ensure_member("demo", "Demo Kommune", now);
  if (!member) return std::unexpected(member.error());
  auto user = directory.ensure_user("demo", "Demo", now);
  if (!user) return std::unexpected(user.error());
  std::optional<Expected<members::NewKey>> key;
  std::optional<Expected<members::SignInLink>> link;
  std::optional<Expected<members::UserRow>> admin;
  const auto stop_when_both = [&] {
    if (key && link && admin) loop.stop();
  };
  // Who tries it out sees all that a municipality's administrator sees. One who was here before stays what they are
  // now.
  if (user->last_seen_at) {
    admin = *user;
  } else {
    directory.update_user(user->id, {.role = store::Role::member_admin}, now, [&](Expected<members::UserRow> changed) {
      admin = std::move(changed);
      stop_when_both();
    });
  }
  directory.add_key("demo", user->id, "first key", now + key_lasts, now, [&](Expected<members::NewKey> made) {
    key = std::move(made);
    stop_when_both();
  });
  directory.add_sign_in_link(user->id, now, [&](Expected<members::SignInLink> made) {
    link = std::move(made);
    stop_when_both();
  });
  net::Loop::Hold hold(loop);
  loop.run();
  if (!*admin) return std::unexpected(admin->error());
  if (!*key) return std::unexpected(key->error());
  if (!*link) return std::unexpected(link->error());
  return Demo{fmt::format("{}/sign-in#{}", url, (*link)->token), (*key)->secret};
}

net::Task<void> greet(bool as_json, gateway::Context& context, std::string url, Demo demo) {
  const std::vector<std::string_view> names = context.catalogue.names();
  const std::string model(names.empty() ? std::string_view() : names.front());
  while (true) {
    const auto models = context.mesh.models();
    const auto first = std::ranges::find(models, model, &rpc::ModelStatus::model);
    if (first == models.end() || first->state == rpc::EngineState::ready) break;
    if (first->state == rpc::EngineState::failed) {
      std::fprintf(stderr, "faelled: the model '%s' cannot be served: %s\n", model.c_str(), first->detail.c_str());
      break;
    }
    co_await context.loop.sleep(looks_every);
  }
  if (as_json) {
    std::string line;
    json::Writer(line)
        .object()
        .member("url", url)
        .member("sign_in", demo.sign_in)
        .member("key", demo.key)
        .member("model", model)
        .close_object();
    std::printf("%s\n", line.c_str());
  } else {
    std::printf("Fælled is ready at %s\nSign in (works once): %s\nA fresh key: %s\nModel: %s\n", url.c_str(),
                demo.sign_in.c_str(), demo.key.c_str(), model.c_str());
  }
  std::fflush(stdout);
}

}  // namespace faelled::app
