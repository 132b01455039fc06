#include "portal/catalogue_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_text.hpp"
#include "base/error_words.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/catalogue_words.hpp"
#include "portal/model_page.hpp"

namespace faelled::portal {
namespace {

using gateway::CatalogueModel;
using openai::ApiError;
using openai::Cause;

void write_answer(json::Writer& out, const std::string& id, std::optional<std::uint64_t> version, const ModelFit& fit) {
  out.object().member("id", id).key("version");
  if (version) {
    out.unsigned_integer(*version);
  } else {
    out.null();
  }
  out.key("fit").object();
  out.member("fits", fit.why_not.empty()).member_or_null("why_not", fit.why_not);
  out.member("bytes", fit.weights + fit.kv_cache + fit.working).member("weights", fit.weights);
  out.member("kv_cache", fit.kv_cache).member("working", fit.working).member("memory", fit.memory);
  out.member("pinned", fit.pinned).close_object().key("offer");
  if (fit.offer) {
    out.object().member("here", fit.offer->here).member("bytes", fit.offer->bytes);
    out.member("sha256", fit.offer->sha256).member_or_null("why_no_room", fit.offer->why_no_room);
    out.member_or_null("commit", fit.offer->commit).close_object();
  } else {
    out.null();
  }
  out.close_object();
}

void write_definition(json::Writer& out, std::string_view definition) {
  if (definition.empty()) {
    out.null();
  } else {
    out.raw(definition);
  }
}

std::string_view name_of(Download::State state) {
  switch (state) {
    case Download::State::here:
      return "here";
    case Download::State::waiting:
      return "waiting";
    case Download::State::fetching:
      return "fetching";
    case Download::State::failed:
      break;
  }
  return "failed";
}

void write_download(json::Writer& out, const std::optional<Download>& download) {
  if (!download) {
    out.null();
    return;
  }
  const auto seconds = [&](std::string_view name, Duration duration) {
    out.key(name);
    if (duration > Duration{}) {
      out.number(static_cast<double>(to_millis(duration)) / 1000);
    } else {
      out.null();
    }
  };
  out.object().member("state", name_of(download->state)).member("source", download->source);
  out.member_or_null("sha256", download->sha256).member_or_null("file", download->file);
  out.member("bytes", download->bytes).member("total", download->total);
  out.member("bytes_per_s", download->bytes_per_s);
  seconds("left_s", download->left);
  seconds("again_in_s", download->again);
  out.member_or_null("detail", download->detail);
  out.member("kept", download->kept).member_or_null("kept_in", download->kept_in).close_object();
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

std::optional<StoredModel> read_stored_model(std::string_view stored) {
  json::Document document;
  const auto root = document.parse(stored);
  const auto definition = root ? root->find("definition") : std::nullopt;
  if (!definition) return std::nullopt;
  const auto bytes = [&](std::string_view name) {
    const auto found = root->find(name);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, found ? found->integer().value_or(0) : 0));
  };
  return StoredModel{definition->is_null() ? std::string() : std::string(definition->raw()),
                     {.weights = bytes("weights"), .kv_cache = bytes("kv_cache"), .working = bytes("working")}};
}

// Of a model that was added while the server ran, from the store: a hundred thousand are not kept in memory.
net::Task<Expected<CatalogueApi::Former>> CatalogueApi::former_model(std::string id) {
  co_return co_await desk_.on_store<Former>([id](store::Store& s, store::Conversations&) -> Expected<Former> {
    const auto row = s.find_named(store::NamedKind::model, id);
    if (!row) return std::unexpected(row.error());
    if (!*row) return Former{};
    const auto stored = read_stored_model((*row)->value);
    return Former{(*row)->version, stored ? stored->definition : std::string()};
  });
}

// Of these models, by id, those that operators added. `behind`: they are the first behind this id, so that one question
// has them, or most where removed ones lie between; nullopt: they lie scattered.
net::Task<Expected<CatalogueApi::Definitions>> CatalogueApi::definitions_of(std::vector<std::string> ids,
                                                                            std::optional<std::string> behind) {
  std::erase_if(ids, [this](const std::string& id) { return desk_.context.catalogue.version(id) == 0; });
  co_return co_await desk_.on_store<Definitions>(
      [ids, behind](store::Store& s, store::Conversations&) -> Expected<Definitions> {
        Definitions out;
        const auto take = [&out](const store::NamedRow& row) {
          if (auto stored = read_stored_model(row.value)) out[row.name] = std::move(stored->definition);
        };
        if (behind && !ids.empty()) {
          const auto rows = s.named(store::NamedKind::model, *behind, ids.size());
          if (!rows) return std::unexpected(rows.error());
          for (const store::NamedRow& row : *rows) take(row);
        }
        for (const std::string& id : ids) {
          if (out.contains(id)) continue;
          const auto row = s.find_named(store::NamedKind::model, id);
          if (!row) return std::unexpected(row.error());
          if (*row) take(**row);
        }
        return out;
      });
}

void CatalogueApi::write_entry(json::Writer& out, const std::string& id, const Definitions& definitions) const {
  const std::uint64_t version = desk_.context.catalogue.version(id);
  out.object().member("id", id).member("version", version == 0 ? 0 : latest(id));
  out.member("origin", version == 0 ? "file" : "added").key("definition");
  const auto found = version == 0 ? definitions.end() : definitions.find(id);
  write_definition(out, found == definitions.end() ? std::string_view() : std::string_view(found->second));
  out.key("download");
  write_download(out, keeping_ != nullptr ? keeping_->download(id) : std::nullopt);
  out.close_object();
}

net::Task<void> CatalogueApi::list_catalogue(Call& call) {
  const auto query = model_query(call.request.query);
  if (!query) co_return call.fail(query.error());
  const ModelPage page = model_page(desk_.context.catalogue, {}, *query);
  const auto definitions =
      co_await definitions_of(page.ids, query->search.empty() ? std::optional(query->after) : std::nullopt);
  if (!definitions) co_return call.fail(definitions.error());
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("models").array();
              for (const std::string& id : page.ids)
                if (desk_.context.catalogue.has(id)) write_entry(out, id, *definitions);
              out.close_array().member_or_null("next", page.next).member("total", desk_.context.catalogue.size());
              // Those that are left out belong to no place in the list: the first page has the first of them.
              out.key("left_out").array();
              std::size_t told = query->after.empty() ? 0 : query->limit;
              if (keeping_ != nullptr)
                for (const auto& [id, left] : keeping_->left_out()) {
                  if (told++ >= query->limit) break;
                  out.object().member("id", id).key("definition");
                  write_definition(out, left.definition);
                  out.member("why", left.why).member("why_da", left.why_da).close_object();
                }
              out.close_array().member("left_out_total", keeping_ != nullptr ? keeping_->left_out().size() : 0);
              out.close_object();
            }));
}

