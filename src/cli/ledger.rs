//! `heshan ledger`.

use chrono::NaiveDate;
use comfy_table::{CellAlignment, Table as Grid, presets};
use serde_json::{Value as Json, json};

use super::args::Shared;
use super::args::ledger::{
    AddArgs, ByArg, ExportArgs, FilterArgs, HistoryArgs, LedgerArgs, LedgerStep, ListArgs, ListFormat, UpdateArgs,
    WhichLedger,
};
use super::progress::Terminal;
use super::{Done, put, run_time, say};
use crate::error::{Error, Lang, Result, Text};
use crate::jobs::ledger::add::{AddOptions, AddSummary, run as add_job};
use crate::jobs::ledger::chips::ChipOptions;
use crate::jobs::ledger::export::{ExportOptions, What as Export, run as export_job};
use crate::jobs::ledger::list::{Grouping, ListOptions, ListSummary, run as list_job};
use crate::jobs::ledger::update::{UpdateOptions, UpdateSummary, What, run as update_job};
use crate::jobs::ledger::{
    Changes, Condition, Filter, History, IssueKind, IssueState, MatchOptions, Origin, Part, Update, check, history,
    history_json, init, list_csv, list_json, parse_day, plain,
};

pub(super) fn run(a: &LedgerArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    match &a.step {
        LedgerStep::Init(a) => {
            let name = located(&a.ledger);
            let made = init(&name, a.keep, run_time()?)?;
            let (en, zh) =
                if made { ("an empty ledger", "已建立空台账") } else { ("there already", "台账已存在") };
            let human = Text::new(format!("{en}: {}", shown(&name)), format!("{zh}:{}", shown(&name)));
            say_done(shared, lang, json!({"ledger": shown(&name), "made": made}), &human)
        }
        LedgerStep::Add(a) => add(a, shared, lang, terminal),
        LedgerStep::Update(a) => update(a, shared, lang),
        LedgerStep::List(a) => list(a, shared, lang),
        LedgerStep::History(a) => show(a, shared, lang),
        LedgerStep::Export(a) => export(a, shared, lang),
        LedgerStep::Check(a) => look(&a.ledger, shared, lang),
    }
}

/// The name of a ledger; what a connection leaves open comes from the environment, as with PostgreSQL's own programs.
pub(super) fn located(l: &WhichLedger) -> String {
    let Some(bare) = l.ledger.strip_prefix("PG:").filter(|b| !b.contains("://")) else { return l.ledger.clone() };
    let (connection, schema) = bare.rsplit_once('#').map_or((bare, None), |(c, s)| (c, Some(s)));
    let mut all = connection.to_owned();
    for (key, variable) in [
        ("host", "PGHOST"),
        ("port", "PGPORT"),
        ("dbname", "PGDATABASE"),
        ("user", "PGUSER"),
        ("password", "PGPASSWORD"),
    ] {
        let said = connection.split_whitespace().any(|w| w.starts_with(&format!("{key}=")));
        if let (false, Ok(v)) = (said, std::env::var(variable)) {
            let v = v.replace('\\', "\\\\").replace('\'', "\\'");
            all = format!("{all} {key}='{v}'");
        }
    }
    format!("PG:{}{}", all.trim(), schema.map(|s| format!("#{s}")).unwrap_or_default())
}

fn shown(ledger: &str) -> String {
    crate::error::without_password(ledger)
}

/// A day as typed, or today.
fn day(typed: Option<&String>) -> Result<NaiveDate> {
    match typed {
        None => Ok(run_time()?.with_timezone(&china()).date_naive()),
        Some(t) => parse_day(t).ok_or_else(|| {
            Error::usage(format!("“{t}” is no date"), format!("“{t}”不是日期"))
                .remedy("write it as 2026-11-30", "请写作 2026-11-30")
        }),
    }
}

