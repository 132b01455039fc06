#include "key_import/key_file.hpp"

#include <algorithm>
#include <map>

#include "base/csv_rows.hpp"
#include "base/limits.hpp"
#include "json/document.hpp"
#include "key_import/columns.hpp"
#include "key_import/old_time.hpp"

namespace faelled::key_import {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t clear_secret_bytes_min = 16;
constexpr std::size_t clear_secret_bytes_max = 512;
constexpr std::size_t field_bytes_max = 512;

constexpr std::size_t unread_max = 20;  // columns that a note names
constexpr std::size_t shown_bytes_max = 40;

using Fields = std::map<Column, std::string>;

std::string text_of(const Fields& fields, Column column) {
  const auto found = fields.find(column);
  return found == fields.end() || says_nothing(found->second) ? std::string() : found->second;
}

std::optional<bool> boolean_of(std::string_view text) {
  if (says_nothing(text)) return false;
  for (const char* yes : {"true", "t", "1", "yes", "TRUE", "True"})
    if (text == yes) return true;
  for (const char* no : {"false", "f", "0", "no", "FALSE", "False"})
    if (text == no) return false;
  return std::nullopt;
}

// The hash of the key; nothing, and why, for what is none.
std::optional<crypto::Digest> hash_of(const Fields& fields, std::string& why) {
  const std::string token = text_of(fields, Column::token), clear = text_of(fields, Column::secret);
  if (token.empty() && clear.empty()) {
    why = "it has neither a token (hash) nor a secret";
    return std::nullopt;
  }
  const auto given = crypto::from_hex(token);
  // Before LiteLLM hashed its keys, the column held them in clear.
  const std::string& secret = clear.empty() && !given ? token : clear;
  if (secret.empty()) return given;
  const bool printable = std::ranges::all_of(secret, [](char c) { return c > ' ' && c < 0x7F; });
  if (!printable || secret.size() < clear_secret_bytes_min || secret.size() > clear_secret_bytes_max) {
    why = "its secret is shorter than 16 characters, longer than 512, or has odd ones; make a new key for it";
    return std::nullopt;
  }
  const crypto::Digest hash = crypto::sha256(secret);
  if (given && *given != hash) {
    why = "its token is not the hash of its secret";
    return std::nullopt;
  }
  return hash;
}

class Reader {
 public:
  explicit Reader(ModelLists models) : models_(models) {}

  void take(std::size_t line, const Fields& fields) {
    OldKey key;
    key.line = line;
    std::string why;
    const auto too_long = [](const auto& field) { return field.second.size() > field_bytes_max; };
    if (std::ranges::any_of(fields, too_long)) return bad(line, "a field is longer than 512 bytes");
    const auto hash = hash_of(fields, why);
    if (!hash) return bad(line, std::move(why));
    key.hash = *hash;
    if (const auto [first, fresh] = seen_.emplace(key.hash, line); !fresh)
      return bad(line, "it is the same key as on line " + std::to_string(first->second));
    key.name = text_of(fields, Column::alias);
    if (key.name.empty()) key.name = text_of(fields, Column::masked);
    if (key.name.empty()) key.name = "imported " + crypto::hex(key.hash).substr(0, 8);
    key.member = text_of(fields, Column::member);
    key.team = text_of(fields, Column::team);
    key.user = text_of(fields, Column::user);
    key.email = text_of(fields, Column::email);
    if (const std::string expires = text_of(fields, Column::expires); !expires.empty()) {
      key.expires_at = read_old_time(expires);
      if (!key.expires_at) return bad(line, "its time of expiry is none; write it as 2027-01-01T12:00:00Z");
    }
    const auto blocked = boolean_of(text_of(fields, Column::blocked));
    if (!blocked) return bad(line, "blocked is neither true nor false");
    key.blocked = *blocked;
    if (holds_to_models(text_of(fields, Column::models))) {
      if (models_ == ModelLists::refused)
        return bad(line, "it was held to certain models, and here it would open all that its member may use");
      ++held_to_models_;
    }
    file.keys.push_back(std::move(key));
  }
  // A column or JSON member that is none of ours. Its name is shown where it can be no secret.
  void unread(const std::string& heading, std::size_t number) {
    if (is_harmless(heading) || unread_.size() >= unread_max) return;
    const bool shown = !heading.empty() && heading.size() <= shown_bytes_max && !heading.starts_with("sk-") &&
                       std::ranges::all_of(heading, [](char c) { return c >= ' ' && c != 0x7F; });
    const std::string name = shown ? "\"" + heading + "\"" : std::to_string(number);
    if (std::ranges::find(unread_, name) == unread_.end()) unread_.push_back(name);
  }
  KeyFile finish() && {
    for (const std::string& name : unread_) file.notes.push_back("column " + name + " was not read");
    if (held_to_models_ > 0)
      file.notes.push_back(std::to_string(held_to_models_) +
                           " of the keys were held to certain models; here each opens all that its member may use");
    return std::move(file);
  }
  void bad(std::size_t line, std::string why) { file.bad.push_back({line, std::move(why)}); }
  bool full() const { return file.keys.size() + file.bad.size() >= limits::key_import_rows_max; }