net::Task<void> CatalogueApi::get_model(Call& call) {
  const auto definitions = co_await definitions_of({call.id});
  if (!definitions) co_return call.fail(definitions.error());
  if (!desk_.context.catalogue.has(call.id)) co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  call.json(200, one_json([&](json::Writer& out) { write_entry(out, call.id, *definitions); }));
}

// The definition read, and a look at its files; nullopt: the call was answered.
net::Task<std::optional<CatalogueApi::Wished>> CatalogueApi::wished_model(Call& call, bool adds) {
  const auto refuse = [&](const ApiError& why) {
    call.fail(why);
    return std::nullopt;
  };
  if (keeping_ == nullptr)
    co_return refuse({Cause::not_found, "This server's catalogue does not change while it runs."});
  auto fields = desk_.body_of(call);
  if (!fields) co_return refuse(fields.error());
  Wished wished;
  auto definition = fields->value("definition");
  if (!adds) {
    auto version = fields->maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
    if (!version) co_return refuse({Cause::invalid_value, version.error().message, "version"});
    if (*version) wished.version = static_cast<std::uint64_t>(**version);
  }
  auto dry_run = fields->maybe_boolean("dry_run");
  if (!dry_run) co_return refuse({Cause::invalid_value, dry_run.error().message, "dry_run"});
  if (!definition || definition->kind() != json::Kind::object)
    co_return refuse({Cause::invalid_value,
                      "definition must be an object with the keys of models[] in the configuration", "definition"});
  if (auto all = fields->finish(); !all) co_return refuse({Cause::invalid_value, all.error().message});
  wished.definition = definition->raw();
  wished.dry_run = dry_run->value_or(false);
  auto model = keeping_->read(wished.definition);
  if (!model) co_return refuse(wrong(model.error()));
  wished.model = std::move(*model);
  for (const std::string& member : wished.model.members)
    if (!desk_.directory.member(member))
      co_return refuse({Cause::invalid_value,
                        fmt::format("the model is for the member '{}', and there is none", member),
                        "definition.members",
                        {},
                        fmt::format("Modellen er for medlemmet '{}', som ikke findes.", member)});
  for (const gateway::CatalogueAdapter& adapter : wished.model.adapters) {
    for (const std::string& member : adapter.members)
      if (!desk_.directory.member(member))
        co_return refuse({Cause::invalid_value,
                          fmt::format("adapter '{}' is for the member '{}', and there is none", adapter.name, member),
                          "definition.adapters",
                          {},
                          fmt::format("Adapteren '{}' er for medlemmet '{}', som ikke findes.", adapter.name, member)});
  }
  const std::string id = adds ? wished.model.settings.id : call.id;
  if (adds) call.id = id;
  if (wished.model.settings.id != id)
    co_return refuse({Cause::invalid_value, "definition.id is another id than the address names", "definition.id"});
  if (!adds && !wished.version && !wished.dry_run)
    co_return refuse({Cause::invalid_value, "version is missing: the one you have seen", "version"});
  auto fit = co_await answer_of<Expected<ModelFit>>(
      [&](auto then) { aside_.ask<ModelFit>(keeping_->look(wished.model), std::move(then)); });
  if (!fit) {
    call.fail(fit.error());
    co_return std::nullopt;
  }
  if (fit->wrong) co_return refuse(wrong(*fit->wrong));
  wished.fit = std::move(*fit);
  leave_the_pinned(wished.fit, wished.model.settings);
  if (!wished.dry_run) co_return wished;
  if (const auto why = against(wished, id, adds)) co_return refuse(*why);
  const CatalogueModel* now = desk_.context.catalogue.find(id);
  call.json(200, one_json([&](json::Writer& out) {
              write_answer(out, id, now != nullptr ? std::optional(now->version) : std::nullopt, wished.fit);
            }));
  co_return std::nullopt;
}

