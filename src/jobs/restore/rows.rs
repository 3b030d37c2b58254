//! Series to rows.

use super::looks::Series;
use super::{RestoreOptions, RestoreRow, Values};
use crate::analysis::restoration::{Look, Month, State, grade, months, progress};
use crate::analysis::trend::{Trend, date_of};
use crate::error::{Error, Result, Text};
use crate::jobs::Notes;
use crate::report::restore::{Line, MonthFigures, StateFigures};

pub(super) fn rows(o: &RestoreOptions, s: &Series, notes: &mut Notes) -> Result<Vec<RestoreRow>> {
    let mut out = Vec::new();
    for ((p, looks), ring) in s.plots.iter().zip(&s.looks).zip(&s.rings) {
        let target = p.number.or(o.target);
        if let Some(t) = p.number.filter(|t| !(0.0..=1.0).contains(t)) {
            let (file, layer, fid) = &p.from;
            return Err(Error::input(
                format!("its target {t} does not lie between 0 and 1"),
                format!("其目标值 {t} 不在 0 与 1 之间"),
            )
            .in_file(file)
            .in_layer(layer.as_str())
            .at_feature(*fid)
            .remedy("targets are shares: 0.4 for 40 %", "目标为 0–1 的比例:40% 写作 0.4"));
        }
        let progress = progress(looks, &o.progress);
        let (grade, words) = grade(&progress, target, &o.progress.rules);
        if progress.looks.0 == 0 {
            notes.skipped.push(p.aside("not_observed", words.clone()));
        }
        let clear = |l: &Look| Some((date_of(l.day)?, l.unit?));
        let span = looks.first().zip(looks.last()).and_then(|(a, b)| date_of(a.day).zip(date_of(b.day)));
        out.push(RestoreRow {
            site: p.site.clone(),
            area: p.area,
            grade: (grade.as_str(), grade.text()),
            words,
            target,
            ring_drawn: *ring > 0.0,
            before: progress.before.map(state),
            now: progress.now.map(state),
            trend: progress.trend.ok().map(line),
            relative: progress.relative.ok().map(line),
            looks: progress.looks,
            last: progress.last,
            span,
            clear: looks.iter().filter_map(clear).collect(),
            months: months(looks).into_iter().map(month).collect(),
        });
    }
    let none = out.iter().filter(|r| o.ring.is_some() && !r.ring_drawn).count();
    if none > 0 {
        notes.warnings.push(Text::new(
            format!("{none} unit(s) have no ring: other units and excluded ground cover all around them; widen it with --ring"),
            format!("{none} 个单元周边全被其他单元或排除范围占满,没有参照环;可用 --ring 加宽"),
        ));
    }
    Ok(out)
}

fn state(s: State) -> StateFigures {
    let State { years, looks, unit, ring, bare, water } = s;
    StateFigures { years: (years.from, years.to), looks, unit, ring, bare, water }
}

fn line(t: Trend) -> Line {
    Line { slope: t.slope, p: t.test.p, start: t.intercept }
}

fn month(m: Month) -> MonthFigures {
    let Month { year, month, unit, ring, clear, dates } = m;
    MonthFigures { year, month, unit, ring, clear, dates }
}

/// What the values rest on, in words.
pub(super) fn settings(o: &RestoreOptions) -> Vec<(Text, String)> {
    let p = &o.progress;
    let r = &p.rules;
    let mut out = vec![
        (Text::new("scenes", "影像数"), o.scenes.len().to_string()),
        (
            Text::new("values", "数据"),
            match o.values {
                Values::Bands => "NDVI → FVC".into(),
                Values::Ndvi(k) => format!("NDVI × {k} → FVC"),
                Values::Cover(k) => format!("FVC × {k}"),
            },
        ),
        (Text::new("NDVI of soil, of full cover", "裸土 NDVI、全植被 NDVI"), format!("{}, {}", o.ends.0, o.ends.1)),
        (Text::new("season (months)", "生长季(月)"), format!("{}–{}", p.season.from, p.season.to)),
    ];
    if let Some(g) = &o.ring {
        out.push((Text::new("ring: width, gap (m)", "参照环:宽度、间隔(米)"), format!("{}, {}", g.width_m, g.gap_m)));
    }
    let line = |en: &str, zh: &str, v: f64| (Text::new(en, zh), v.to_string());
    out.extend([
        line("change of cover that counts", "计为变化的覆盖度差", r.change),
        line("level of the test", "显著性水平", r.level),
        line("share of the ring's cover that is as good", "视同参照的比例", r.reference_share),
        line("seasons over which a unit must gain", "判断停滞的年数", f64::from(r.stall_years)),
        line("gain below which it has stalled", "停滞增量界限", r.stall_gain),
        line("cover below which a pixel is bare", "裸地覆盖度界限", r.bare),
        line("share that must be clear", "有效观测所需比例", r.clear),
    ]);
    out
}