/// Days are those of China (UTC+8, the whole country, no summer time), wherever the machine stands.
fn china() -> chrono::FixedOffset {
    const SECONDS: i32 = 8 * 3600;
    chrono::FixedOffset::east_opt(SECONDS).unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc))
}

fn say_done(shared: &Shared, lang: Lang, machine: Json, human: &Text) -> Done {
    if shared.json {
        return put(format!("{machine}\n").as_bytes());
    }
    if shared.quiet { Ok(0) } else { put(format!("{}\n", human.in_lang(lang)).as_bytes()) }
}

fn add(a: &AddArgs, shared: &Shared, lang: Lang, terminal: &Terminal) -> Done {
    let origin = |w: &String| {
        Origin::ALL.into_iter().find(|o| o.as_str() == w).ok_or_else(|| {
            let all = Origin::ALL.map(Origin::as_str).join(", ");
            Error::usage(format!("--from {w} is not known"), format!("--from {w} 无法识别"))
                .remedy(format!("one of: {all}"), format!("可用:{all}"))
        })
    };
    let options = AddOptions {
        ledger: located(&a.ledger),
        findings: a.findings.clone(),
        from: a.from.as_ref().map(origin).transpose()?,
        kind: a.kind.as_ref().map(|k| IssueKind::parse(k)).transpose()?,
        fields: a.fields.iter().map(|f| Part::parse(f)).collect::<Result<_>>()?,
        conditions: a.conditions.iter().map(|c| Condition::parse(c)).collect::<Result<_>>()?,
        distance_m: a.distance,
        manifest: a.run_manifest.clone(),
        chips: ChipOptions {
            folder: a.chips.clone(),
            before: a.before.clone(),
            after: a.after.clone(),
            bands: three_or_one(&a.picture_bands)?,
        },
        date: day(a.date.as_ref())?,
        who: a.by.clone(),
        matching: MatchOptions { share: a.share, tolerance_m: a.tolerance, id_reach_m: a.id_reach },
        input: a.read.options()?,
        strict: shared.strict,
        dry_run: a.dry_run,
        time: run_time()?,
    };
    let done = add_job(&options, terminal);
    terminal.finish();
    let done = done?;
    say::notes(&done.notes, shared, lang);
    if shared.json {
        put(format!("{}\n", added_json(&done, a.dry_run)).as_bytes())?;
    } else if !shared.quiet {
        put(added(&done, a.dry_run, lang).as_bytes())?;
    }
    Ok(u8::from(done.notes.unused() > 0 && !shared.allow_skipped))
}

/// Bands of a picture.
pub(super) fn three_or_one(bands: &[usize]) -> Result<Vec<usize>> {
    if matches!(bands.len(), 0 | 1 | 3) {
        return Ok(bands.to_vec());
    }
    Err(Error::usage("--picture-bands takes one or three bands", "--picture-bands 须为一个或三个波段"))
}

fn added(d: &AddSummary, dry_run: bool, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let f = &d.filed;
    let mut out = match lang {
        Lang::En => format!("{} of {} rows are findings: {}; run {}\n", d.findings, d.rows, d.kind.en(), d.run_id),
        Lang::Zh => format!("共 {} 行,其中 {} 行为问题({});运行 {}\n", d.rows, d.findings, d.kind.zh(), d.run_id),
    };
    let few = |ids: &[String]| match ids.len() {
        0 => String::new(),
        1..=5 => format!("  {}", ids.join(" ")),
        n => format!("  {} … {} ({n})", ids[0], ids[n - 1]),
    };
    for (word, ids) in [
        (t("opened", "新增"), &f.opened),
        (t("seen again", "再次发现"), &f.seen),
        (t("relapsed", "反弹"), &f.relapsed),
        (t("closed since; no relapse", "发现日期早于销号,不算反弹"), &f.before_closing),
        (t("dismissed before; stay so", "此前不予立案,维持"), &f.dismissed),
        (t("open, not found by this run", "未销号而本次未发现"), &f.not_seen),
    ] {
        if !ids.is_empty() {
            out += &format!("{word}: {}{}\n", ids.len(), few(ids));
        }
    }
    if f.known > 0 {
        out += &match lang {
            Lang::En => format!("{} finding(s) were in the ledger already\n", f.known),
            Lang::Zh => format!("{} 条此前已登记,未重复\n", f.known),
        };
    }
    if f.twice > 0 {
        out += &match lang {
            Lang::En => format!("{} row(s) stand in the layer twice and count once\n", f.twice),
            Lang::Zh => format!("图层中有 {} 行重复,只计一次\n", f.twice),
        };
    }
    if dry_run {
        out += &t("nothing was written (--dry-run)\n", "未写入(--dry-run)\n");
    }
    out
}

