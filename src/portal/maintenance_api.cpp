#include "portal/maintenance_api.hpp"

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "base/whole_file.hpp"
#include "json/writer.hpp"
#include "members/newer.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"
#include "portal/times.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

constexpr std::string_view default_message = "Fælled is closed for maintenance. It will be back soon.";
constexpr std::string_view default_message_da = "Fælled er lukket for vedligehold. Det åbner igen om lidt.";

// What all files of the data folder take, as far as they can be seen. Blocking: on the store's thread.
std::uint64_t bytes_below(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::size_t seen = 0;
  std::error_code error;
  using Walk = std::filesystem::recursive_directory_iterator;
  Walk at(folder, std::filesystem::directory_options::skip_permission_denied, error);
  for (; !error && at != Walk() && seen < limits::data_files_counted_max; at.increment(error), ++seen) {
    std::error_code gone;  // a file may go while it is looked at
    if (at->is_regular_file(gone) && !at->is_symlink(gone)) {
      const auto size = at->file_size(gone);
      if (!gone) bytes += size;
    }
  }
  return bytes;
}

// A text for everybody: nullopt where the field is not there.
std::expected<std::optional<std::string>, ApiError> words_of(json::Fields& fields, std::string_view name) {
  auto text = fields.maybe_text(name);
  if (!text) return std::unexpected(ApiError{Cause::invalid_value, text.error().message, std::string(name)});
  if (*text) {
    if (auto fits = fit_for_all(**text); !fits)
      return std::unexpected(ApiError{Cause::invalid_value, fits.error().message, std::string(name)});
  }
  return *text;
}

}  // namespace

Expected<void> MaintenanceApi::restore() {
  auto kept = desk_.store.wait_for([](store::Store& s) { return s.find_setting(bulletin_setting); });
  if (!kept) return std::unexpected(kept.error());
  return take_bulletin(*kept);
}

net::Task<void> MaintenanceApi::follow() {
  auto kept = co_await desk_.on_store<std::optional<store::SettingRow>>(
      [](store::Store& s, store::Conversations&) { return s.find_setting(bulletin_setting); });
  if (!kept) co_return;
  if (auto taken = take_bulletin(*kept); !taken)
    desk_.context.log.error("what another server tells cannot be read", {{"cause", taken.error().message}});
}

Expected<void> MaintenanceApi::take_bulletin(const std::optional<store::SettingRow>& kept) {
  auto bulletin = kept ? bulletin_of(kept->value) : Bulletin();
  if (!bulletin) return std::unexpected(bulletin.error());
  bulletin_ = std::move(*bulletin);
  kept_ = kept ? std::optional(kept->value) : std::nullopt;
  desk_.context.maintenance = bulletin_.maintenance;
  return {};
}

net::Task<void> MaintenanceApi::get_maintenance(Call& call) {
  const std::filesystem::path data = watch_.facts().data;
  const auto used =
      co_await desk_.on_store<std::uint64_t>([data](store::Store& s, store::Conversations&) -> Expected<std::uint64_t> {
        if (auto answers = s.find_setting(bulletin_setting); !answers) return std::unexpected(answers.error());
        return data.empty() ? 0 : bytes_below(data);
      });
  const auto disk = watch_.disk();
  const auto backup = watch_.backup();
  const WallTime now = desk_.context.clock.wall();
  const auto number_or_null = [](json::Writer& out, std::string_view name, const std::optional<std::uint64_t>& value) {
    if (value) {
      out.member(name, *value);
    } else {
      out.member(name, nullptr);
    }
  };
  call.json(200, one_json([&](json::Writer& out) {
              out.object().member("version", watch_.facts().version);
              out.member("serving_since", time_text(watch_.serving_since())).member("now", time_text(now));
              out.key("data").object().member("folder", data.string());
              number_or_null(out, "used_bytes", used ? std::optional(*used) : std::nullopt);
              number_or_null(out, "free_bytes", disk ? std::optional(disk->free_bytes) : std::nullopt);
              number_or_null(out, "total_bytes", disk ? std::optional(disk->total_bytes) : std::nullopt);
              out.close_object();
              if (backup) {
                out.key("last_backup").object().member("at", time_text(backup->made_at));
                out.member("bytes", backup->bytes).close_object();
              } else {
                out.member("last_backup", nullptr);
              }
              out.key("certificates").array();
              for (const CertificateReading& one : watch_.certificates())
                out.object()
                    .member("name", one.name)
                    .member("not_after", time_text(one.not_after))
                    .member("days_left", std::chrono::floor<std::chrono::days>(one.not_after - now).count())
                    .close_object();
              out.close_array().key("alarms").array();
              for (const StandingAlarm& one : watch_.alarms())
                out.object()
                    .member("id", one.alarm.id)
                    .member("severity", name_of(one.alarm.severity))
                    .member_or_null("about", one.alarm.about)
                    .member_or_null("reading", one.alarm.reading)
                    .member("since", time_text(one.since))
                    .close_object();
              out.close_array();
              write_maintenance(out, bulletin_.maintenance);
              out.key("notices").array();
              for (const Notice& notice : bulletin_.notices) write_notice(out, notice);
              out.close_array().close_object();
            }));
}