// Models that never go have their part before it.
void CatalogueApi::leave_the_pinned(ModelFit& fit, const engines::ModelSettings& model) const {
  if (residency_ == nullptr || fit.memory == 0 || !fit.why_not.empty()) return;
  const auto devices = residency_->devices();
  std::vector<rpc::ModelResidency> pinned_ones;
  for (const std::string& id : residency_->in_use())
    if (auto one = residency_->residency(id); one && one->pinned && id != model.id)
      pinned_ones.push_back(std::move(*one));
  std::uint64_t most = 0;
  for (const rpc::DeviceResidency& device : devices) {
    if (!rpc::suits(model.gpu ? rpc::DeviceKind::gpu : rpc::DeviceKind::host, model.spreads(), device)) continue;
    std::uint64_t pinned = 0;
    for (const rpc::ModelResidency& one : pinned_ones)
      if (one.node == device.node && one.device == device.device) pinned += one.bytes;
    most = std::max(most, device.bytes - std::min(device.bytes, pinned));
  }
  if (devices.empty() || most >= fit.memory) return;
  fit.pinned = fit.memory - most;
  fit.memory = most;
  const std::uint64_t needs = fit.weights + fit.kv_cache + fit.working;
  if (needs > most)
    fit.why_not = fmt::format("it needs {} of memory, and pinned models leave {}", byte_text(needs, Rounded::up),
                              byte_text(most, Rounded::down));
}

