//! Is the big pit still a big pit, is the dirt hill still a hill: the verdict in words, from figures and limits that
//! stand in [`VerdictOptions`].

use super::account::{Account, Side};
use crate::error::Text;
use crate::model::Kind;

/// The limits of the verdict. They are working values, set where no standard says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VerdictOptions {
    /// A hollow less deep below its rim is no pit, metres.
    pub pit_depth_m: f64,
    /// A body less high above its rim is no dump, metres.
    pub dump_height_m: f64,
    /// Share of the volume that must have gone (or come) for the form to count as changed.
    pub changed: f64,
    /// Share of the area steeper than the last limit of slope up to which a dump counts as reshaped.
    pub steep: f64,
    /// Share of the polygon that may be unobserved.
    pub unobserved: f64,
}

impl Default for VerdictOptions {
    fn default() -> Self {
        Self { pit_depth_m: 5.0, dump_height_m: 5.0, changed: 0.2, steep: 0.05, unobserved: 0.2 }
    }
}

/// What a polygon is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A hollow.
    Pit,
    /// A body.
    Dump,
    /// Neither.
    Level,
}

impl Form {
    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pit => "pit",
            Self::Dump => "dump",
            Self::Level => "level",
        }
    }

    /// By the kind of the site; by what the ground looks like where the kind leaves it open (the larger of hollow and
    /// body, before or after, if it is deep or high enough).
    pub fn of(kind: Kind, a: &Account, o: &VerdictOptions) -> Self {
        match kind {
            Kind::OpenPit => Self::Pit,
            Kind::WasteDump | Kind::GanguePile => Self::Dump,
            _ => {
                let (deep, high) = (|s: &Side| s.depth_m().unwrap_or(0.0), |s: &Side| s.height_m().unwrap_or(0.0));
                let pit = a.sides.iter().any(|s| deep(s) >= o.pit_depth_m);
                let dump = a.sides.iter().any(|s| high(s) >= o.dump_height_m);
                let (below, above) =
                    a.sides.iter().fold((0.0f64, 0.0f64), |m, s| (m.0.max(s.below_m3), m.1.max(s.above_m3)));
                match (pit, dump) {
                    (true, false) => Self::Pit,
                    (false, true) => Self::Dump,
                    (true, true) if below >= above => Self::Pit,
                    (true, true) => Self::Dump,
                    (false, false) => Self::Level,
                }
            }
        }
    }
}

/// A verdict: a stable code, and words with the figures behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Name in files.
    pub code: &'static str,
    /// For people.
    pub text: Text,
}

/// The verdict on a polygon. `unobserved` is the share of it without heights on both dates, `error_m3` what a change of
/// volume must exceed (t standard deviations).
pub fn verdict(form: Form, a: &Account, unobserved: f64, error_m3: f64, o: &VerdictOptions) -> Verdict {
    if a.cells == 0.0 {
        return of("unobserved", "no cell was observed on both dates", "两期均无有效高程,无法判定");
    }
    if unobserved > o.unobserved {
        let p = 100.0 * unobserved;
        return of(
            "unobserved",
            format!("{p:.0} % of it was not observed on both dates; no verdict"),
            format!("{p:.0}% 的面积两期高程不全,不作判定"),
        );
    }
    match form {
        Form::Pit => pit(a, error_m3, o),
        Form::Dump => dump(a, error_m3, o),
        Form::Level => of("level", "no pit and no dump, before or after", "两期均无明显采坑或堆体"),
    }
}