// One change of the bulletin: its audit row, the store, and then what is told. `change` is asked when its turn has
// come.
net::Task<Expected<Bulletin>> MaintenanceApi::change_bulletin(Call& call, std::string action, std::string object,
                                                              std::function<Expected<Bulletin>(Bulletin)> change) {
  const members::Act act = call.act(desk_.context.clock.wall());
  co_return co_await answer_of<Expected<Bulletin>>([&](auto then) {
    desk_.directory.audit().carry_out<Bulletin>(
        [this, act, action, object, change]() -> Expected<members::Deed<Bulletin>> {
          auto next = change(bulletin_);
          if (!next) return std::unexpected(next.error());
          const store::SettingRow row{std::string(bulletin_setting), to_json(*next), act.at};
          return members::Deed<Bulletin>{
              [row, seen = kept_, next = *next](store::Store& s) -> Expected<Bulletin> {
                auto kept = s.replace_setting(row, seen);
                if (kept) return next;
                if (kept.error().code == Errc::conflict) return members::changed_elsewhere();
                return std::unexpected(kept.error());
              },
              desk_.directory.audit().row(act, action, {object, {}}, to_json(bulletin_), row.value),
              [this, value = row.value](Bulletin& done) {
                bulletin_ = done;
                kept_ = value;
                desk_.context.maintenance = done.maintenance;
              }};
        },
        std::move(then));
  });
}

