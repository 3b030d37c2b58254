//! Field names of a shapefile: 10 bytes at most, told apart, the same every time.

/// Short forms of our own names that cutting would make unreadable.
const SHORT: [(&str, &str); 16] = [
    ("responsible_unit", "resp_unit"),
    ("supervising_unit", "superv_uni"),
    ("river_class", "riv_class"),
    ("chainage_km", "chain_km"),
    ("zone_dist_m", "zone_dist"),
    ("zone_overlap_m2", "zone_m2"),
    ("zone_overlap_pct", "zone_pct"),
    ("score_distance", "sc_dist"),
    ("score_river_class", "sc_class"),
    ("score_kind", "sc_kind"),
    ("score_inside", "sc_inside"),
    ("score_zone", "sc_zone"),
    ("overlap_pct", "overl_pct"),
    ("overlap_m2", "overl_m2"),
    ("distance_m", "distance_m"),
    ("min_dist_m", "min_dist_m"),
];

/// Short names for `names`, in order; `bytes` counts a text's bytes in the file's encoding.
pub(super) fn short(names: &[&str], bytes: impl Fn(&str) -> usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let wish = SHORT.iter().find(|(n, _)| n == name).map_or_else(|| distance_name(name), |(_, s)| (*s).to_owned());
        let mut candidate = cut(&wish, 10, &bytes);
        let mut n = 1;
        while out.iter().any(|o| o.eq_ignore_ascii_case(&candidate)) {
            let suffix = format!("_{n}");
            candidate = cut(&wish, 10 - suffix.len(), &bytes) + &suffix;
            n += 1;
        }
        out.push(candidate);
    }
    out
}

/// `relation_3000` → `rel_3000`, `inside_3000_m2` → `in3000_m2`.
fn distance_name(name: &str) -> String {
    if let Some(d) = name.strip_prefix("relation_") {
        return format!("rel_{d}");
    }
    let inside = name.strip_prefix("inside_").and_then(|r| r.rsplit_once('_'));
    match inside {
        Some((d, unit)) if d.starts_with(|c: char| c.is_ascii_digit()) => format!("in{d}_{unit}"),
        _ => name.to_owned(),
    }
}

fn cut(name: &str, max: usize, bytes: &impl Fn(&str) -> usize) -> String {
    let mut s = name.to_owned();
    while bytes(&s) > max {
        s.pop();
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_bytes_told_apart() {
        let got = short(
            &[
                "site_id",
                "responsible_unit",
                "inside_3000_m2",
                "inside_3000_pct",
                "relation_3000",
                "a_long_name_1",
                "a_long_name_2",
                "完成时限日期",
            ],
            str::len,
        );
        assert_eq!(
            got,
            ["site_id", "resp_unit", "in3000_m2", "in3000_pct", "rel_3000", "a_long_nam", "a_long_n_1", "完成时"]
        );
    }
}
