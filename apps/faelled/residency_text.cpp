#include "residency_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "answer.hpp"
#include "base/byte_text.hpp"
#include "base/time_text.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

// To the minute: it must not move with the seconds between two looks.
std::string since_text(const json::Value& model, const std::string& at) {
  const auto now = parse_time(at);
  if (!now) return {};
  const auto before = std::chrono::microseconds(static_cast<std::int64_t>(number_of(model, "in_state_s") * 1e6));
  return fmt::format("since {} UTC", time_text(*now - before).replace(10, 1, " ").substr(0, 16));
}

// "2026-11-23 12:03:05"
std::string to_the_second(const std::string& at) {
  const auto time = parse_time(at);
  return time ? time_text(*time).replace(10, 1, " ").substr(0, 19) : at;
}

// Of a model that comes or is there.
std::string_view came(std::string_view cause) {
  if (cause == "asked") return "somebody asked for it";
  if (cause == "pinned") return "an operator wants it there always";
  if (cause == "at_start") return "there was room for it";
  if (cause == "ordered") return "an operator said so";
  if (cause == "habit") return "it is asked for at this time on most days";
  if (cause == "busy") return "people wait, and there is room";
  if (cause == "recalled") return "it was to make room, and that is no longer needed";
  return {};
}

// Of one that goes or is gone.
std::string went(std::string_view cause, const std::string& other) {
  const std::string whom = other.empty() ? "another model" : other;
  if (cause == "ordered") return "an operator said so";
  if (cause == "makes_room") return "unused, to make room for " + whom;
  if (cause == "line_empty") return "to make room for " + whom + ": nobody waits for it any more";
  if (cause == "turn_over") return "to make room for " + whom + ": it had its longest turn";
  if (cause == "unused") return "nobody asked for it for long";
  if (cause == "broken") return "its engine ended by itself";
  if (cause == "removed") return "it left the catalogue";
  if (cause == "keeps") return "it was to sleep and kept its memory";
  if (cause == "elsewhere") return "it slept where there was no room";
  if (cause == "spare") return "to make room for " + whom + ": its model has a further engine";
  if (cause == "overdue") return "to make room for " + whom + ": its load took far too long";
  if (cause == "enough") return "the other engines of its model serve all who come";
  return {};
}

// "local/gpu0"; empty: nowhere.
std::string where_of(const json::Value& row) {
  const std::string node = text_of(row, "node");
  return node.empty() ? std::string() : node + "/" + text_of(row, "device");
}

std::vector<json::Value> copies_of(const json::Value& model) {
  std::vector<json::Value> all;
  if (const auto copies = model.find("copies"))
    for (const json::Value copy : copies->items()) all.push_back(copy);
  return all;
}

// Its weights lie there while it sleeps.
bool sleeps_in(const json::Value& model, const json::Value& device) {
  return number_of(model, "backed") > 0 && text_of(model, "node") == text_of(device, "node") &&
         text_of(model, "backing") == text_of(device, "device");
}

// One that is absent has a memory that it would take.
bool is_there(const json::Value& model) { return text_of(model, "state") != "absent"; }

std::string join(std::string_view first, std::string_view between, std::string_view second) {
  return fmt::format("{}{}{}", first, first.empty() || second.empty() ? "" : between, second);
}

}  // namespace

std::string bytes_text(double bytes) { return byte_text(static_cast<std::uint64_t>(std::max(0.0, bytes))); }