fn of(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Verdict {
    Verdict { code, text: Text::new(en, zh) }
}

fn no_rim() -> Verdict {
    of("no_rim", "no height is known along its outline: no rim to measure from", "边界线上没有高程,无法确定坑沿或坡脚")
}

fn pit(a: &Account, error_m3: f64, o: &VerdictOptions) -> Verdict {
    let [before, after] = &a.sides;
    let (Some(d0), Some(d1)) = (before.depth_m(), after.depth_m()) else { return no_rim() };
    let (v0, v1) = (before.below_m3, after.below_m3);
    let figures_en =
        format!("{d1:.1} m below its rim ({d0:.1} m before), {} of hollow left ({} before)", en(v1), en(v0));
    let figures_zh = format!("低于坑沿 {d1:.1} 米(原 {d0:.1} 米),剩余容积 {}(原 {})", zh(v1), zh(v0));
    let say = |code, e: &str, z: &str| of(code, format!("{e}: {figures_en}"), format!("{z}:{figures_zh}"));
    let sure = (v0 - v1).abs() > error_m3;
    let (was, is) = (d0 >= o.pit_depth_m, d1 >= o.pit_depth_m);
    let share = if v0 > 0.0 { (v0 - v1) / v0 } else { 0.0 };
    match (was, is) {
        (false, false) => say("no_pit", "no pit before and none now", "原无大坑,现亦无"),
        (false, true) => say("new_pit", "a pit that was not there before", "新增大坑"),
        (true, false) => say("filled", "the pit is filled", "大坑已填平"),
        (true, true) if sure && share >= o.changed => {
            say("partly_filled", "partly filled, still a pit", "部分回填,仍是大坑")
        }
        (true, true) if sure && share <= -o.changed => say("deeper", "the pit has grown", "大坑扩大加深"),
        (true, true) => say("still_pit", "the big pit is still a big pit", "大坑还是大坑"),
    }
}

fn dump(a: &Account, error_m3: f64, o: &VerdictOptions) -> Verdict {
    let [before, after] = &a.sides;
    let (Some(h0), Some(h1)) = (before.height_m(), after.height_m()) else { return no_rim() };
    let (v0, v1) = (before.above_m3, after.above_m3);
    let last = after.slope_m2.len().saturating_sub(1);
    let steep = [before, after].map(|s| s.slope_share(last).unwrap_or(0.0));
    let [s0, s1] = steep.map(|s| 100.0 * s);
    let figures_en = format!(
        "{h1:.1} m above its foot ({h0:.1} m before), {} left ({} before), {s1:.0} % too steep ({s0:.0} % before)",
        en(v1),
        en(v0)
    );
    let figures_zh =
        format!("高出坡脚 {h1:.1} 米(原 {h0:.1} 米),堆体 {}(原 {}),过陡坡面 {s1:.0}%(原 {s0:.0}%)", zh(v1), zh(v0));
    let say = |code, e: &str, z: &str| of(code, format!("{e}: {figures_en}"), format!("{z}:{figures_zh}"));
    let sure = (v0 - v1).abs() > error_m3;
    let (was, is) = (h0 >= o.dump_height_m, h1 >= o.dump_height_m);
    let share = if v0 > 0.0 { (v0 - v1) / v0 } else { 0.0 };
    match (was, is) {
        (false, false) => say("no_dump", "no dump before and none now", "原无土山,现亦无"),
        (false, true) => say("new_dump", "a dump that was not there before", "新增土山"),
        (true, false) => say("levelled", "the hill is levelled", "土山已削平"),
        (true, true) if sure && share >= o.changed => say("lowered", "cut down, still a hill", "已削减,仍是土山"),
        (true, true) if sure && share <= -o.changed => say("higher", "the hill has grown", "土山增大"),
        (true, true) if steep[0] > o.steep && steep[1] <= o.steep => {
            say("reshaped", "the hill stands, its slopes were reshaped", "土山仍在,边坡已整形")
        }
        (true, true) => say("still_dump", "the dirt hill is still a hill", "土山还是土山"),
    }
}

fn en(m3: f64) -> String {
    if m3.abs() >= 1e6 { format!("{:.2} million m³", m3 / 1e6) } else { format!("{m3:.0} m³") }
}

fn zh(m3: f64) -> String {
    if m3.abs() >= 1e4 { format!("{:.2} 万立方米", m3 / 1e4) } else { format!("{m3:.0} 立方米") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::terrain::Heights;
    use crate::analysis::terrain::account::AccountOptions;
    use crate::analysis::terrain::cover::Outline;
    use crate::analysis::terrain::ground::Ground;
    use crate::analysis::terrain::rim::{Rim, RimForm};
    use crate::model::{Grid, Window};
    use geo::polygon;

    /// Level ground at 0 outside, `before` and `after` inside a square of 20 × 20 cells of 10 m.
    fn account(before: f32, after: f32) -> Account {
        let window = Window { col: 0, row: 0, width: 30, height: 30 };
        let grid = Grid { transform: [0.0, 10.0, 0.0, 0.0, 0.0, -10.0], width: 30, height: 30, crs: None };
        let field = |inside: f32| Heights {
            window,
            z: (0..900)
                .map(|i| if (6..24).contains(&(i % 30)) && (6..24).contains(&(i / 30)) { inside } else { 0.0 })
                .collect(),
        };
        let p = polygon![(x: 50.0, y: -50.0), (x: 250.0, y: -50.0), (x: 250.0, y: -250.0), (x: 50.0, y: -250.0)];
        let outline = Outline::new(&geo::MultiPolygon(vec![p]), &grid).unwrap();
        let rim = Rim::through(&[([0.0, 0.0], 0.0)], RimForm::Median).unwrap();
        let o = AccountOptions { lod_m: 0.5, slope_limits_deg: vec![25.0, 35.0] };
        let g = Ground::of(&grid, Some(1.0)).unwrap();
        let cover = outline.cover(&grid, window);
        Account::of(&cover, [&field(before), &field(after)], &g, [Some(&rim), Some(&rim)], &o)
    }

    #[test]
    fn pits_and_dumps_in_words() {
        let o = VerdictOptions::default();
        let say = |b, a, form| verdict(form, &account(b, a), 0.0, 1000.0, &o);
        for (b, a, code) in [
            (-40.0, -39.0, "still_pit"),
            (-40.0, -20.0, "partly_filled"),
            (-40.0, -2.0, "filled"),
            (-40.0, -60.0, "deeper"),
            (-2.0, -12.0, "new_pit"),
            (-1.0, 0.0, "no_pit"),
        ] {
            assert_eq!(say(b, a, Form::Pit).code, code);
        }
        for (b, a, code) in
            [(30.0, 29.0, "still_dump"), (30.0, 20.0, "lowered"), (30.0, 1.0, "levelled"), (30.0, 40.0, "higher")]
        {
            assert_eq!(say(b, a, Form::Dump).code, code);
        }
        let t = say(-40.0, -20.0, Form::Pit).text;
        // 18 × 18 cells of 100 m²: 32,400 m² × 40 m and × 20 m; the depth is read to a tenth of a metre
        assert_eq!(t.zh, "部分回填,仍是大坑:低于坑沿 20.1 米(原 40.1 米),剩余容积 64.80 万立方米(原 129.60 万立方米)");
        // a change within its uncertainty is none
        assert_eq!(verdict(Form::Pit, &account(-40.0, -20.0), 0.0, 1e9, &o).code, "still_pit");
        assert_eq!(verdict(Form::Pit, &account(-40.0, -20.0), 0.5, 1.0, &o).code, "unobserved");
        assert_eq!(verdict(Form::Pit, &Account::default(), 0.0, 1.0, &o).code, "unobserved");
    }

    #[test]
    fn the_form_by_kind_and_by_sight() {
        let o = VerdictOptions::default();
        assert_eq!(Form::of(Kind::OpenPit, &account(9.0, 9.0), &o), Form::Pit);
        assert_eq!(Form::of(Kind::Mine, &account(-9.0, 1.0), &o), Form::Pit);
        assert_eq!(Form::of(Kind::Other, &account(9.0, 1.0), &o), Form::Dump);
        assert_eq!(Form::of(Kind::Other, &account(1.0, -1.0), &o), Form::Level);
    }
}
