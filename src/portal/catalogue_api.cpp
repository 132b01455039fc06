// Models that operators add, change and remove while the server runs.
#include <fmt/format.h>

#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/portal.hpp"

namespace faelled::portal {
namespace {

using gateway::CatalogueModel;
using openai::ApiError;
using openai::Cause;

void write_fit(json::Writer& out, const ModelFit& fit) {
  out.key("fit").object();
  out.member("fits", fit.why_not.empty()).member_or_null("why_not", fit.why_not);
  out.member("bytes", fit.weights + fit.kv_cache + fit.working).member("weights", fit.weights);
  out.member("kv_cache", fit.kv_cache).member("working", fit.working).member("memory", fit.memory).close_object();
}

ApiError in_file(const std::string& id) {
  return {Cause::conflict,
          fmt::format("The model '{}' stands in the configuration file; change it there and start again.", id),
          {},
          {},
          "Modellen står i konfigurationsfilen. Ret den dér, og genstart."};
}

ApiError moved_on(const std::string& id, std::uint64_t version) {
  return {
      Cause::conflict,
      fmt::format("Somebody has changed '{}' meanwhile; it has version {} now. Look at it and try again.", id, version),
      "version",
      {},
      "En anden har ændret modellen imens. Se den, og prøv igen."};
}

}  // namespace

std::string stored_model(std::uint64_t version, std::string_view definition, const ModelFit& fit) {
  std::string text;
  json::Writer out(text);
  out.object().member("version", version).key("definition");
  if (definition.empty()) {
    out.null();
  } else {
    out.raw(definition);
    out.member("weights", fit.weights).member("kv_cache", fit.kv_cache).member("working", fit.working);
  }
  out.close_object();
  return text;
}

net::Task<void> Portal::list_catalogue(Call& call) {
  const auto model_of = [this](const std::string& id) { return p_.context.catalogue.find(id); };
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("models").array();
              for (const std::string& id : p_.context.catalogue.names()) {
                const std::string definition = p_.keeping != nullptr ? p_.keeping->definition(id) : "";
                out.object().member("id", id).member("version", model_of(id)->version);
                out.member("origin", definition.empty() ? "file" : "added").key("definition");
                if (definition.empty()) {
                  out.null();
                } else {
                  out.raw(definition);
                }
                out.close_object();
              }
              out.close_array().close_object();
            }));
  co_return;
}

// The definition read, and a look at its files; nullopt: the call was answered.
net::Task<std::optional<Portal::Wished>> Portal::wished_model(Call& call) {
  if (p_.keeping == nullptr) {
    call.fail(ApiError{Cause::not_found, "This server's catalogue does not change while it runs."});
    co_return std::nullopt;
  }
  auto fields = body_of(call);
  if (!fields) {
    call.fail(fields.error());
    co_return std::nullopt;
  }
  auto definition = fields->value("definition");
  auto version = fields->maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
  auto dry_run = fields->maybe_boolean("dry_run");
  const auto wrong = [&](const Error& error, std::string_view param) {
    call.fail(error, param);
    return std::nullopt;
  };
  if (!version) co_return wrong(version.error(), "version");
  if (!dry_run) co_return wrong(dry_run.error(), "dry_run");
  if (!definition || definition->kind() != json::Kind::object)
    co_return wrong({Errc::invalid, "definition must be an object with the keys of models[] of the configuration", {}},
                    "definition");
  if (auto all = fields->finish(); !all) co_return wrong(all.error(), {});
  Wished wished{{}, std::string(definition->raw()), {}, dry_run->value_or(false), {}};
  if (*version) wished.version = static_cast<std::uint64_t>(**version);
  auto model = p_.keeping->read(wished.definition);
  if (!model) co_return wrong(model.error(), "definition");
  wished.model = std::move(*model);
  auto fit = co_await answer_of<Expected<ModelFit>>(
      [&](auto then) { aside_.ask<ModelFit>(p_.keeping->look(wished.model), std::move(then)); });
  if (!fit) co_return wrong(fit.error(), "definition");
  wished.fit = std::move(*fit);
  co_return wished;
}

net::Task<void> Portal::add_model(Call& call) {
  auto wished = co_await wished_model(call);
  if (!wished) co_return;
  call.id = wished->model.settings.id;
  if (wished->dry_run)
    co_return call.json(200, one_json([&](json::Writer& out) {
                          out.object().member("id", call.id).member("version", nullptr);
                          write_fit(out, wished->fit);
                          out.close_object();
                        }));
  co_await put_model(call, std::move(*wished), 201);
}

