//! Accounts to rows: uncertainty, form, verdict.

use super::{Measured, SideFigures, Stable, Swept, TerrainOptions, TerrainRow};
use crate::analysis::terrain::account::{Account, Side};
use crate::analysis::terrain::cover::Outline;
use crate::analysis::terrain::uncertainty::volume_error;
use crate::analysis::terrain::verdict::{Form, verdict};
use crate::error::Text;
use crate::jobs::Notes;
use crate::jobs::polygons::Plot;
use crate::model::Observed;

pub(super) fn rows(
    o: &TerrainOptions,
    plots: &[Plot],
    outlines: &[Outline],
    swept: &Swept,
    stable: &Stable,
    t: f64,
    notes: &mut Notes,
) -> Vec<TerrainRow> {
    let mut out = Vec::new();
    for (((p, outline), a), rims) in plots.iter().zip(outlines).zip(&swept.accounts).zip(&swept.rims) {
        let share = if outline.cells() > 0.0 { (a.cells / outline.cells()).clamp(0.0, 1.0) } else { 0.0 };
        let error = volume_error(a.area_m2, a.squares_m4, &stable.noise, stable.systematic_m);
        let half_m3 = t * error.total_m3();
        let form = Form::of(p.site.kind, a, &o.verdict);
        let v = verdict(form, a, 1.0 - share, half_m3, &o.verdict);
        let measured = if a.cells == 0.0 {
            let text = Text::new(
                "no cell of it was observed on both dates: no volume, no verdict",
                "范围内两期均无有效高程:不给出方量与判定",
            );
            notes.skipped.push(p.aside("no_heights", text));
            Observed::No("no cell was observed on both dates")
        } else {
            let side = |i: usize| figures(&a.sides[i], rims[i].is_some(), o.slope_limits_deg.len() + 1);
            Observed::Yes(Box::new(Measured {
                net_m3: a.net_m3,
                sd_m3: [error.total_m3(), error.uncorrelated_m3, error.correlated_m3, error.systematic_m3],
                half_m3,
                fill_m3: a.fill_m3,
                cut_m3: a.cut_m3,
                fill_lod_m3: a.fill_lod_m3,
                cut_lod_m3: a.cut_lod_m3,
                form: form.as_str(),
                sides: [side(0), side(1)],
            }))
        };
        out.push(TerrainRow {
            site: p.site.clone(),
            area: p.area,
            observed_pct: 100.0 * share,
            measured,
            verdict: v.code,
            words: v.text,
        });
    }
    partly(plots, &swept.accounts, &out, notes);
    out
}

fn figures(s: &Side, rim: bool, classes: usize) -> SideFigures {
    SideFigures {
        depth_m: s.depth_m(),
        below_m3: rim.then_some(s.below_m3),
        height_m: s.height_m(),
        above_m3: rim.then_some(s.above_m3),
        slope_deg: s.mean_slope_deg(),
        slope_pct: (0..classes).map(|c| s.slope_share(c).map(|x| 100.0 * x)).collect(),
    }
}

/// Volumes of polygons with gaps count what was observed alone.
fn partly(plots: &[Plot], accounts: &[Account], rows: &[TerrainRow], notes: &mut Notes) {
    let gaps = |r: &&TerrainRow| r.observed_pct < 99.9;
    let n = rows.iter().zip(accounts).filter(|(r, a)| a.cells > 0.0 && gaps(r)).count();
    if n > 0 {
        let all = plots.len();
        notes.warnings.push(Text::new(
            format!("{n} of {all} polygons were not observed whole on both dates: their volumes count the observed part alone (column observed_pct)"),
            format!("{all} 个多边形中有 {n} 个两期高程不全:方量只计有效部分(见“两期有效面积”)"),
        ));
    }
}

/// How the DEMs were brought together, in words.
pub(super) fn settings(o: &TerrainOptions, s: &Stable, lod_m: f64, t: f64) -> Vec<(Text, String)> {
    let mut out = vec![
        (Text::new("earlier DEM", "前期 DEM"), o.before.display().to_string()),
        (Text::new("later DEM", "后期 DEM"), o.after.display().to_string()),
        (Text::new("cells of stable ground looked at", "稳定地面像元数"), s.cells.to_string()),
    ];
    if let Some(f) = &s.shift {
        let [e, n] = f.metres;
        out.push((
            Text::new("shift found, east and north (m)", "测得水平偏移,东、北(米)"),
            format!("{e:.3}, {n:.3} (± {:.3})", f.error_m),
        ));
    }
    let moved = if s.moved == [0.0, 0.0] { "–".to_owned() } else { format!("{:.3}, {:.3}", s.moved[0], s.moved[1]) };
    let n = &s.noise;
    out.extend([
        (Text::new("shift taken off (cells; bilinear)", "已改正水平偏移(像元;双线性)"), moved),
        (Text::new("vertical bias found (m)", "测得高程偏差(米)"), format!("{:.4}", s.bias_m)),
        (Text::new("vertical bias taken off (m)", "已改正高程偏差(米)"), format!("{:.4}", s.taken_m)),
        (Text::new("NMAD of the difference (m)", "高差 NMAD(米)"), format!("{:.4}", s.nmad_m)),
        (Text::new("uncorrelated part (m)", "不相关误差(米)"), format!("{:.4}", n.uncorrelated_m2.sqrt())),
        (Text::new("correlated part (m)", "空间相关误差(米)"), format!("{:.4}", n.correlated_m2.sqrt())),
        (Text::new("correlation length (m)", "相关长度(米)"), format!("{:.1}", n.range_m)),
        (Text::new("systematic part (m)", "系统误差(米)"), format!("{:.4}", s.systematic_m)),
        (Text::new("confidence, t", "置信水平,t"), format!("{}, {t:.3}", o.confidence)),
        (Text::new("level of detection (m)", "检测限(米)"), format!("{lod_m:.4}")),
    ]);
    out
}