fn added_json(d: &AddSummary, dry_run: bool) -> Json {
    let f = &d.filed;
    json!({
        "kind": d.kind.as_str(),
        "from": d.from.as_str(),
        "run_id": d.run_id,
        "rows": d.rows,
        "findings": d.findings,
        "opened": f.opened,
        "seen": f.seen,
        "relapsed": f.relapsed,
        "before_closing": f.before_closing,
        "dismissed": f.dismissed,
        "not_seen": f.not_seen,
        "known": f.known,
        "twice": f.twice,
        "written": !dry_run,
        "skipped": d.notes.unused(),
        "warnings": d.notes.warnings.iter().map(|t| t.en.as_str()).collect::<Vec<_>>(),
    })
}

fn update(a: &UpdateArgs, shared: &Shared, lang: Lang) -> Done {
    let date = day(a.date.as_ref())?;
    let what = match (&a.table, &a.issue) {
        (Some(path), _) => What::Table(path.clone()),
        (None, id) => {
            let text = |v: &Option<String>| v.as_deref().map(plain).filter(|s| !s.is_empty());
            let changes = Changes {
                responsible_unit: text(&a.unit),
                supervising_unit: text(&a.supervisor),
                deadline: a.deadline.as_ref().map(|d| day(Some(d))).transpose()?,
                ..Changes::default()
            };
            let to = a.to.as_ref().map(|s| IssueState::parse(s)).transpose()?;
            if to.is_none() && changes.is_empty() && a.why.is_none() {
                return Err(Error::usage("nothing to do was named", "未指定要做什么").remedy(
                    "give --to, --unit, --supervisor, --deadline or --why",
                    "请给出 --to、--unit、--supervisor、--deadline 或 --why",
                ));
            }
            let why = text(&a.why).unwrap_or_default();
            What::One(Update { issue_id: id.clone().unwrap_or_default(), to, date, who: plain(&a.by), why, changes })
        }
    };
    let options = UpdateOptions {
        ledger: located(&a.ledger),
        what,
        date,
        who: a.by.clone(),
        strict: shared.strict,
        time: run_time()?,
    };
    let done = update_job(&options)?;
    say::notes(&done.notes, shared, lang);
    say_done(shared, lang, updated_json(&done), &updated(&done))?;
    Ok(u8::from(done.notes.unused() > 0 && !shared.allow_skipped))
}

fn updated(d: &UpdateSummary) -> Text {
    let (mut en, mut zh) = (String::new(), String::new());
    for s in d.steps.iter().take(20) {
        let (id, a, b) = (&s.issue_id, s.from, s.to);
        if a == b {
            en += &format!("{id}: recorded; still {}\n", a.as_str());
            zh += &format!("{id}:已登记,状态仍为“{}”\n", a.zh());
        } else {
            en += &format!("{id}: {} → {}\n", a.as_str(), b.as_str());
            zh += &format!("{id}:{} → {}\n", a.zh(), b.zh());
        }
    }
    if d.steps.len() > 20 {
        en += &format!("… and {} more\n", d.steps.len() - 20);
        zh += &format!("…… 另有 {} 条\n", d.steps.len() - 20);
    }
    let (n, u, k, s) = (d.steps.len(), d.unchanged, d.known, d.notes.unused());
    Text::new(
        format!("{en}{n} recorded, {u} without a change, {k} recorded before, {s} could not be used"),
        format!("{zh}登记 {n} 条,无变化 {u} 条,此前已登记 {k} 条,无法使用 {s} 条"),
    )
}