net::Task<void> Portal::change_model(Call& call) {
  auto wished = co_await wished_model(call);
  if (!wished) co_return;
  if (wished->model.settings.id != call.id)
    co_return call.fail(
        ApiError{Cause::invalid_value, "definition.id is another id than the address names", "definition.id"});
  if (!wished->version)
    co_return call.fail(ApiError{Cause::invalid_value, "version is missing: the one you have seen", "version"});
  co_await put_model(call, std::move(*wished), 200);
}

net::Task<void> Portal::put_model(Call& call, Wished wished, int status) {
  const std::string id = call.id;
  const bool adds = status == 201;
  std::optional<ApiError> refused;
  const members::Act act = call.act(p_.context.clock.wall());
  const auto done = co_await answer_of<Expected<std::uint64_t>>([&](auto then) {
    p_.directory.audit().carry_out<std::uint64_t>(
        [this, act, id, adds, &wished, &refused]() -> Expected<members::Deed<std::uint64_t>> {
          const auto stop = [&](ApiError why) {
            refused = std::move(why);
            return fail(Errc::conflict, "");
          };
          const CatalogueModel* before = p_.context.catalogue.find(id);
          if (before == nullptr && !adds) return stop({Cause::not_found, "There is no such model."});
          if (before != nullptr && before->version == 0) return stop(in_file(id));
          if (before != nullptr && adds)
            return stop({Cause::conflict, fmt::format("There is a model '{}' already.", id), "definition.id"});
          if (before != nullptr && before->settings.kind != wished.model.settings.kind)
            return stop(
                {Cause::conflict, "A model keeps its engine: remove it, and add it anew.", "definition.engine"});
          if (before != nullptr && before->version != wished.version) return stop(moved_on(id, before->version));
          if (auto free = p_.context.catalogue.may_put(wished.model); !free)
            return stop({Cause::conflict, free.error().message + "; " + free.error().hint, "definition"});
          wished.model.version = 1 + (before != nullptr ? before->version : p_.keeping->last_version(id));
          const store::SettingRow row{std::string(model_setting) + id,
                                      stored_model(wished.model.version, wished.definition, wished.fit), act.at};
          return members::Deed<std::uint64_t>{
              [row, version = wished.model.version](store::Store& s) -> Expected<std::uint64_t> {
                if (auto kept = s.set_setting(row); !kept) return std::unexpected(kept.error());
                return version;
              },
              p_.directory.audit().row(act, adds ? "model.add" : "model.change", {id, {}},
                                       before != nullptr ? p_.keeping->definition(id) : std::string(),
                                       wished.definition),
              [this, &wished](std::uint64_t&) { p_.keeping->put(wished.model, wished.definition, wished.fit); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  p_.context.log.info("the catalogue changes", {{"request_id", call.request_id}, {"model", id}, {"version", *done}});
  call.json(status, one_json([&](json::Writer& out) {
              out.object().member("id", id).member("version", *done);
              write_fit(out, wished.fit);
              out.close_object();
            }));
}

net::Task<void> Portal::remove_model(Call& call) {
  const std::string id = call.id;
  if (p_.keeping == nullptr || p_.context.catalogue.find(id) == nullptr)
    co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  std::optional<ApiError> refused;
  const members::Act act = call.act(p_.context.clock.wall());
  const auto done = co_await answer_of<Expected<bool>>([&](auto then) {
    p_.directory.audit().carry_out<bool>(
        [this, act, id, &refused]() -> Expected<members::Deed<bool>> {
          const CatalogueModel* model = p_.context.catalogue.find(id);
          if (model == nullptr || model->version == 0) {
            refused = model == nullptr ? ApiError{Cause::not_found, "There is no such model."} : in_file(id);
            return fail(Errc::conflict, "");
          }
          const store::SettingRow row{std::string(model_setting) + id, stored_model(model->version + 1, {}, {}),
                                      act.at};
          return members::Deed<bool>{
              [row](store::Store& s) -> Expected<bool> {
                if (auto kept = s.set_setting(row); !kept) return std::unexpected(kept.error());
                return true;
              },
              p_.directory.audit().row(act, "model.remove", {id, {}}, p_.keeping->definition(id), std::string()),
              [this, id](bool&) { p_.keeping->remove(id); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  call.none();
}

}  // namespace faelled::portal