std::string why_text(const json::Value& model, const std::string& at) {
  const std::string state = text_of(model, "state"), cause = text_of(model, "cause"), other = text_of(model, "other");
  const double ready_in = number_of(model, "ready_in_s");
  const std::string soon =
      ready_in > 0 ? fmt::format("about {:.0f} s", std::max(1.0, std::ceil(ready_in))) : std::string();
  std::string out;
  if (state == "ready") {
    out = join(since_text(model, at), ": ", came(cause));
  } else if (state == "asleep") {
    out = join(since_text(model, at), ": ", went(cause, other));
    if (number_of(model, "waiting") > 0) out = join("waits for room to wake", ", ", soon);
    if (number_of(model, "sleep_level") == 2) out = join("without its weights", ", ", out);
  } else if (state == "starting" || state == "waking") {
    out = join(soon, ": ", came(cause));
  } else if (state == "draining") {
    const double level = number_of(model, "sleep_level");
    const std::string_view then = level == 2   ? ", then it sleeps without its weights"
                                  : level == 1 ? ", then it sleeps"
                                               : "";
    out = join(join("its last answers end", "", then), ": ", went(cause, other));
  } else if (state == "fetching") {
    out = text_of(model, "detail");
  } else if (state == "failed") {
    out = text_of(model, "detail");
    if (out.empty()) out = went(cause, other);
  } else if (!is(model, "fits")) {
    const std::string detail = text_of(model, "detail");
    out = detail.empty() ? "no memory here is large enough" : "does not fit: " + detail;
  } else if (number_of(model, "waiting") > 0) {
    out = join("waits for room", ", ", soon);
  } else {
    out = join(went(cause, other), ": ", text_of(model, "detail"));
  }
  return is(model, "pinned") && cause != "pinned" ? join(out, "; ", "pinned") : out;
}

std::string models_table(const std::string& answer, bool heading) {
  json::Document document;
  const auto root = document.parse(answer);
  const auto models = root ? root->find("models") : std::nullopt;
  if (!models) return {};
  const std::string at = text_of(*root, "at");
  std::string rows;
  json::Writer out(rows);
  out.object().key("models").array();
  const auto members_of = [](const json::Value& of) {
    std::string members;
    if (const auto list = of.find("members"))
      for (const json::Value member : list->items()) members = join(members, ", ", member.text().value_or(""));
    return members.empty() ? members : "for " + members;
  };
  for (const json::Value model : models->items()) {
    const double bytes = number_of(model, "bytes"), load = number_of(model, "load_s"),
                 asked = number_of(model, "asked_per_hour");
    out.object()
        .member("id", text_of(model, "id"))
        .member("state", text_of(model, "state"))
        .member_or_null("where", is_there(model) ? where_of(model) : std::string())
        .member_or_null("memory", bytes > 0 ? bytes_text(bytes) : std::string())
        .member_or_null("load", load > 0 ? fmt::format("{:.{}f} s", load, load < 9.95 ? 1 : 0) : std::string())
        .member_or_null("asked/h", asked > 0 ? fmt::format("{:.{}f}", asked, asked < 9.95 ? 1 : 0) : std::string())
        .member("waiting", static_cast<std::int64_t>(number_of(model, "waiting")))
        .member("running", static_cast<std::int64_t>(number_of(model, "running")))
        .member_or_null("why", join(why_text(model, at), "; ", members_of(model)))
        .close_object();
    for (const json::Value copy : copies_of(model))
      out.object()
          .member("id", text_of(model, "id"))
          .member("state", text_of(copy, "state"))
          .member("where", where_of(copy))
          .member("running", static_cast<std::int64_t>(number_of(copy, "running")))
          .member("why", join("a further engine", ", ", why_text(copy, at)))
          .close_object();
    if (const auto adapters = model.find("adapters"))
      for (const json::Value adapter : adapters->items()) {
        out.object().member("id", text_of(adapter, "id")).member("state", text_of(model, "state"));
        out.member("why", join("an adapter", ", ", members_of(adapter))).close_object();
      }
  }
  out.close_array().close_object();
  return table_of(rows, "models", {"id", "state", "where", "memory", "load", "asked/h", "waiting", "running", "why"},
                  heading);
}