fn updated_json(d: &UpdateSummary) -> Json {
    let step = |s: &crate::jobs::ledger::update::Step| json!({"issue_id": s.issue_id, "from": s.from.as_str(), "to": s.to.as_str()});
    json!({
        "steps": d.steps.iter().map(step).collect::<Vec<_>>(),
        "unchanged": d.unchanged,
        "known": d.known,
        "skipped": d.notes.unused(),
    })
}

fn filter(a: &FilterArgs) -> Result<Filter> {
    Ok(Filter {
        states: a.state.iter().map(|s| IssueState::parse(s)).collect::<Result<_>>()?,
        kinds: a.kind.iter().map(|k| IssueKind::parse(k)).collect::<Result<_>>()?,
        units: a.unit.clone(),
        admins: a.admin.clone(),
        open: a.open,
        overdue: a.overdue,
    })
}

fn grouping(by: ByArg) -> Grouping {
    match by {
        ByArg::Mine => Grouping::Mine,
        ByArg::Unit => Grouping::Unit,
        ByArg::Supervising => Grouping::Supervising,
        ByArg::Admin => Grouping::Admin,
        ByArg::Kind => Grouping::Kind,
    }
}

fn list(a: &ListArgs, shared: &Shared, lang: Lang) -> Done {
    let options = ListOptions {
        ledger: located(&a.ledger),
        filter: filter(&a.filter)?,
        day: day(a.filter.date.as_ref())?,
        form: a.form,
        by: a.by.map(grouping),
        each: a.each,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    };
    let done = list_job(&options)?;
    say::notes(&done.notes, shared, lang);
    if a.format == ListFormat::Json || shared.json {
        return put(list_json(&done).as_bytes());
    }
    if a.format == ListFormat::Csv {
        return put(list_csv(&done, lang).as_bytes());
    }
    if shared.quiet { Ok(0) } else { put(listed(&done, options.day, lang).as_bytes()) }
}