net::Task<void> MaintenanceApi::update_maintenance(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto on = fields->boolean("on");
  auto message = words_of(*fields, "message");
  auto message_da = words_of(*fields, "message_da");
  auto until = time_of(*fields, "until");
  if (!on) co_return call.fail(on.error(), "on");
  if (!message) co_return call.fail(message.error());
  if (!message_da) co_return call.fail(message_da.error());
  if (!until) co_return call.fail(until.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  gateway::Maintenance wanted;
  wanted.on = *on;
  if (wanted.on) {
    wanted.message = message->value_or(message_da->value_or(std::string(default_message)));
    wanted.message_da = message_da->value_or(message->value_or(std::string(default_message_da)));
    wanted.until = until->value_or(std::nullopt);
  }
  auto done = co_await change_bulletin(call, wanted.on ? "maintenance.on" : "maintenance.off", "server",
                                       [wanted](Bulletin now) -> Expected<Bulletin> {
                                         now.maintenance = wanted;
                                         return now;
                                       });
  if (!done) co_return call.fail(done.error());
  desk_.context.log.info(wanted.on ? "maintenance is on" : "maintenance is off",
                         {{"request_id", call.request_id}, {"peer", call.reply.peer()}});
  call.json(200, one_json([&](json::Writer& out) {
              out.object();
              write_maintenance(out, done->maintenance);
              out.close_object();
            }));
}

net::Task<void> MaintenanceApi::create_notice(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto kind_text = fields->text("kind");
  auto message = words_of(*fields, "message");
  auto message_da = words_of(*fields, "message_da");
  auto from = time_of(*fields, "from");
  auto until = time_of(*fields, "until");
  if (!kind_text) co_return call.fail(kind_text.error(), "kind");
  if (!message) co_return call.fail(message.error());
  if (!message_da) co_return call.fail(message_da.error());
  if (!from) co_return call.fail(from.error());
  if (!until) co_return call.fail(until.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const auto kind = notice_kind(*kind_text);
  if (!kind) co_return call.fail(ApiError{Cause::invalid_value, "kind is announcement or incident", "kind"});
  if (!*message && !*message_da)
    co_return call.fail(ApiError{Cause::missing_value, "Say something in message_da or message.", "message_da"});
  const WallTime now = desk_.context.clock.wall();
  Notice notice;
  notice.id = make_id("not_", now, desk_.context.random);
  notice.kind = *kind;
  notice.message = message->value_or(message_da->value_or(""));
  notice.message_da = message_da->value_or(message->value_or(""));
  notice.from = from->value_or(std::nullopt).value_or(now);
  notice.until = until->value_or(std::nullopt);
  auto done =
      co_await change_bulletin(call, "notice.create", notice.id, [notice](Bulletin bulletin) -> Expected<Bulletin> {
        if (bulletin.notices.size() >= limits::notices_max)
          return fail(Errc::conflict, "There are too many notices", "remove an old one first");
        bulletin.notices.insert(bulletin.notices.begin(), notice);
        return bulletin;
      });
  if (!done) co_return call.fail(done.error());
  call.json(201, one_json([&](json::Writer& out) { write_notice(out, notice); }));
}

net::Task<void> MaintenanceApi::update_notice(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto message = words_of(*fields, "message");
  auto message_da = words_of(*fields, "message_da");
  auto until = time_of(*fields, "until");
  if (!message) co_return call.fail(message.error());
  if (!message_da) co_return call.fail(message_da.error());
  if (!until) co_return call.fail(until.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const std::string id = call.id;
  auto done = co_await change_bulletin(
      call, "notice.update", id,
      [id, message = *message, message_da = *message_da, until = *until](Bulletin bulletin) -> Expected<Bulletin> {
        const auto found = std::ranges::find(bulletin.notices, id, &Notice::id);
        if (found == bulletin.notices.end()) return fail(Errc::not_found, "There is no such notice.");
        if (message) found->message = *message;
        if (message_da) found->message_da = *message_da;
        if (until) found->until = *until;
        return bulletin;
      });
  if (!done) co_return call.fail(done.error());
  call.json(
      200, one_json([&](json::Writer& out) { write_notice(out, *std::ranges::find(done->notices, id, &Notice::id)); }));
}

net::Task<void> MaintenanceApi::delete_notice(Call& call) {
  const std::string id = call.id;
  auto done = co_await change_bulletin(call, "notice.delete", id, [id](Bulletin bulletin) -> Expected<Bulletin> {
    if (std::erase_if(bulletin.notices, [&](const Notice& one) { return one.id == id; }) == 0)
      return fail(Errc::not_found, "There is no such notice.");
    return bulletin;
  });
  if (!done) co_return call.fail(done.error());
  call.none();
}

// What an engine printed: content-free as it is kept (node/engine_log.hpp).
net::Task<void> MaintenanceApi::get_engine_log(Call& call) {
  const std::string model = http::query_value(call.request.query, "model");
  if (desk_.context.catalogue.find(model) == nullptr)
    co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  using Texts = std::vector<std::pair<std::string, std::optional<std::string>>>;
  auto texts =
      co_await desk_.on_store<Texts>([logs = watch_.facts().engine_logs, model](store::Store&, store::Conversations&) {
        Texts read;
        if (logs)
          for (const EngineLogFile& log : logs(model))
            read.emplace_back(log.further_on, read_tail(log.file, limits::engine_log_tail_bytes_max));
        return Expected<Texts>(std::move(read));
      });
  if (!texts) co_return call.fail(texts.error());
  call.json(200, one_json([&](json::Writer& out) {
              out.object().member("model", model);
              out.member_or_null("text", texts->empty() ? "" : texts->front().second.value_or(""));
              out.key("further").array();
              for (const auto& [device, text] : *texts)
                if (!device.empty() && text) out.object().member("device", device).member("text", *text).close_object();
              out.close_array().close_object();
            }));
}

}  // namespace faelled::portal
