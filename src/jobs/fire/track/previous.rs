//! What an earlier run of `fire track` left: the track of each detection, and former identifiers.

use std::path::Path;

use chrono::DateTime;

use crate::analysis::fire::tracks::{Alias, Fate};
use crate::error::{Error, Result};
use crate::model::{Feature, FireId, Layer};
use crate::read::vector::{ReadOptions, SourceName, layer};

#[derive(Debug, Default)]
pub(super) struct Before {
    /// Detection and track.
    pub members: Vec<(FireId, FireId)>,
    pub aliases: Vec<Alias>,
}

pub(super) fn read(path: &Path) -> Result<Before> {
    let open = |name: &str| {
        let name = SourceName { path: path.to_path_buf(), layer: Some(name.to_owned()) };
        layer(&name, &ReadOptions::default())
    };
    let (members, aliases) = (open("fire_members")?, open("fire_aliases")?);
    let pair = |l: &Layer, f: &Feature, a: &str, b: &str| Some((id(l, f, a)?, id(l, f, b)?));
    let unread = |l: &Layer, f: &Feature| {
        Error::input("a row of the former tracks is not understood", "原有火情数据的一行无法识别")
            .in_file(path)
            .in_layer(&l.info.name)
            .at_feature(f.fid)
            .remedy("run without --update to track anew", "不用 --update 重新生成")
    };
    let mut out = Before::default();
    for f in &members.features {
        out.members.push(pair(&members, f, "fire_id", "track_id").ok_or_else(|| unread(&members, f))?);
    }
    for f in &aliases.features {
        let (old, new) = pair(&aliases, f, "old_id", "track_id").ok_or_else(|| unread(&aliases, f))?;
        let fate = word(&aliases, f, "fate");
        let fate = [Fate::Renamed, Fate::Merged, Fate::Split].into_iter().find(|x| fate.as_deref() == Some(x.as_str()));
        let noticed = word(&aliases, f, "noticed").and_then(|t| DateTime::parse_from_rfc3339(&t).ok());
        let (Some(fate), Some(noticed)) = (fate, noticed) else { return Err(unread(&aliases, f)) };
        out.aliases.push(Alias { old, new, fate, noticed: noticed.to_utc() });
    }
    Ok(out)
}

fn word(l: &Layer, f: &Feature, name: &str) -> Option<String> {
    f.values.get(l.info.schema.position(name)?)?.as_text().map(str::to_owned)
}

fn id(l: &Layer, f: &Feature, name: &str) -> Option<FireId> {
    FireId::parse(&word(l, f, name)?)
}
