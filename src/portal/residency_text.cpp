#include "portal/residency_text.hpp"

#include "base/time_text.hpp"

namespace faelled::portal {
namespace {

double seconds(Duration duration) { return static_cast<double>(to_millis(duration)) / 1000; }

void seconds_or_null(json::Writer& out, std::string_view name, Duration duration) {
  out.key(name);
  if (duration > Duration{})
    out.number(seconds(duration));
  else
    out.null();
}

// 0: there is none.
void level_or_null(json::Writer& out, std::uint8_t level) {
  out.key("sleep_level");
  if (level > 0)
    out.unsigned_integer(level);
  else
    out.null();
}

}  // namespace

std::string_view serves_of(const engines::ModelSettings& settings) {
  if (settings.embeddings) return "embeddings";
  return settings.rerank ? "rerank" : "chat";
}

std::string_view name_of(rpc::ResidencyCause cause) {
  switch (cause) {
    case rpc::ResidencyCause::none:
      break;
    case rpc::ResidencyCause::asked:
      return "asked";
    case rpc::ResidencyCause::pinned:
      return "pinned";
    case rpc::ResidencyCause::at_start:
      return "at_start";
    case rpc::ResidencyCause::ordered:
      return "ordered";
    case rpc::ResidencyCause::makes_room:
      return "makes_room";
    case rpc::ResidencyCause::line_empty:
      return "line_empty";
    case rpc::ResidencyCause::turn_over:
      return "turn_over";
    case rpc::ResidencyCause::unused:
      return "unused";
    case rpc::ResidencyCause::broken:
      return "broken";
    case rpc::ResidencyCause::removed:
      return "removed";
    case rpc::ResidencyCause::habit:
      return "habit";
    case rpc::ResidencyCause::keeps:
      return "keeps";
    case rpc::ResidencyCause::elsewhere:
      return "elsewhere";
    case rpc::ResidencyCause::busy:
      return "busy";
    case rpc::ResidencyCause::spare:
      return "spare";
    case rpc::ResidencyCause::enough:
      return "enough";
    case rpc::ResidencyCause::recalled:
      return "recalled";
    case rpc::ResidencyCause::overdue:
      return "overdue";
  }
  return "none";
}

std::string_view name_of(rpc::ResidencyEvent::What what) {
  using enum rpc::ResidencyEvent::What;
  switch (what) {
    case load:
      return "load";
    case ready:
      return "ready";
    case drain:
      return "drain";
    case serve:
      return "serve";
    case unload:
      return "unload";
    case gone:
      return "gone";
    case pin:
      return "pin";
    case unpin:
      return "unpin";
    case sleep:
      return "sleep";
    case asleep:
      return "asleep";
    case wake:
      return "wake";
    case failed:
      break;
  }
  return "failed";
}

std::optional<rpc::ResidencyAct> residency_act(std::string_view name) {
  if (name == "load") return rpc::ResidencyAct::load;
  if (name == "unload") return rpc::ResidencyAct::unload;
  if (name == "pin") return rpc::ResidencyAct::pin;
  if (name == "unpin") return rpc::ResidencyAct::unpin;
  if (name == "sleep") return rpc::ResidencyAct::sleep;
  if (name == "wake") return rpc::ResidencyAct::wake;
  return std::nullopt;
}

std::string_view name_of(rpc::DeviceKind kind) { return kind == rpc::DeviceKind::gpu ? "gpu" : "host"; }

void write_device(json::Writer& out, const rpc::DeviceResidency& device, std::string_view name) {
  out.object()
      .member("node", device.node)
      .member("device", device.device)
      .member("kind", name_of(device.kind))
      .member_or_null("name", name)
      .member("bytes", device.bytes)
      .member("taken", device.taken)
      .member("reserved", device.reserved)
      .member("cards", device.cards)
      .close_object();
}

void write_residency(json::Writer& out, const rpc::ModelResidency& model, const gateway::CatalogueModel* listed) {
  const bool named = listed != nullptr && !listed->settings.name.empty();
  out.object().member("id", model.model).member("name", named ? listed->settings.name : model.model);
  if (listed != nullptr) {
    out.member("engine", engines::name_of(listed->settings.kind));
    out.member("serves", serves_of(listed->settings));
  } else {
    out.member("engine", nullptr).member("serves", nullptr);
  }
  out.key("aliases").array();
  if (listed != nullptr)
    for (const gateway::Alias& alias : listed->aliases) out.text(alias.name);
  out.close_array().key("members").array();
  if (listed != nullptr)
    for (const std::string& member : listed->members) out.text(member);
  out.close_array().key("adapters").array();
  if (listed != nullptr)
    for (const gateway::CatalogueAdapter& adapter : listed->adapters) {
      out.object().member("id", adapter.id).member("name", adapter.name).key("members").array();
      for (const std::string& member : adapter.members) out.text(member);
      out.close_array().close_object();
    }
  out.close_array()
      .member_or_null("node", model.node)
      .member_or_null("device", model.device)
      .member_or_null("memory", model.bytes == 0 ? std::string_view() : name_of(model.kind))
      .member("state", state_name(model.state))
      .member("cause", name_of(model.cause))
      .member_or_null("other", model.other)
      .member("in_state_s", seconds(model.in_state))
      .member("bytes", model.bytes)
      .member("bytes_read", model.bytes_read)
      .member("taken", model.taken)
      .member_or_null("backing", model.backing)
      .member("backed", model.backed);
  level_or_null(out, model.sleep_level);
  out.member("can_sleep", model.can_sleep)
      .member("pinned", model.pinned)
      .member("fits", model.fits)
      .member("may_be_tried", model.may_be_tried)
      .member_or_null("detail", model.detail);
  seconds_or_null(out, "load_s", model.load_time);
  seconds_or_null(out, "wake_s", model.wake_time);
  seconds_or_null(out, "ready_in_s", model.ready_in);
  out.member("asked_per_hour", model.asked_per_hour)
      .member("running", model.running)
      .member("waiting", model.waiting)
      .key("fetching");
  if (model.fetching) {
    out.object().member("bytes", model.fetching->bytes).member("total", model.fetching->total);
    seconds_or_null(out, "left_s", model.fetching->left);
    out.close_object();
  } else {
    out.null();
  }
  out.key("copies").array();
  for (const rpc::ModelCopy& copy : model.copies)
    out.object()
        .member("node", copy.node)
        .member("device", copy.device)
        .member("state", state_name(copy.state))
        .member("cause", name_of(copy.cause))
        .member_or_null("other", copy.other)
        .member("in_state_s", seconds(copy.in_state))
        .member("taken", copy.taken)
        .member("running", copy.running)
        .close_object();
  out.close_array().close_object();
}

void write_event(json::Writer& out, const rpc::ResidencyEvent& event) {
  out.object()
      .member("number", event.number)
      .member("at", time_text(event.at))
      .member("what", name_of(event.what))
      .member("cause", name_of(event.cause))
      .member("model", event.model)
      .member_or_null("other", event.other)
      .member_or_null("node", event.node)
      .member_or_null("device", event.device)
      .member("bytes", event.bytes);
  seconds_or_null(out, "took_s", event.took);
  level_or_null(out, event.level);
  out.member_or_null("detail", event.detail).close_object();
}

const std::string_view csv_residency_head =
    "number,at,what,cause,model,other,node,device,bytes,took_ms,detail,sleep_level\r\n";

std::string csv_line(const rpc::ResidencyEvent& event, CsvForm form) {
  return csv_line(
      form, {std::to_string(event.number), time_text(event.at), name_of(event.what), name_of(event.cause), event.model,
             event.other, event.node, event.device, std::to_string(event.bytes), std::to_string(to_millis(event.took)),
             event.detail, event.level > 0 ? std::to_string(event.level) : std::string()});
}

}  // namespace faelled::portal