  KeyFile file;

 private:
  ModelLists models_;
  std::map<crypto::Digest, std::size_t> seen_;
  std::vector<std::string> unread_;
  std::size_t held_to_models_ = 0;
};

std::unexpected<Error> too_many() {
  return fail(Errc::too_large, "the file has more than " + std::to_string(limits::key_import_rows_max) + " keys",
              "cut it into parts");
}

constexpr const char* forms =
    "a CSV with a heading (token, key_alias, user_id, team_id, expires, blocked), or the answer of "
    "/key/list?return_full_object=true";

Expected<KeyFile> read_csv(std::string_view text, ModelLists models) {
  CsvRows rows(text);
  const auto unreadable = [&](const Error& error) {
    return fail(error.code, "line " + std::to_string(rows.line()) + ": " + error.message, error.hint);
  };
  auto heading = rows.next();
  if (!heading) return unreadable(heading.error());
  if (!*heading) return fail(Errc::invalid, "the file is empty", forms);
  std::vector<std::optional<Column>> columns;
  Reader reader(models);
  for (const std::string& name : (**heading).fields) {
    const std::string plain = plain_heading(name);
    columns.push_back(column_of(plain));
    if (!columns.back()) reader.unread(plain, columns.size());
  }
  const auto has = [&](Column column) { return std::ranges::find(columns, std::optional(column)) != columns.end(); };
  if (!has(Column::token) && !has(Column::secret))
    return fail(Errc::invalid, "line 1: no column is called token, hash, key or secret", forms);
  while (true) {
    auto row = rows.next();
    if (!row) return unreadable(row.error());
    if (!*row) return std::move(reader).finish();
    if (reader.full()) return too_many();
    const CsvRow& read = **row;
    if (read.fields.size() != columns.size()) {
      reader.bad(read.line, "it has " + std::to_string(read.fields.size()) + " fields, the heading " +
                                std::to_string(columns.size()));
      continue;
    }
    Fields fields;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string_view said = trimmed(read.fields[i]);
      if (columns[i] && !says_nothing(said)) fields.emplace(*columns[i], said);
    }
    reader.take(read.line, fields);
  }
}

// A list, object or text of nothing, and what is no limit on a key.
bool is_idle(const json::Value& value) {
  const std::string_view raw = value.raw();
  return value.is_null() || raw == "[]" || raw == "{}" || raw == "\"\"" || raw == "false";
}

Fields fields_of(const json::Value& object, Reader& reader) {
  Fields fields;
  std::size_t number = 0;
  for (const json::Member member : object.members()) {
    const std::string plain = plain_heading(member.name.text().value_or(""));
    const auto column = column_of(plain);
    ++number;
    if (!column && !is_idle(member.value)) reader.unread(plain, number);
    if (!column || member.value.is_null()) continue;
    auto text = member.value.text();
    fields.emplace(*column, text ? std::move(*text) : std::string(member.value.raw()));
  }
  return fields;
}

// What /key/list says of itself: it answers page by page.
void note_pages(const json::Value& root, KeyFile& file) {
  const auto pages = root.find("total_pages");
  const auto total = pages ? pages->integer() : std::nullopt;
  if (total && *total > 1)
    file.notes.push_back("this is one page of " + std::to_string(*total) +
                         " of the old gateway's list: import the others too, or ask it with a larger size");
}

Expected<KeyFile> read_json(std::string_view text, ModelLists models) {
  json::Document document;
  const auto root = document.parse(text);
  if (!root) return fail(root.error().code, "the file is no JSON: " + root.error().message, forms);
  const auto keys = root->kind() == json::Kind::array ? std::optional(*root) : root->find("keys");
  if (!keys || keys->kind() != json::Kind::array) return fail(Errc::invalid, "the file holds no list of keys", forms);
  Reader reader(models);
  std::size_t line = 1;
  const char* counted = text.data();
  for (const json::Value item : keys->items()) {
    const char* at = item.raw().data();
    line += static_cast<std::size_t>(std::count(counted, at, '\n'));
    counted = at;
    if (reader.full()) return too_many();
    if (item.kind() == json::Kind::object) {
      reader.take(line, fields_of(item, reader));
    } else if (item.kind() == json::Kind::text) {
      return fail(Errc::invalid, "the file holds hashes alone, not whose they are",
                  "ask the old gateway for /key/list?return_full_object=true");
    } else {
      reader.bad(line, "it is no object");
    }
  }
  note_pages(*root, reader.file);
  return std::move(reader).finish();
}

}  // namespace

Expected<KeyFile> read_key_file(std::string_view text, ModelLists models) {
  if (text.size() > limits::key_file_bytes_max)
    return fail(Errc::too_large, "the file is larger than 64 MiB", "cut it into parts");
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return fail(Errc::invalid, "the file is empty", forms);
  return text[begin] == '{' || text[begin] == '[' ? read_json(text, models) : read_csv(text, models);
}

}  // namespace faelled::key_import
