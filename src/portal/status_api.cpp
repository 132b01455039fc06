#include "portal/status_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/model_page.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using rpc::EngineState;

// In the order of how bad it is.
enum class Health : std::uint8_t { up, partly, maintenance, down };

std::string_view name_of(Health health) {
  switch (health) {
    case Health::up:
      return "up";
    case Health::partly:
      return "partly";
    case Health::maintenance:
      return "maintenance";
    case Health::down:
      break;
  }
  return "down";
}

std::string_view words_of(Health health, bool danish) {
  switch (health) {
    case Health::up:
      return danish ? "Alt virker." : "Everything works.";
    case Health::partly:
      return danish ? "Noget virker ikke lige nu." : "Something does not work right now.";
    case Health::maintenance:
      return danish ? "Fælled er lukket for vedligehold." : "Fælled is closed for maintenance.";
    case Health::down:
      break;
  }
  return danish ? "Fælled kan ikke svare lige nu." : "Fælled cannot answer right now.";
}

std::string_view words_of(EngineState state, bool danish) {
  switch (state) {
    case EngineState::ready:
      return danish ? "klar" : "ready";
    case EngineState::starting:
    case EngineState::waking:
      return danish ? "vågner" : "waking up";
    case EngineState::absent:
    case EngineState::asleep:
      return danish ? "sover, vågner når nogen spørger" : "asleep, wakes when asked";
    case EngineState::draining:
      return danish ? "lukker ned" : "closing down";
    case EngineState::fetching:
      return danish ? "hentes" : "being fetched";
    case EngineState::failed:
      break;
  }
  return danish ? "virker ikke lige nu" : "not working right now";
}

struct ModelLine {
  std::string id;
  std::string name;
  rpc::ModelStatus status;
};

struct Status {
  Health health = Health::up;
  std::vector<ModelLine> models;  // of one page
  std::string next;               // empty: it was the last
  std::uint32_t running = 0;
  std::uint32_t waiting = 0;
  gateway::Maintenance maintenance;
  std::vector<Notice> notices;
  WallTime at;
};

Status status_of(const gateway::Context& context, const rpc::ResidencyPort* residency, const Bulletin& bulletin,
                 const ModelQuery& query) {
  Status out;
  out.at = context.clock.wall();
  out.maintenance = bulletin.maintenance;
  out.notices = shown_at(bulletin, out.at);
  if (residency != nullptr)
    for (const std::string& id : residency->in_use())
      if (const auto status = context.mesh.model(id)) {
        out.running += status->running;
        out.waiting += status->waiting;
      }
  context.catalogue.each_in_order_behind(query.after, [&](const gateway::Catalogue::Brief& model) {
    if (model.for_some) return true;  // nobody knows who reads this
    if (out.models.size() == query.limit) {
      out.next = out.models.back().id;
      return false;
    }
    out.models.push_back({std::string(model.id), std::string(model.name.empty() ? model.id : model.name),
                          context.mesh.model(model.id).value_or(rpc::ModelStatus())});
    return true;
  });
  // Of one that is for some members alone nobody is told here how it is.
  const auto failing = context.mesh.failed();
  const auto for_all = [&](const std::string& id) {
    const auto model = context.catalogue.peek(id);
    return model == nullptr || model->members.empty();
  };
  const auto failed = static_cast<std::size_t>(std::ranges::count_if(failing, for_all));
  const bool journal = !context.journal.stats().failed;
  if (!journal || context.shutting_down || (failed > 0 && failed == context.catalogue.size())) {
    out.health = Health::down;
  } else if (out.maintenance.on) {
    out.health = Health::maintenance;
  } else if (failed > 0) {
    out.health = Health::partly;
  }
  return out;
}

// For a browser without JavaScript, a terminal, or a screen on the wall.
std::string plain_text(const Status& status, bool danish) {
  std::string out = fmt::format("Fælled\n\n{}\n", words_of(status.health, danish));
  const auto say = [&](const std::string& da, const std::string& en) { out += (danish ? da : en) + "\n"; };
  if (status.maintenance.on) say(status.maintenance.message_da, status.maintenance.message);
  out += "\n";
  for (const ModelLine& model : status.models)
    out += fmt::format("{}: {}\n", model.name, words_of(model.status.state, danish));
  if (!status.next.empty()) say("Der er flere modeller.", "There are more models.");
  out +=
      danish ? fmt::format("\nI kø lige nu: {}\n", status.waiting) : fmt::format("\nWaiting now: {}\n", status.waiting);
  for (const Notice& notice : status.notices) {
    out += fmt::format("\n{}\n", time_text(notice.from));
    say(notice.message_da, notice.message);
  }
  return out;
}

}  // namespace

// Public: what is up, and what operators tell. Nothing about members, persons, addresses or versions.
net::Task<void> StatusApi::get_status(Call& call) {
  const auto query = model_query(call.request.query);
  if (!query) co_return call.fail(query.error());
  const Status status = status_of(desk_.context, residency_, bulletin_, *query);
  const std::string format = http::query_value(call.request.query, "format");
  if (format == "text") {
    const bool english = http::query_value(call.request.query, "language") == "en";
    call.reply.send(200,
                    fmt::format("Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
                                "X-Content-Type-Options: nosniff\r\nx-request-id: {}\r\n",
                                call.request_id),
                    plain_text(status, !english));
    co_return;
  }
  if (!format.empty() && format != "json")
    co_return call.fail(ApiError{Cause::invalid_value, "format is json or text", "format"});
  call.json(200, one_json([&](json::Writer& out) {
              out.object().member("state", name_of(status.health)).member("at", time_text(status.at));
              out.member("running", status.running).member("waiting", status.waiting).key("models").array();
              for (const ModelLine& model : status.models) {
                out.object().member("id", model.id).member("name", model.name);
                out.member("state", state_name(model.status.state));
                if (model.status.ready_in > Duration{}) {
                  out.member("ready_in_s", static_cast<double>(to_millis(model.status.ready_in)) / 1000);
                } else {
                  out.member("ready_in_s", nullptr);
                }
                out.close_object();
              }
              out.close_array().member_or_null("next", status.next);
              write_maintenance(out, status.maintenance);
              out.key("notices").array();
              for (const Notice& notice : status.notices) write_notice(out, notice);
              out.close_array().close_object();
            }));
}

}  // namespace faelled::portal
