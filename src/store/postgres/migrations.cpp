#include "store/postgres/migrations.hpp"

#include <array>

namespace faelled::store::postgres {
namespace {

constexpr std::int64_t lock = 0x4661656c;  // "Fael"
constexpr auto step_max = std::chrono::minutes(10);

// Times are microseconds since 1970 in UTC. Names and columns are those of SQLite, so that one can be copied into the
// other; text is ordered by its bytes, as there. usage refers to nobody: it outlives keys and users.
constexpr const char* first = R"sql(
CREATE TABLE members (
  id text COLLATE "C" PRIMARY KEY, name text NOT NULL, created_at bigint NOT NULL, models text, retention_days bigint,
  conversations bigint NOT NULL DEFAULT 0, key_days_max bigint, key_makers bigint NOT NULL DEFAULT 0,
  contact text NOT NULL DEFAULT ''
);

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY, member text COLLATE "C" NOT NULL REFERENCES members, name text NOT NULL,
  created_at bigint NOT NULL, role bigint NOT NULL DEFAULT 0, email text COLLATE "C" NOT NULL DEFAULT '',
  origin bigint NOT NULL DEFAULT 0, front_end text COLLATE "C" NOT NULL DEFAULT '',
  external_id text COLLATE "C" NOT NULL DEFAULT '', disabled_at bigint, last_seen_at bigint
);
CREATE INDEX users_of_member ON users (member, id);
CREATE UNIQUE INDEX users_by_email ON users (member, lower(email)) WHERE email <> '';
CREATE UNIQUE INDEX users_by_external_id ON users (member, front_end, external_id) WHERE external_id <> '';

CREATE TABLE keys (
  id text COLLATE "C" PRIMARY KEY, hash bytea NOT NULL UNIQUE, member text COLLATE "C" NOT NULL REFERENCES members,
  "user" text COLLATE "C" REFERENCES users, name text NOT NULL, created_at bigint NOT NULL, expires_at bigint,
  revoked_at bigint, last_used_at bigint, origin bigint NOT NULL, revoked_by bigint NOT NULL,
  models text, show_waiting bigint NOT NULL DEFAULT 0, front_end text NOT NULL DEFAULT '',
  rotated_from text NOT NULL DEFAULT '', replaced_by text NOT NULL DEFAULT ''
);

CREATE TABLE sessions (
  hash bytea PRIMARY KEY, "user" text COLLATE "C" NOT NULL REFERENCES users, created_at bigint NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX sessions_of_user ON sessions ("user");

CREATE TABLE sign_in_links (
  hash bytea PRIMARY KEY, "user" text COLLATE "C" NOT NULL REFERENCES users, created_at bigint NOT NULL,
  expires_at bigint NOT NULL, used_at bigint
);
CREATE INDEX sign_in_links_of_user ON sign_in_links ("user");

CREATE TABLE audit (
  id text COLLATE "C" PRIMARY KEY, at bigint NOT NULL, actor_kind bigint NOT NULL, actor text NOT NULL,
  actor_member text NOT NULL, peer text NOT NULL, action text NOT NULL, object_kind text NOT NULL, object text NOT NULL,
  object_member text NOT NULL, outcome bigint NOT NULL, before text NOT NULL, after text NOT NULL,
  request_id text NOT NULL, times bigint NOT NULL, member text COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_of_member ON audit (member, at, id);
CREATE FUNCTION faelled_never() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit rows are never changed or removed' USING ERRCODE = 'FA001';
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION faelled_never();
CREATE TRIGGER audit_stays_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION faelled_never();

CREATE TABLE settings (
  key text COLLATE "C" PRIMARY KEY, value text NOT NULL, updated_at bigint NOT NULL
);

CREATE TABLE usage (
  request_id text COLLATE "C" PRIMARY KEY, member text COLLATE "C" NOT NULL, caller text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL, "user" text COLLATE "C" NOT NULL, model text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL, input_tokens bigint NOT NULL, cached_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
  queue_us bigint NOT NULL, load_us bigint NOT NULL, engine_us bigint NOT NULL, total_us bigint NOT NULL,
  outcome bigint NOT NULL, cause text NOT NULL
);
CREATE INDEX usage_by_time ON usage (started_at, request_id);
CREATE INDEX usage_of_member ON usage (member, started_at, request_id);
CREATE INDEX usage_of_caller ON usage (caller, started_at, request_id);

-- By day: UTC, days since 1970.
CREATE TABLE usage_days (
  member text COLLATE "C" NOT NULL, caller text COLLATE "C" NOT NULL, model text COLLATE "C" NOT NULL,
  day bigint NOT NULL, requests bigint NOT NULL, input_tokens bigint NOT NULL, cached_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL, PRIMARY KEY (member, caller, model, day)
);

-- Each server has a journal of its own.
CREATE TABLE journal_positions (
  server text COLLATE "C" PRIMARY KEY, segment bigint NOT NULL, at bigint NOT NULL
);

CREATE TABLE member_data_keys (
  member text COLLATE "C" PRIMARY KEY REFERENCES members, wrapped bytea NOT NULL
);

CREATE TABLE conversations (
  id text COLLATE "C" PRIMARY KEY, "user" text COLLATE "C" NOT NULL REFERENCES users,
  member text COLLATE "C" NOT NULL REFERENCES members, model text NOT NULL, title bytea NOT NULL,
  created_at bigint NOT NULL, updated_at bigint NOT NULL
);
CREATE INDEX conversations_of_user ON conversations ("user", updated_at, id);
CREATE INDEX conversations_of_member ON conversations (member, updated_at);

CREATE TABLE messages (
  place bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
  conversation text COLLATE "C" NOT NULL REFERENCES conversations ON DELETE CASCADE, role bigint NOT NULL,
  state bigint NOT NULL, content bytea NOT NULL, model text NOT NULL, request_id text NOT NULL,
  error_message text NOT NULL, error_message_da text NOT NULL, created_at bigint NOT NULL,
  server text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX messages_of_conversation ON messages (conversation, place);
CREATE INDEX messages_running ON messages (server) WHERE state = 1;

-- What other servers must hear of. The number is taken at the commit, one commit at a time, so whoever has read up to a
-- number has missed nothing below it.
CREATE TABLE changes (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, id text NOT NULL,
  made_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
);

CREATE FUNCTION faelled_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
  IF current_setting('faelled.quiet', true) = 'on' THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(1181246828, 1);
  INSERT INTO changes (kind, id) VALUES (TG_TABLE_NAME, changed ->> TG_ARGV[0]);
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON members
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR DELETE ON users
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed_too AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (to_jsonb(OLD) - 'last_seen_at' IS DISTINCT FROM to_jsonb(NEW) - 'last_seen_at')
  EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR DELETE ON keys
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed_too AFTER UPDATE ON keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (to_jsonb(OLD) - 'last_used_at' IS DISTINCT FROM to_jsonb(NEW) - 'last_used_at')
  EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON sessions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('hash');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON settings
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('key');
)sql";

// Conversations branch, and a deleted one can come back. What was there becomes one branch.
constexpr const char* branches = R"sql(
ALTER TABLE conversations ADD COLUMN leaf text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN deleted_at bigint;
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;
ALTER TABLE messages ADD COLUMN parent text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN ended_by bigint NOT NULL DEFAULT 0,
  ADD COLUMN input_tokens bigint NOT NULL DEFAULT 0, ADD COLUMN output_tokens bigint NOT NULL DEFAULT 0,
  ADD COLUMN rating bigint NOT NULL DEFAULT 0, ADD COLUMN rating_reason bytea NOT NULL DEFAULT '';
CREATE INDEX messages_rated ON messages (conversation, model, rating) WHERE rating != 0;
UPDATE messages SET parent = before.id FROM (
  SELECT place, lag(id) OVER (PARTITION BY conversation ORDER BY place) AS id FROM messages
) AS before WHERE before.place = messages.place AND before.id IS NOT NULL;
)sql";

// Tiers, and what members were promised. Days are of UTC, since 1970.
constexpr const char* agreements = R"sql(
CREATE TABLE tiers (
  id text COLLATE "C" PRIMARY KEY, name text NOT NULL, share bigint, places bigint NOT NULL, wait_s bigint,
  models text NOT NULL, fee_ore bigint, updated_at bigint NOT NULL
);

CREATE TABLE agreements (
  id text COLLATE "C" PRIMARY KEY, member text COLLATE "C" NOT NULL REFERENCES members, tier text NOT NULL,
  from_day bigint NOT NULL, until_day bigint CHECK (until_day >= from_day), share bigint NOT NULL CHECK (share > 0),
  places bigint NOT NULL, wait_s bigint, models text NOT NULL, fee_ore bigint NOT NULL, inhabitants bigint NOT NULL,
  suspended bigint NOT NULL, reason_da text NOT NULL, reason_en text NOT NULL, follows text NOT NULL,
  begins_at bigint NOT NULL, made_at bigint NOT NULL, made_by_kind bigint NOT NULL, made_by text NOT NULL,
  ended_at bigint, ended_by_kind bigint NOT NULL, ended_by text NOT NULL
);
CREATE INDEX agreements_of_member ON agreements (member, made_at, id);
CREATE INDEX agreements_by_time ON agreements (made_at, id);
CREATE FUNCTION faelled_agreement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND to_jsonb(OLD) - '{ended_at,ended_by_kind,ended_by}'::text[]
      IS NOT DISTINCT FROM to_jsonb(NEW) - '{ended_at,ended_by_kind,ended_by}'::text[] THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'agreements are never changed or removed' USING ERRCODE = 'FA001';
END $$;
CREATE TRIGGER agreements_stay BEFORE UPDATE OR DELETE ON agreements
  FOR EACH ROW EXECUTE FUNCTION faelled_agreement_stays();
CREATE TRIGGER agreements_stay_whole BEFORE TRUNCATE ON agreements
  FOR EACH STATEMENT EXECUTE FUNCTION faelled_agreement_stays();
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON tiers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('id');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON agreements
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('id');
)sql";

// Models and aliases were settings, and there may be a hundred thousand of them. What a server of the former version
// writes still goes there, and from there here; its rows go one release later.
constexpr const char* named = R"sql(
CREATE TABLE models (
  name text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, value text NOT NULL, updated_at bigint NOT NULL
);
CREATE TABLE aliases (
  name text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, value text NOT NULL, updated_at bigint NOT NULL
);
CREATE FUNCTION faelled_named() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  called text := substr(NEW.key, 7);
  counted bigint := coalesce(substring(NEW.value from '"version" ?: ?([0-9]{1,18})')::bigint, 0);
BEGIN
  IF NEW.key LIKE 'model/%' THEN
    INSERT INTO models (name, version, value, updated_at) VALUES (called, counted, NEW.value, NEW.updated_at)
      ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value,
      updated_at = excluded.updated_at WHERE models.version <= excluded.version;
  ELSE
    INSERT INTO aliases (name, version, value, updated_at) VALUES (called, counted, NEW.value, NEW.updated_at)
      ON CONFLICT (name) DO UPDATE SET version = excluded.version, value = excluded.value,
      updated_at = excluded.updated_at WHERE aliases.version <= excluded.version;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER named AFTER INSERT OR UPDATE ON settings FOR EACH ROW
  WHEN (NEW.key LIKE 'model/%' OR NEW.key LIKE 'alias/%') EXECUTE FUNCTION faelled_named();
INSERT INTO models (name, version, value, updated_at)
  SELECT substr(key, 7), coalesce(substring(value from '"version" ?: ?([0-9]{1,18})')::bigint, 0), value, updated_at
  FROM settings WHERE key LIKE 'model/%';
INSERT INTO aliases (name, version, value, updated_at)
  SELECT substr(key, 7), coalesce(substring(value from '"version" ?: ?([0-9]{1,18})')::bigint, 0), value, updated_at
  FROM settings WHERE key LIKE 'alias/%';
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON models
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('name');
CREATE CONSTRAINT TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON aliases
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION faelled_changed('name');
)sql";

