//! Tables of the GeoPackage, version by version.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::error::Text;
use crate::model::LayerStyle;

type Done<T> = rusqlite::Result<T>;

/// What makes a SQLite file a GeoPackage 1.3 (OGC 12-128r18, 1.1.1 and 1.1.2): application id, version, core tables.
const CORE: &str = "
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
  ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AXIS[\"Latitude\",NORTH],AXIS[\"Longitude\",EAST],AUTHORITY[\"EPSG\",\"4326\"]]', NULL),
  ('CGCS2000', 4490, 'EPSG', 4490, 'GEOGCS[\"China Geodetic Coordinate System 2000\",DATUM[\"China_2000\",SPHEROID[\"CGCS2000\",6378137,298.257222101,AUTHORITY[\"EPSG\",\"1024\"]],AUTHORITY[\"EPSG\",\"1043\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AXIS[\"Latitude\",NORTH],AXIS[\"Longitude\",EAST],AUTHORITY[\"EPSG\",\"4490\"]]', NULL);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
";

/// Version 1: issues, events, findings, chips.
const V1: &str = "
CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL, created DATETIME NOT NULL);
CREATE TABLE issues (
  fid INTEGER PRIMARY KEY AUTOINCREMENT, geom GEOMETRY NOT NULL, issue_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('found','assigned','rectifying','submitted','verified','closed','relapsed','dismissed')),
  object_id TEXT, name TEXT, admin TEXT, responsible_unit TEXT, supervising_unit TEXT, deadline DATE, area_m2 DOUBLE,
  found DATE NOT NULL, state_since DATE NOT NULL, last_seen DATE NOT NULL, changed DATE NOT NULL, closed DATE,
  relapses INTEGER NOT NULL, events INTEGER NOT NULL, run_id TEXT NOT NULL);
CREATE INDEX issues_by_kind ON issues (kind);
CREATE TABLE events (
  event_id INTEGER PRIMARY KEY AUTOINCREMENT, issue_id TEXT NOT NULL REFERENCES issues (issue_id), seq INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('found','seen','moved','noted')), from_state TEXT, to_state TEXT NOT NULL,
  day DATE NOT NULL, recorded DATETIME NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, event_key TEXT NOT NULL UNIQUE,
  name TEXT, admin TEXT, responsible_unit TEXT, supervising_unit TEXT, deadline DATE, UNIQUE (issue_id, seq));
CREATE TABLE findings (
  fid INTEGER PRIMARY KEY AUTOINCREMENT, geom GEOMETRY NOT NULL,
  event_key TEXT NOT NULL UNIQUE REFERENCES events (event_key), issue_id TEXT NOT NULL REFERENCES issues (issue_id),
  kind TEXT NOT NULL, object_id TEXT, name TEXT, admin TEXT, responsible_unit TEXT, supervising_unit TEXT,
  deadline DATE, observed DATE NOT NULL, area_m2 DOUBLE, facts TEXT NOT NULL, run_id TEXT NOT NULL,
  input_hash TEXT NOT NULL, source TEXT NOT NULL, before_chip TEXT, after_chip TEXT);
CREATE INDEX findings_by_issue ON findings (issue_id);
CREATE TABLE chips (chip_no INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT NOT NULL UNIQUE, png BLOB NOT NULL);
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('issues', 'features', 'issues', '问题图斑', 4490), ('findings', 'features', 'findings', '历次发现', 4490),
  ('events', 'attributes', 'events', '办理记录', NULL), ('chips', 'attributes', 'chips', '前后影像', NULL),
  ('ledger', 'attributes', 'ledger', '台账版本', NULL);
INSERT INTO gpkg_geometry_columns VALUES
  ('issues', 'geom', 'GEOMETRY', 4490, 0, 0), ('findings', 'geom', 'GEOMETRY', 4490, 0, 0);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER findings_stay BEFORE UPDATE ON findings BEGIN SELECT RAISE(ABORT, 'findings are never changed'); END;
CREATE TRIGGER findings_are_kept BEFORE DELETE ON findings BEGIN SELECT RAISE(ABORT, 'findings are never deleted'); END;
CREATE TRIGGER chips_stay BEFORE UPDATE ON chips BEGIN SELECT RAISE(ABORT, 'chips are never changed'); END;
CREATE TRIGGER chips_are_kept BEFORE DELETE ON chips BEGIN SELECT RAISE(ABORT, 'chips are never deleted'); END;
CREATE TRIGGER issues_are_kept BEFORE DELETE ON issues BEGIN SELECT RAISE(ABORT, 'issues are never deleted'); END;
CREATE TRIGGER issues_follow_events BEFORE UPDATE ON issues
  WHEN NEW.issue_id IS NOT OLD.issue_id OR NEW.kind IS NOT OLD.kind OR NEW.events <= OLD.events
    OR NEW.events IS NOT (SELECT max(seq) FROM events WHERE issue_id = OLD.issue_id)
    OR NEW.state IS NOT (SELECT to_state FROM events WHERE issue_id = OLD.issue_id ORDER BY seq DESC LIMIT 1)
  BEGIN SELECT RAISE(ABORT, 'an issue changes by events only: heshan ledger update'); END;