// Another server may have made it what cannot be here: what it is here is then not the newest.
std::uint64_t CatalogueApi::latest(const std::string& id) const {
  return std::max(desk_.context.catalogue.version(id), keeping_ == nullptr ? 0 : keeping_->last_version(id));
}

// Why it cannot be as things stand; whether it fits is another question.
std::optional<ApiError> CatalogueApi::against(const Wished& wished, const std::string& id, bool adds) const {
  const CatalogueModel* before = desk_.context.catalogue.find(id);
  if (before == nullptr && !adds) return ApiError{Cause::not_found, "There is no such model."};
  if (before != nullptr && before->version == 0) return in_file(id);
  if (before != nullptr && adds)
    return ApiError{Cause::conflict,
                    fmt::format("There is a model '{}' already.", id),
                    "definition.id",
                    {},
                    fmt::format("Der er allerede en model, der hedder '{}'.", id)};
  if (before != nullptr && before->settings.kind != wished.model.settings.kind)
    return ApiError{Cause::conflict,
                    "A model keeps its engine: remove it, and add it anew.",
                    "definition.engine",
                    {},
                    "En model kan ikke skifte motor. Fjern den, og tilføj den igen."};
  if (before != nullptr && wished.version && latest(id) != wished.version) return moved_on(id, latest(id));
  if (auto free = desk_.context.catalogue.may_put(wished.model); !free) {
    const bool full = free.error().code == Errc::exhausted;
    const bool missed = free.error().code == Errc::conflict;
    const bool own = desk_.context.catalogue.asked(id).model != nullptr && before == nullptr;  // by an alias
    return ApiError{Cause::conflict,
                    in_words(free.error()),
                    full     ? "definition"
                    : missed ? "definition.adapters"
                    : own    ? "definition.id"
                             : "definition.aliases",
                    {},
                    std::string(taken_in_danish(free.error().code, own))};
  }
  return std::nullopt;
}

net::Task<void> CatalogueApi::add_model(Call& call) {
  auto wished = co_await wished_model(call, true);
  if (wished) co_await put_model(call, std::move(*wished), true);
}

net::Task<void> CatalogueApi::change_model(Call& call) {
  auto wished = co_await wished_model(call, false);
  if (wished) co_await put_model(call, std::move(*wished), false);
}

