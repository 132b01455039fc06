#include "store/sqlite/migrations.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace faelled::store::sqlite {
namespace {

constexpr std::int64_t application_id = 0x4661656c;  // "Fael"

// Times are microseconds since 1970 in UTC. usage refers to nobody: it outlives keys and users.
constexpr std::array steps = {
    R"sql(
CREATE TABLE members (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id TEXT PRIMARY KEY, member TEXT NOT NULL REFERENCES members, name TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX users_of_member ON users (member);

CREATE TABLE keys (
  id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, member TEXT NOT NULL REFERENCES members, user TEXT REFERENCES users,
  name TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER, last_used_at INTEGER,
  origin INTEGER NOT NULL, revoked_by INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_in_links (
  hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
  request_id TEXT PRIMARY KEY, member TEXT NOT NULL, caller TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
  model TEXT NOT NULL, started_at INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL, queue_us INTEGER NOT NULL, load_us INTEGER NOT NULL, engine_us INTEGER NOT NULL,
  total_us INTEGER NOT NULL, outcome INTEGER NOT NULL, cause TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_time ON usage (started_at);

CREATE TABLE journal_position (
  one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;

CREATE TABLE member_data_keys (
  member TEXT PRIMARY KEY REFERENCES members, wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
  id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, member TEXT NOT NULL REFERENCES members,
  model TEXT NOT NULL, title BLOB NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_of_user ON conversations (user, updated_at, id);

CREATE TABLE messages (
  place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE, role INTEGER NOT NULL, state INTEGER NOT NULL,
  content BLOB NOT NULL, model TEXT NOT NULL, request_id TEXT NOT NULL, error_message TEXT NOT NULL,
  error_message_da TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_of_conversation ON messages (conversation, place);
)sql",
    // Roles, policy, audit. A list of models: NULL for all, else the ids with a line feed between them.
    R"sql(
ALTER TABLE members ADD COLUMN models TEXT;
ALTER TABLE members ADD COLUMN retention_days INTEGER;
ALTER TABLE members ADD COLUMN conversations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN key_days_max INTEGER;
ALTER TABLE members ADD COLUMN key_makers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN contact TEXT NOT NULL DEFAULT '';

ALTER TABLE users ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN origin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN front_end TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
ALTER TABLE users ADD COLUMN last_seen_at INTEGER;
CREATE UNIQUE INDEX users_by_email ON users (member, lower(email)) WHERE email <> '';
CREATE UNIQUE INDEX users_by_external_id ON users (member, front_end, external_id) WHERE external_id <> '';

ALTER TABLE keys ADD COLUMN models TEXT;
ALTER TABLE keys ADD COLUMN show_waiting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN front_end TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN rotated_from TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_of_user ON sessions (user);
CREATE INDEX sign_in_links_of_user ON sign_in_links (user);
CREATE INDEX conversations_of_member ON conversations (member, updated_at);

CREATE TABLE audit (
  id TEXT PRIMARY KEY, at INTEGER NOT NULL, actor_kind INTEGER NOT NULL, actor TEXT NOT NULL,
  actor_member TEXT NOT NULL, peer TEXT NOT NULL, action TEXT NOT NULL, object_kind TEXT NOT NULL, object TEXT NOT NULL,
  object_member TEXT NOT NULL, outcome INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  request_id TEXT NOT NULL, times INTEGER NOT NULL, member TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_of_member ON audit (member, at, id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
  BEGIN SELECT raise(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
  BEGIN SELECT raise(ABORT, 'audit rows are never removed'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id)
  BEGIN SELECT raise(ABORT, 'audit rows are never replaced'); END;

CREATE TABLE settings (
  key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
    // Usage by day (UTC, days since 1970), and the rows of one member or caller without those of all others.
    R"sql(
CREATE TABLE usage_days (
  member TEXT NOT NULL, caller TEXT NOT NULL, model TEXT NOT NULL, day INTEGER NOT NULL, requests INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  PRIMARY KEY (member, caller, model, day)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_days (member, caller, model, day, requests, input_tokens, cached_tokens, output_tokens)
  SELECT member, caller, model, started_at / 86400000000 - (started_at % 86400000000 < 0), count(*), sum(input_tokens),
    sum(cached_tokens), sum(output_tokens)
  FROM usage GROUP BY 1, 2, 3, 4;
DROP INDEX IF EXISTS usage_by_time;
CREATE INDEX usage_by_time ON usage (started_at, member, caller, model, input_tokens, cached_tokens, output_tokens);
CREATE INDEX usage_of_member ON usage (member, started_at);
CREATE INDEX usage_of_caller ON usage (caller, started_at);
)sql",
    // Conversations branch, and a deleted one can come back. What was there becomes one branch.
    R"sql(
ALTER TABLE conversations ADD COLUMN leaf TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN deleted_at INTEGER;
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;
ALTER TABLE messages ADD COLUMN parent TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN ended_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN rating_reason BLOB NOT NULL DEFAULT x'';
CREATE INDEX messages_rated ON messages (conversation, model, rating) WHERE rating != 0;
UPDATE messages SET parent = coalesce((
  SELECT before.id FROM messages AS before
  WHERE before.conversation = messages.conversation AND before.place < messages.place ORDER BY before.place DESC LIMIT 1
), '');
)sql",
    // Tiers, and what members were promised. Days are of UTC, since 1970. models: with a line feed between them; '':
    // all.
    R"sql(
CREATE TABLE tiers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, share INTEGER, places INTEGER NOT NULL, wait_s INTEGER, models TEXT NOT NULL,
  fee_ore INTEGER, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agreements (
  id TEXT PRIMARY KEY, member TEXT NOT NULL REFERENCES members, tier TEXT NOT NULL, from_day INTEGER NOT NULL,
  until_day INTEGER CHECK (until_day >= from_day), share INTEGER NOT NULL CHECK (share > 0), places INTEGER NOT NULL,
  wait_s INTEGER, models TEXT NOT NULL, fee_ore INTEGER NOT NULL, inhabitants INTEGER NOT NULL,
  suspended INTEGER NOT NULL, reason_da TEXT NOT NULL, reason_en TEXT NOT NULL, follows TEXT NOT NULL,
  begins_at INTEGER NOT NULL, made_at INTEGER NOT NULL, made_by_kind INTEGER NOT NULL, made_by TEXT NOT NULL,
  ended_at INTEGER, ended_by_kind INTEGER NOT NULL, ended_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agreements_of_member ON agreements (member, made_at, id);
CREATE INDEX agreements_by_time ON agreements (made_at, id);
CREATE TRIGGER agreements_are_not_changed BEFORE UPDATE OF id, member, tier, from_day, until_day, share, places, wait_s,
  models, fee_ore, inhabitants, suspended, reason_da, reason_en, follows, begins_at, made_at, made_by_kind, made_by
  ON agreements
  BEGIN SELECT raise(ABORT, 'agreements are never changed'); END;
CREATE TRIGGER agreements_end_once BEFORE UPDATE ON agreements WHEN old.ended_at IS NOT NULL
  BEGIN SELECT raise(ABORT, 'an agreement ends once'); END;
CREATE TRIGGER agreements_are_not_removed BEFORE DELETE ON agreements
  BEGIN SELECT raise(ABORT, 'agreements are never removed'); END;
CREATE TRIGGER agreements_are_not_replaced BEFORE INSERT ON agreements
  WHEN EXISTS (SELECT 1 FROM agreements WHERE id = new.id)
  BEGIN SELECT raise(ABORT, 'agreements are never replaced'); END;
)sql",
    // What one person did and what was done to them, without the acts of all others.
    R"sql(
CREATE INDEX audit_of_actor ON audit (actor, at, id) WHERE actor != '';
CREATE INDEX audit_of_object ON audit (object, at, id) WHERE object != '';
)sql",
    // Models and aliases were settings, and there may be a hundred thousand of them. One that cannot be read counts
    // from 0.
    R"sql(
CREATE TABLE models (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE aliases (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO models (name, version, value, updated_at)
  SELECT substr(key, 7), CASE WHEN json_valid(value) THEN coalesce(CAST(json_extract(value, '$.version') AS INTEGER), 0)
    ELSE 0 END, value, updated_at FROM settings WHERE substr(key, 1, 6) = 'model/';
INSERT INTO aliases (name, version, value, updated_at)
  SELECT substr(key, 7), CASE WHEN json_valid(value) THEN coalesce(CAST(json_extract(value, '$.version') AS INTEGER), 0)
    ELSE 0 END, value, updated_at FROM settings WHERE substr(key, 1, 6) = 'alias/';
DELETE FROM settings WHERE substr(key, 1, 6) IN ('model/', 'alias/');
)sql",
};

Expected<std::int64_t> number(Connection& connection, const char* sql) {
  std::int64_t out = 0;
  auto read = connection.each(sql, [&](sql::Row& row) { out = row.number(); });
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace

Expected<void> migrate(Connection& connection, const std::filesystem::path& file, std::size_t steps_max) {
  const auto id = number(connection, "PRAGMA application_id");
  const auto version = number(connection, "PRAGMA user_version");
  const auto tables = number(connection, "SELECT count(*) FROM sqlite_schema");
  for (const auto* read : {&id, &version, &tables}) {
    if (!*read) return std::unexpected(read->error());
  }
  if (*id != application_id && *tables > 0) {
    return fail(Errc::incompatible, file.string() + " is another program's database",
                "choose another data folder with `data:`");
  }
  if (*version > static_cast<std::int64_t>(steps.size())) {
    return fail(Errc::incompatible, file.string() + " was written by a newer version of faelled",
                "start that version, or restore the data folder from before the update");
  }
  const std::size_t last = std::min(steps.size(), steps_max);
  if (*version >= static_cast<std::int64_t>(last)) return {};
  return connection.together([&]() -> Expected<void> {
    for (auto step = static_cast<std::size_t>(*version); step < last; ++step) {
      if (auto taken = connection.run(steps[step]); !taken) return taken;
    }
    const std::string sealed =
        "PRAGMA application_id = " + std::to_string(application_id) + "; PRAGMA user_version = " + std::to_string(last);
    return connection.run(sealed.c_str());
  });
}

}  // namespace faelled::store::sqlite