// Of an actor and of an object, as SQLite has had them from the beginning.
constexpr const char* audit_indexes = R"sql(
CREATE INDEX audit_of_actor ON audit (actor, at, id) WHERE actor != '';
CREATE INDEX audit_of_object ON audit (object, at, id) WHERE object != '';
)sql";

constexpr std::array all_steps = {Step{1, first}, Step{1, branches}, Step{1, agreements}, Step{1, named},
                                  Step{1, audit_indexes}};

Expected<void> check(const SchemaState& state, std::int64_t mine, const std::string& database) {
  if (state.step <= mine || state.works_with <= mine) return {};
  return fail(Errc::incompatible,
              database + " has schema step " + std::to_string(state.step) + "; this version of faelled knows " +
                  std::to_string(mine) + " and cannot work with it any more",
              "start a newer version, or restore the database from before the update");
}

}  // namespace

std::span<const Step> steps() { return all_steps; }

Expected<SchemaState> schema_state(Connection& connection) {
  // Not to_regclass(): it does not see what was committed since the transaction began, and a lock may have been waited
  // for since. Both in one statement: between two of them another server that starts may commit its tables.
  std::int64_t known = 0, theirs = 0;
  auto counted = connection.each(
      "SELECT count(*) FILTER (WHERE tablename = 'schema_steps'), "
      "count(*) FILTER (WHERE tablename IN ('members', 'usage')) "
      "FROM pg_tables WHERE schemaname = ANY (current_schemas(false))",
      [&](sql::Row& row) {
        known = row.number();
        theirs = row.number();
      });
  if (!counted) return std::unexpected(counted.error());
  SchemaState out;
  if (known == 0) {
    if (theirs == 0) return out;
    return fail(Errc::incompatible, connection.address().shown() + " holds another program's tables",
                "give faelled a database of its own");
  }
  auto read =
      connection.each("SELECT coalesce(max(step), 0)::bigint, coalesce(max(works_with), 0)::bigint FROM schema_steps",
                      [&](sql::Row& row) {
                        out.step = row.number();
                        out.works_with = row.number();
                      });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> check_schema(Connection& connection, std::span<const Step> all) {
  auto state = schema_state(connection);
  if (!state) return std::unexpected(state.error());
  const auto mine = static_cast<std::int64_t>(all.size());
  if (state->step < mine) {
    return fail(Errc::incompatible,
                connection.address().shown() + " has schema step " + std::to_string(state->step) + " of " +
                    std::to_string(mine),
                "was it restored from a backup? Restart faelled: it brings the schema up to date");
  }
  return check(*state, mine, connection.address().shown());
}

Expected<void> migrate(Connection& connection, std::span<const Step> all) {
  const auto mine = static_cast<std::int64_t>(all.size());
  auto state = schema_state(connection);
  if (!state) return std::unexpected(state.error());
  if (state->step >= mine) return check(*state, mine, connection.address().shown());
  if (auto patient = connection.be_patient(step_max); !patient) return patient;
  auto migrated = connection.together([&]() -> Expected<void> {
    // Held to the end: whoever comes second finds everything done, however long the first one's steps take.
    if (auto patient = connection.wait_for_locks(step_max); !patient) return patient;
    auto held = connection.each("SELECT pg_advisory_xact_lock($1)", [](sql::Row&) {}, lock);
    if (!held) return held;
    if (auto hasty = connection.wait_for_locks(Connection::lock_wait_max); !hasty) return hasty;
    auto now = schema_state(connection);
    if (!now) return std::unexpected(now.error());
    if (now->step == 0) {
      auto made = connection.run(
          "CREATE TABLE schema_steps (step bigint PRIMARY KEY, works_with bigint NOT NULL, "
          "taken_at timestamptz NOT NULL DEFAULT now())");
      if (!made) return made;
    }
    for (auto step = now->step; step < mine; ++step) {
      const Step& next = all[static_cast<std::size_t>(step)];
      if (auto taken = connection.run(next.sql); !taken) return taken;
      auto noted =
          connection.change("INSERT INTO schema_steps (step, works_with) VALUES ($1, $2)", step + 1, next.works_with);
      if (!noted) return std::unexpected(noted.error());
    }
    return {};
  });
  if (!migrated) return migrated;
  return connection.be_patient(limits::store_statement_max);
}

}  // namespace faelled::store::postgres