net::Task<void> CatalogueApi::put_model(Call& call, Wished wished, bool adds) {
  const std::string id = call.id;
  std::optional<ApiError> refused;
  const auto former = co_await former_model(id);
  if (!former) co_return call.fail(former.error());
  const members::Act act = call.act(desk_.context.clock.wall());
  const auto done = co_await answer_of<Expected<std::uint64_t>>([&](auto then) {
    desk_.directory.audit().carry_out<std::uint64_t>(
        [this, act, id, adds, &wished, &former, &refused]() -> Expected<members::Deed<std::uint64_t>> {
          refused = against(wished, id, adds);
          if (!refused && !wished.fit.why_not.empty()) refused = no_room(wished.fit);
          if (!refused && wished.fit.offer && !wished.fit.offer->why_no_room.empty())
            refused = no_room_on_disk(*wished.fit.offer);
          const CatalogueModel* before = desk_.context.catalogue.find(id);
          if (!refused && before != nullptr && latest(id) != former->version)
            refused = moved_on(id, std::max(latest(id), former->version));
          if (refused) return fail(Errc::conflict, "");
          wished.model.version = 1 + latest(id);
          const store::NamedRow row{id, wished.model.version,
                                    stored_model(wished.model.version, wished.definition, wished.fit), act.at};
          return members::Deed<std::uint64_t>{
              [row, version = wished.model.version](store::Store& s) -> Expected<std::uint64_t> {
                if (auto kept = s.set_named(store::NamedKind::model, row); !kept) return std::unexpected(kept.error());
                return version;
              },
              desk_.directory.audit().row(act, adds ? "model.add" : "model.change", {id, {}}, former->definition,
                                          wished.definition),
              [this, &wished](std::uint64_t&) { keeping_->put(wished.model, wished.fit); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  desk_.context.log.info("the catalogue changes", {{"request_id", call.request_id}, {"model", id}, {"version", *done}});
  call.json(adds ? 201 : 200, one_json([&](json::Writer& out) { write_answer(out, id, *done, wished.fit); }));
}

net::Task<void> CatalogueApi::remove_model(Call& call) {
  const std::string id = call.id;
  const auto is_left_out = [this, &id] { return keeping_->left_out().contains(id); };
  if (keeping_ == nullptr || (!desk_.context.catalogue.has(id) && !is_left_out()))
    co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  const std::string with_file = http::query_value(call.request.query, "delete_file");
  if (!with_file.empty() && with_file != "true" && with_file != "false")
    co_return call.fail(ApiError{Cause::invalid_value, "delete_file is true or false", "delete_file"});
  const bool its_file = with_file == "true";
  std::optional<ApiError> refused;
  const auto former = co_await former_model(id);
  if (!former) co_return call.fail(former.error());
  const members::Act act = call.act(desk_.context.clock.wall());
  const auto done = co_await answer_of<Expected<bool>>([&](auto then) {
    desk_.directory.audit().carry_out<bool>(
        [this, act, id, its_file, &former, &refused, &is_left_out]() -> Expected<members::Deed<bool>> {
          const CatalogueModel* model = desk_.context.catalogue.find(id);
          const bool left = is_left_out();
          if (!left && (model == nullptr || model->version == 0)) {
            refused = model == nullptr ? ApiError{Cause::not_found, "There is no such model."} : in_file(id);
            return fail(Errc::conflict, "");
          }
          const std::uint64_t seen = latest(id);
          if (seen != former->version) {
            refused = moved_on(id, std::max(seen, former->version));
            return fail(Errc::conflict, "");
          }
          if (const std::string alias = desk_.context.catalogue.pointed_at_by(id);
              model != nullptr && model->version > 0 && !alias.empty()) {
            refused = ApiError{Cause::conflict,
                               fmt::format("The alias '{}' means this model; move it first.", alias),
                               {},
                               {},
                               fmt::format("Navnet '{}' betyder denne model. Flyt det først.", alias)};
            return fail(Errc::conflict, "");
          }
          const std::uint64_t version = seen + 1;
          const store::NamedRow row{id, version, stored_model(version, {}, {}), act.at};
          return members::Deed<bool>{
              [row](store::Store& s) -> Expected<bool> {
                if (auto kept = s.set_named(store::NamedKind::model, row); !kept) return std::unexpected(kept.error());
                return true;
              },
              desk_.directory.audit().row(act, "model.remove", {id, {}}, former->definition, std::string()),
              [this, id, its_file](bool&) { keeping_->remove(id, its_file); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  desk_.context.log.info("a model leaves the catalogue", {{"request_id", call.request_id}, {"model", id}});
  call.none();
}

net::Task<void> CatalogueApi::fetch_model(Call& call) {
  const std::string id = call.id;
  if (keeping_ == nullptr || desk_.context.catalogue.find(id) == nullptr)
    co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  if (!keeping_->download(id))
    co_return call.fail(ApiError{Cause::conflict,
                                 fmt::format("The model '{}' has no source: its file is not fetched.", id),
                                 {},
                                 {},
                                 "Modellen har ingen kilde; dens fil hentes ikke."});
  const auto ordered = co_await desk_.order(call, "model.fetch", id, [this, id] { return keeping_->fetch(id); });
  if (!ordered) co_return call.fail(ordered.error());
  if (!*ordered) co_return call.fail(ordered->error());
  call.json(200, one_json([&](json::Writer& out) { write_download(out, keeping_->download(id)); }));
}

}  // namespace faelled::portal
