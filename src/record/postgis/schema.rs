//! Tables in PostGIS, version by version.

use chrono::{DateTime, Utc};
use postgres::{Error, Transaction};

/// Version 1: issues, events, findings, chips.
const V1: &str = "
CREATE TABLE ledger (id bigint PRIMARY KEY CHECK (id = 1), schema_version bigint NOT NULL, created timestamptz NOT NULL);
CREATE TABLE issues (
  fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry(Geometry, 4490) NOT NULL,
  issue_id text NOT NULL UNIQUE, kind text NOT NULL, state text NOT NULL CHECK (state IN
    ('found','assigned','rectifying','submitted','verified','closed','relapsed','dismissed')),
  object_id text, name text, admin text, responsible_unit text, supervising_unit text, deadline date,
  area_m2 double precision, found date NOT NULL, state_since date NOT NULL, last_seen date NOT NULL,
  changed date NOT NULL, closed date, relapses bigint NOT NULL, events bigint NOT NULL, run_id text NOT NULL);
CREATE INDEX issues_by_kind ON issues (kind);
CREATE INDEX issues_by_place ON issues USING gist (geom);
CREATE TABLE events (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, issue_id text NOT NULL REFERENCES issues (issue_id),
  seq bigint NOT NULL, action text NOT NULL CHECK (action IN ('found','seen','moved','noted')), from_state text,
  to_state text NOT NULL, day date NOT NULL, recorded timestamptz NOT NULL, who text NOT NULL, why text NOT NULL,
  event_key text NOT NULL UNIQUE, name text, admin text, responsible_unit text, supervising_unit text, deadline date,
  UNIQUE (issue_id, seq));
CREATE TABLE findings (
  fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry(Geometry, 4490) NOT NULL,
  event_key text NOT NULL UNIQUE REFERENCES events (event_key), issue_id text NOT NULL REFERENCES issues (issue_id),
  kind text NOT NULL, object_id text, name text, admin text, responsible_unit text, supervising_unit text,
  deadline date, observed date NOT NULL, area_m2 double precision, facts text NOT NULL, run_id text NOT NULL,
  input_hash text NOT NULL, source text NOT NULL, before_chip text, after_chip text);
CREATE INDEX findings_by_issue ON findings (issue_id);
CREATE TABLE chips (chip_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sha256 text NOT NULL UNIQUE, png bytea NOT NULL);
CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION '% is never changed or deleted', TG_TABLE_NAME; END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events EXECUTE FUNCTION kept();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON findings EXECUTE FUNCTION kept();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON chips EXECUTE FUNCTION kept();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE ON issues EXECUTE FUNCTION kept();
CREATE FUNCTION follow_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last record;
BEGIN
  EXECUTE format('SELECT seq, to_state FROM %I.events WHERE issue_id = $1 ORDER BY seq DESC LIMIT 1', TG_TABLE_SCHEMA)
    INTO last USING OLD.issue_id;
  IF NEW.issue_id <> OLD.issue_id OR NEW.kind <> OLD.kind OR NEW.events <= OLD.events OR NEW.events <> last.seq
    OR NEW.state <> last.to_state THEN
    RAISE EXCEPTION 'an issue changes by events only: heshan ledger update';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER follow_events BEFORE UPDATE ON issues FOR EACH ROW EXECUTE FUNCTION follow_events();
";

/// Version 2: the runs that findings came from, with their manifests; how far off a place may be.
const V2: &str = "
CREATE TABLE runs (run_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run_id text NOT NULL UNIQUE,
  verb text NOT NULL, manifest text NOT NULL, added timestamptz NOT NULL);
INSERT INTO runs (run_id, verb, manifest, added)
  SELECT run_id, '', '', min(recorded) FROM findings JOIN events USING (event_key) GROUP BY run_id ORDER BY min(event_id);
ALTER TABLE issues ADD COLUMN footprint_m double precision NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN footprint_m double precision NOT NULL DEFAULT 0;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON runs EXECUTE FUNCTION kept();
";

/// Version 3: which scene a chip shows.
const V3: &str = "ALTER TABLE chips ADD COLUMN scene text NOT NULL DEFAULT ''";

/// What brings a ledger from one version to the next; the first makes it.
const STEPS: [&str; 3] = [V1, V2, V3];

/// Names without a schema mean the ledger's from here to the end of the transaction, then those of the user's own path,
/// where PostGIS is.
pub(super) fn enter(t: &mut Transaction<'_>, schema: &str) -> Result<(), Error> {
    t.execute(
        "SELECT set_config('search_path', $1::text || ', ' || current_setting('search_path'), true)",
        &[&schema],
    )?;
    t.batch_execute("SET LOCAL datestyle TO ISO")
}

/// Version of the ledger in a schema; `None` where it holds none.
pub(super) fn version(t: &mut Transaction<'_>, schema: &str) -> Result<Option<i64>, Error> {
    let there = t.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&format!("{schema}.ledger")])?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    Ok(t.query_opt(&format!("SELECT schema_version FROM {schema}.ledger"), &[])?.map(|r| r.get(0)))
}

/// Brings the ledger of a schema to version `to`.
pub(super) fn migrate(t: &mut Transaction<'_>, schema: &str, to: i64, now: DateTime<Utc>) -> Result<(), Error> {
    t.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
    enter(t, schema)?;
    let from = version(t, schema)?.unwrap_or(0);
    for n in from..to {
        t.batch_execute(STEPS[n as usize])?;
        t.execute(
            "INSERT INTO ledger (id, schema_version, created) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET schema_version = excluded.schema_version",
            &[&(n + 1), &now],
        )?;
    }
    Ok(())
}