";

/// Version 2: the runs that findings came from, with their manifests; how far off a place may be.
const V2: &str = "
CREATE TABLE runs (run_no INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL UNIQUE, verb TEXT NOT NULL,
  manifest TEXT NOT NULL, added DATETIME NOT NULL);
INSERT INTO runs (run_id, verb, manifest, added)
  SELECT run_id, '', '', min(recorded) FROM findings JOIN events USING (event_key) GROUP BY run_id ORDER BY min(event_id);
ALTER TABLE issues ADD COLUMN footprint_m DOUBLE NOT NULL DEFAULT 0;
ALTER TABLE findings ADD COLUMN footprint_m DOUBLE NOT NULL DEFAULT 0;
INSERT INTO gpkg_contents (table_name, data_type, identifier, description) VALUES ('runs', 'attributes', 'runs', '运行记录');
CREATE TRIGGER runs_stay BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'runs are never changed'); END;
CREATE TRIGGER runs_are_kept BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;
";

/// Version 3: which scene a chip shows; a layer of issues for each type of geometry, with words for codes, and QGIS's table
/// of styles (as its GeoPackage provider makes it). Geometry in `issues` is WKB behind 8 bytes and in little-endian order:
/// the tenth byte tells the type (1 point, 2 line, 3 polygon, 4 to 6 many of them).
const V3: &str = "
ALTER TABLE chips ADD COLUMN scene TEXT NOT NULL DEFAULT '';
CREATE VIEW issue_areas AS SELECT fid, geom, issue_id, kind, CASE kind WHEN 'corridor' THEN '河道管控范围' WHEN 'reserve' THEN '保护区' WHEN 'change_outside_permit' THEN '越界或无主变化' WHEN 'fire' THEN '火点' WHEN 'restoration_stalled' THEN '修复停滞' WHEN 'terrain' THEN '坑堆未治理' WHEN 'other' THEN '其他' END AS kind_zh,
  state, CASE state WHEN 'found' THEN '发现' WHEN 'assigned' THEN '已交办' WHEN 'rectifying' THEN '整改中' WHEN 'submitted' THEN '已报验' WHEN 'verified' THEN '已核实' WHEN 'closed' THEN '已销号' WHEN 'relapsed' THEN '反弹' WHEN 'dismissed' THEN '不予立案' END AS state_zh,
  name, object_id, admin, responsible_unit, supervising_unit, deadline, found, state_since, last_seen, closed, relapses,
  area_m2 FROM issues WHERE hex(substr(geom, 10, 1)) IN ('03', '06');
CREATE VIEW issue_points AS SELECT fid, geom, issue_id, kind, CASE kind WHEN 'corridor' THEN '河道管控范围' WHEN 'reserve' THEN '保护区' WHEN 'change_outside_permit' THEN '越界或无主变化' WHEN 'fire' THEN '火点' WHEN 'restoration_stalled' THEN '修复停滞' WHEN 'terrain' THEN '坑堆未治理' WHEN 'other' THEN '其他' END AS kind_zh,
  state, CASE state WHEN 'found' THEN '发现' WHEN 'assigned' THEN '已交办' WHEN 'rectifying' THEN '整改中' WHEN 'submitted' THEN '已报验' WHEN 'verified' THEN '已核实' WHEN 'closed' THEN '已销号' WHEN 'relapsed' THEN '反弹' WHEN 'dismissed' THEN '不予立案' END AS state_zh,
  name, object_id, admin, responsible_unit, supervising_unit, deadline, found, state_since, last_seen, closed, relapses,
  area_m2 FROM issues WHERE hex(substr(geom, 10, 1)) IN ('01', '04');
CREATE VIEW issue_lines AS SELECT fid, geom, issue_id, kind, CASE kind WHEN 'corridor' THEN '河道管控范围' WHEN 'reserve' THEN '保护区' WHEN 'change_outside_permit' THEN '越界或无主变化' WHEN 'fire' THEN '火点' WHEN 'restoration_stalled' THEN '修复停滞' WHEN 'terrain' THEN '坑堆未治理' WHEN 'other' THEN '其他' END AS kind_zh,
  state, CASE state WHEN 'found' THEN '发现' WHEN 'assigned' THEN '已交办' WHEN 'rectifying' THEN '整改中' WHEN 'submitted' THEN '已报验' WHEN 'verified' THEN '已核实' WHEN 'closed' THEN '已销号' WHEN 'relapsed' THEN '反弹' WHEN 'dismissed' THEN '不予立案' END AS state_zh,
  name, object_id, admin, responsible_unit, supervising_unit, deadline, found, state_since, last_seen, closed, relapses,
  area_m2 FROM issues WHERE hex(substr(geom, 10, 1)) IN ('02', '05');
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) VALUES
  ('issue_areas', 'features', 'issue_areas', '问题图斑(面)', 4490), ('issue_points', 'features', 'issue_points', '问题点', 4490),
  ('issue_lines', 'features', 'issue_lines', '问题线', 4490), ('layer_styles', 'attributes', 'layer_styles', 'QGIS 样式', NULL);
