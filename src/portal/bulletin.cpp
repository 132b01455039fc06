#include "portal/bulletin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/limits.hpp"
#include "json/document.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace faelled::portal {
namespace {

void write_micros(json::Writer& out, std::string_view name, const std::optional<WallTime>& time) {
  if (time) {
    out.member(name, unix_micros(*time));
  } else {
    out.member(name, nullptr);
  }
}

Expected<std::optional<WallTime>> read_micros(json::Fields& fields, std::string_view name) {
  auto micros = fields.maybe_integer(name, 0, std::numeric_limits<std::int64_t>::max());
  if (!micros) return std::unexpected(micros.error());
  if (!*micros) return std::optional<WallTime>();
  return from_unix_micros(**micros);
}

Expected<gateway::Maintenance> read_maintenance(json::Fields fields) {
  auto on = fields.boolean("on");
  auto message = fields.text("message");
  auto message_da = fields.text("message_da");
  auto until = read_micros(fields, "until");
  if (!on) return std::unexpected(on.error());
  if (!message) return std::unexpected(message.error());
  if (!message_da) return std::unexpected(message_da.error());
  if (!until) return std::unexpected(until.error());
  return gateway::Maintenance{*on, *message, *message_da, *until};
}

Expected<Notice> read_notice(json::Fields fields) {
  auto id = fields.text("id");
  auto kind_name = fields.text("kind");
  auto message = fields.text("message");
  auto message_da = fields.text("message_da");
  auto from = read_micros(fields, "from");
  auto until = read_micros(fields, "until");
  if (!id) return std::unexpected(id.error());
  if (!kind_name) return std::unexpected(kind_name.error());
  if (!message) return std::unexpected(message.error());
  if (!message_da) return std::unexpected(message_da.error());
  if (!from) return std::unexpected(from.error());
  if (!until) return std::unexpected(until.error());
  const auto kind = notice_kind(*kind_name);
  if (!kind || !*from) return fail(Errc::invalid, "a notice has a kind and a beginning");
  return Notice{*id, *kind, *message, *message_da, **from, *until};
}

}  // namespace

std::string_view name_of(NoticeKind kind) { return kind == NoticeKind::incident ? "incident" : "announcement"; }

std::optional<NoticeKind> notice_kind(std::string_view name) {
  for (const NoticeKind kind : {NoticeKind::announcement, NoticeKind::incident})
    if (name == name_of(kind)) return kind;
  return std::nullopt;
}

std::string to_json(const Bulletin& bulletin) {
  std::string text;
  json::Writer out(text);
  out.object().key("maintenance").object().member("on", bulletin.maintenance.on);
  out.member("message", bulletin.maintenance.message).member("message_da", bulletin.maintenance.message_da);
  write_micros(out, "until", bulletin.maintenance.until);
  out.close_object().key("notices").array();
  for (const Notice& notice : bulletin.notices) {
    out.object().member("id", notice.id).member("kind", name_of(notice.kind));
    out.member("message", notice.message).member("message_da", notice.message_da);
    write_micros(out, "from", notice.from);
    write_micros(out, "until", notice.until);
    out.close_object();
  }
  out.close_array().close_object();
  return text;
}

Expected<Bulletin> bulletin_of(std::string_view json) {
  json::Document document;
  auto root = document.parse(json);
  if (!root) return std::unexpected(root.error());
  auto fields = json::Fields::of(*root);
  if (!fields) return std::unexpected(fields.error());
  auto part = fields->object("maintenance");
  auto list = fields->array("notices");
  if (!part) return std::unexpected(part.error());
  if (!list) return std::unexpected(list.error());
  auto maintenance = read_maintenance(std::move(*part));
  if (!maintenance) return std::unexpected(maintenance.error());
  Bulletin out{std::move(*maintenance), {}};
  for (const json::Value item : list->items()) {
    auto of_item = json::Fields::of(item, "notices");
    if (!of_item) return std::unexpected(of_item.error());
    auto notice = read_notice(std::move(*of_item));
    if (!notice) return std::unexpected(notice.error());
    if (out.notices.size() >= limits::notices_max) return fail(Errc::invalid, "there are too many notices");
    out.notices.push_back(std::move(*notice));
  }
  return out;
}

std::vector<Notice> shown_at(const Bulletin& bulletin, WallTime now) {
  std::vector<Notice> out;
  for (const Notice& notice : bulletin.notices) {
    if (notice.from > now) continue;
    std::chrono::microseconds after{};
    if (notice.kind == NoticeKind::incident) after = limits::incident_shown_for;
    if (!notice.until || now < *notice.until + after) out.push_back(notice);
  }
  return out;
}

Expected<void> fit_for_all(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "the text is empty");
  if (text.size() > limits::notice_bytes_max)
    return fail(Errc::invalid, fmt::format("the text is longer than {} bytes", limits::notice_bytes_max));
  const bool control =
      std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; });
  if (control) return fail(Errc::invalid, "the text holds control characters");
  return {};
}

}  // namespace faelled::portal