std::string devices_table(const std::string& answer) {
  json::Document document;
  const auto root = document.parse(answer);
  const auto devices = root ? root->find("devices") : std::nullopt;
  const auto models = root ? root->find("models") : std::nullopt;
  if (!devices || !models) return {};
  std::string rows;
  json::Writer out(rows);
  out.object().key("devices").array();
  for (const json::Value device : devices->items()) {
    const double bytes = number_of(device, "bytes"), taken = number_of(device, "taken"),
                 reserved = number_of(device, "reserved");
    std::string there;
    for (const json::Value model : models->items()) {
      const std::string id = text_of(model, "id");
      const auto add = [&](const json::Value& engine) {
        const std::string state = text_of(engine, "state");
        there = join(there, ", ", state == "ready" ? id : fmt::format("{} ({})", id, state));
      };
      if (is_there(model) && where_of(model) == where_of(device)) {
        add(model);
      } else if (sleeps_in(model, device)) {
        there = join(there, ", ", fmt::format("{} (its weights)", id));
      }
      for (const json::Value copy : copies_of(model))
        if (where_of(copy) == where_of(device)) add(copy);
    }
    out.object()
        .member("node", text_of(device, "node"))
        .member("device", text_of(device, "device"))
        .member("memory", bytes_text(bytes))
        .member("taken", bytes_text(taken))
        .member("reserved", bytes_text(reserved))
        .member("free", bytes_text(std::max(0.0, bytes - taken - reserved)))
        .member_or_null("models", there)
        .close_object();
  }
  out.close_array().close_object();
  return table_of(rows, "devices", {"node", "device", "memory", "taken", "reserved", "free", "models"});
}

std::string events_table(const std::string& answer) {
  json::Document document;
  const auto root = document.parse(answer);
  const auto events = root ? root->find("events") : std::nullopt;
  if (!events) return {};
  std::string rows;
  json::Writer out(rows);
  out.object().key("events").array();
  for (const json::Value event : events->items()) {
    const std::string cause = text_of(event, "cause"), other = text_of(event, "other");
    const double took = number_of(event, "took_s"), level = number_of(event, "sleep_level");
    const std::string what = text_of(event, "what");
    const bool goes = what != "load" && what != "ready" && what != "wake" && what != "serve";
    const std::string why = goes ? went(cause, other) : std::string(came(cause));
    const std::string_view how = level != 2        ? ""
                                 : what == "wake"  ? ", reads its weights"
                                 : what == "ready" ? ""
                                                   : " without its weights";
    out.object()
        .member("UTC", to_the_second(text_of(event, "at")))
        .member("what", what + std::string(how))
        .member("model", text_of(event, "model"))
        .member_or_null("where", where_of(event))
        .member_or_null("took", took > 0 ? fmt::format("{:.{}f} s", took,
                                                       took < 0.095  ? 3
                                                       : took < 9.95 ? 1
                                                                     : 0)
                                         : std::string())
        .member_or_null("why", join(why, ": ", text_of(event, "detail")))
        .close_object();
  }
  out.close_array().close_object();
  const std::string table = table_of(rows, "events", {"UTC", "what", "model", "where", "took", "why"});
  const std::string next = text_of(*root, "next");
  return next.empty() ? table : fmt::format("{}Older ones: --before {}\n", table, next);
}

std::string standing_of(const std::string& answer) {
  json::Document document;
  const auto root = document.parse(answer);
  if (!root) return answer;
  std::string out;
  for (const char* list : {"devices", "models"}) {
    const auto rows = root->find(list);
    if (!rows) continue;
    for (const json::Value row : rows->items())
      for (const json::Member member : row.members()) {
        const std::string name = member.name.text().value_or("");
        const bool runs = name == "in_state_s" || name == "ready_in_s" || name == "asked_per_hour" ||
                          name == "load_s" || name == "wake_s" || name == "bytes_read";
        if (!runs) out += fmt::format("{}={}\n", name, member.value.raw());
      }
  }
  return out;
}

}  // namespace faelled::app