INSERT INTO gpkg_geometry_columns VALUES
  ('issue_areas', 'geom', 'MULTIPOLYGON', 4490, 0, 0), ('issue_points', 'geom', 'POINT', 4490, 0, 0),
  ('issue_lines', 'geom', 'MULTILINESTRING', 4490, 0, 0);
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
  f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
";

/// What brings a ledger from one version to the next; the first makes it.
const STEPS: [&str; 3] = [V1, V2, V3];

/// Makes an empty file a GeoPackage.
pub(super) fn begin(c: &Connection) -> Done<()> {
    c.pragma_update(None, "application_id", 0x4750_4B47)?;
    c.pragma_update(None, "user_version", 10300)?;
    c.execute_batch(&format!("BEGIN;{CORE}COMMIT;"))
}

/// Version of a ledger; `None` where the file is none.
pub(super) fn version(c: &Connection) -> Done<Option<i64>> {
    let there = c.query_row("SELECT 1 FROM sqlite_master WHERE name = 'ledger'", [], |_| Ok(())).optional()?;
    match there {
        Some(()) => c.query_row("SELECT schema_version FROM ledger", [], |r| r.get(0)).optional(),
        None => Ok(None),
    }
}

/// Brings a ledger to version `to`, in one transaction.
pub(super) fn migrate(c: &mut Connection, to: i64, now: DateTime<Utc>) -> Done<()> {
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // another program may have done it while this one waited
    let from = version(&t)?.unwrap_or(0);
    for n in from..to {
        t.execute_batch(STEPS[n as usize])?;
        let at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        t.execute(
            "INSERT INTO ledger (id, schema_version, created) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET schema_version = excluded.schema_version",
            (n + 1, &at),
        )?;
        // SQLite's own clock stood in the defaults; the same run is to give the same bytes
        t.execute("UPDATE gpkg_contents SET last_change = ?1", [&at])?;
    }
    t.commit()
}

/// Tells GeoPackage readers of the last change. Extents are left open, which they may be: readers look for themselves.
pub(super) fn touch(t: &Transaction<'_>) -> Done<()> {
    t.execute_batch(
        "UPDATE gpkg_contents SET last_change = (SELECT max(recorded) FROM events)
         WHERE table_name IN ('issues', 'findings', 'events') AND EXISTS (SELECT 1 FROM events)",
    )
}

/// Styles for layers that have none; those there are stay.
pub(super) fn dress(c: &mut Connection, styles: &[LayerStyle], now: DateTime<Utc>) -> Done<()> {
    let t = c.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let at = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    for s in styles {
        let [layer, geometry] = &s.layer;
        t.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,
               styleQML, styleSLD, useAsDefault, description, owner, update_time)
             SELECT '', '', ?1, ?2, ?1, ?3, ?4, 1, ?5, '', ?6
             WHERE NOT EXISTS (SELECT 1 FROM layer_styles WHERE f_table_name = ?1)",
            (layer, geometry, &s.style.qml, &s.style.sld, &s.title, &at),
        )?;
    }
    t.commit()
}

/// True where a layer of these has no style.
pub(super) fn is_bare(c: &Connection, styles: &[LayerStyle]) -> Done<bool> {
    let mut s = c.prepare("SELECT 1 FROM layer_styles WHERE f_table_name = ?1")?;
    for style in styles {
        if !s.exists([&style.layer[0]])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What SQLite finds wrong.
pub(super) fn faults(c: &Connection) -> Done<Vec<Text>> {
    let mut out = Vec::new();
    let mut add = |what: String| out.push(Text::new(format!("SQLite: {what}"), format!("SQLite:{what}")));
    let mut s = c.prepare("PRAGMA integrity_check")?;
    for line in s.query_map([], |r| r.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            add(line);
        }
    }
    let mut s = c.prepare("PRAGMA foreign_key_check")?;
    for row in s.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, Option<i64>>(1)?)))? {
        let (table, rowid) = row?;
        add(format!("a row of {table} names another that is not there ({})", rowid.unwrap_or_default()));
    }
    Ok(out)
}
