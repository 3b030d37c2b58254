//! `heshan sample`.

use serde_json::json;

use super::args::{SampleArgs, Shared};
use super::progress::Terminal;
use super::{Done, put};
use crate::error::Lang;
use crate::jobs::sample::{SampleOptions, SampleSummary, run as job};

pub(super) fn run(a: &SampleArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let options = SampleOptions { dir: a.dir.clone(), seed: a.seed, overwrite: shared.overwrite };
    let done = job(&options, terminal);
    terminal.finish();
    let done = done?;
    if shared.json {
        let files: Vec<String> = done.files.iter().map(|f| f.display().to_string()).collect();
        return put(format!("{}\n", json!({"sites": done.sites, "files": files})).as_bytes());
    }
    if shared.quiet { Ok(0) } else { put(human(&done, lang).as_bytes()) }
}

fn human(d: &SampleSummary, lang: Lang) -> String {
    let mut out = match lang {
        Lang::En => format!("sample project: {} made-up sites on the real Yellow River\nwritten:\n", d.sites),
        Lang::Zh => format!("示例项目:真实的黄河,虚构的图斑 {} 个\n已写出:\n", d.sites),
    };
    for f in &d.files {
        out += &format!("  {}\n", f.display());
    }
    out += match lang {
        Lang::En => "README.md there says what is real, what is made up, and which answers to expect\n",
        Lang::Zh => "其中 README.md 说明哪些是真实数据、哪些是虚构,以及应得的结果\n",
    };
    out
}