fn listed(d: &ListSummary, on: NaiveDate, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    // what fits a terminal; the files hold all columns
    const SHOWN: [&str; 8] =
        ["issue_id", "kind", "state", "name", "responsible_unit", "deadline", "days_over", "days_open"];
    let columns: Vec<usize> =
        SHOWN.iter().filter_map(|n| d.list.columns.iter().position(|c| c.field.name == *n)).collect();
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let titles = d.list.titles(lang);
    g.set_header(columns.iter().map(|&i| titles[i].clone()));
    for i in [6, 7] {
        if let Some(c) = g.column_mut(i) {
            c.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (_, v) in &d.list.rows {
        g.add_row(columns.iter().map(|&i| short(&v[i].to_display())));
    }
    let mut out = if d.list.rows.is_empty() { String::new() } else { format!("{g}\n") };
    out += &match lang {
        Lang::En => format!(
            "{on}: {} of {} issues; {} open, {} of them past their deadline\n",
            d.list.rows.len(),
            d.total,
            d.open,
            d.overdue
        ),
        Lang::Zh => format!(
            "{on}:列出 {} 个(共 {} 个);未销号 {} 个,其中逾期 {} 个\n",
            d.list.rows.len(),
            d.total,
            d.open,
            d.overdue
        ),
    };
    if !d.files.is_empty() {
        out += &t("written:\n", "已写出:\n");
        d.files.iter().for_each(|f| out += &format!("  {}\n", f.display()));
    }
    out
}

/// One line of a few characters, with nothing that a terminal would obey or turn round.
fn short(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !turns(*c)).take(41).collect();
    if line.chars().count() > 40 {
        line.pop();
        line.push('…');
    }
    line
}

fn show(a: &HistoryArgs, shared: &Shared, lang: Lang) -> Done {
    let h = history(&located(&a.ledger), &a.issue)?;
    if shared.json { put(history_json(&h).as_bytes()) } else { put(told(&h, lang).as_bytes()) }
}

fn told(h: &History, lang: Lang) -> String {
    let t = |en: &str, zh: &str| Text::new(en, zh).in_lang(lang).to_owned();
    let i = &h.issue;
    let name = i.name.as_deref().map(short).unwrap_or_default();
    let mut out = format!("{} {} {name}\n", i.issue_id, t(i.kind.en(), i.kind.zh()));
    for (k, v) in [
        (t("responsible unit", "责任单位"), i.responsible_unit.as_deref().map(short)),
        (t("supervising unit", "监管单位"), i.supervising_unit.as_deref().map(short)),
        (t("deadline", "完成时限"), i.deadline.map(|d| d.to_string())),
    ] {
        if let Some(v) = v {
            out += &format!("{k}: {v}\n");
        }
    }
    let mut g = Grid::new();
    g.load_style(presets::UTF8_HORIZONTAL_ONLY);
    g.set_header([t("no.", "序号"), t("day", "日期"), t("state", "状态"), t("who", "经办人"), t("why", "说明")]);
    for e in &h.events {
        let state = match e.from {
            Some(from) if from != e.to => format!("{} → {}", t(from.as_str(), from.zh()), t(e.to.as_str(), e.to.zh())),
            None => t(e.to.as_str(), e.to.zh()),
            Some(_) => format!("{} ({})", t(e.to.as_str(), e.to.zh()), t(e.action.as_str(), e.action.zh())),
        };
        g.add_row([e.seq.to_string(), e.date.to_string(), state, short(&e.who), short(&e.why)]);
    }
    out + &format!("{g}\n")
}

fn export(a: &ExportArgs, shared: &Shared, lang: Lang) -> Done {
    let what = match &a.issue {
        Some(id) => Export::History(id.clone()),
        None => Export::Issues(filter(&a.filter)?),
    };
    let options = ExportOptions {
        ledger: located(&a.ledger),
        what,
        day: day(a.filter.date.as_ref())?,
        output: a.output.clone(),
        overwrite: shared.overwrite,
        lang,
        time: run_time()?,
    };
    let done = export_job(&options)?;
    say::notes(&done.notes, shared, lang);
    let files: Vec<String> = done.files.iter().map(|f| f.display().to_string()).collect();
    let list = files.iter().map(|f| format!("  {f}")).collect::<Vec<_>>().join("\n");
    let n = done.issues;
    let human = Text::new(format!("{n} issue(s) written:\n{list}"), format!("已写出 {n} 个问题:\n{list}"));
    say_done(shared, lang, json!({"issues": n, "files": files}), &human)
}

fn look(l: &WhichLedger, shared: &Shared, lang: Lang) -> Done {
    let faults = check(&located(l))?;
    if let Some(first) = faults.first() {
        let n = faults.len();
        let list = |lang| faults.iter().take(20).map(|f| format!("\n  {}", f.in_lang(lang))).collect::<String>();
        return Err(Error::input(
            format!("the ledger has {n} fault(s): {}{}", first.en, if n > 1 { list(Lang::En) } else { String::new() }),
            format!("台账有 {n} 处错误:{}{}", first.zh, if n > 1 { list(Lang::Zh) } else { String::new() }),
        )
        .in_file(&l.ledger)
        .remedy("go back to a copy", "请恢复备份"));
    }
    let sound = Text::new(format!("{}: sound", shown(&l.ledger)), format!("{}:完好", shown(&l.ledger)));
    say_done(shared, lang, json!({"faults": 0}), &sound)
}
