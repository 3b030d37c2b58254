use super::*;

/// Letters half an em wide.
struct Even;

impl Letters for Even {
    fn width(&self, text: &str, _: Face) -> f64 {
        text.chars().map(|c| if c.is_ascii() { 0.5 } else { 1.0 }).sum()
    }
}

const R: f64 = 6_378_137.0;

/// Web Mercator on the ellipsoid's equatorial radius (EPSG:3857), whose scale grows with latitude.
fn mercator_xy([lon, lat]: [f64; 2]) -> Option<[f64; 2]> {
    Some([R * lon.to_radians(), R * (std::f64::consts::FRAC_PI_4 + 0.5 * lat.to_radians()).tan().ln()])
}

fn mercator_lonlat([x, y]: [f64; 2]) -> Option<[f64; 2]> {
    Some([(x / R).to_degrees(), (2.0 * (y / R).exp().atan() - std::f64::consts::FRAC_PI_2).to_degrees()])
}

fn earth() -> Earth<'static> {
    Earth { lonlat: &mercator_lonlat, xy: &mercator_xy, unit_m: 1.0 }
}

fn composition(layers: &[SheetLayer], scale: Option<f64>) -> Composition<'_> {
    let layout = Layout::new(Paper::A4, true);
    let [x, y] = mercator_xy([106.8, 39.6]).unwrap();
    let extent = [x - 8_000.0, y - 5_000.0, x + 8_000.0, y + 5_000.0];
    let view = View::of(layout.frame, extent, scale, &earth()).unwrap();
    Composition {
        layout,
        view,
        earth: earth(),
        crs: Crs { definition: "EPSG:3857".into(), code: Some("EPSG:3857".into()), name: "m".into() },
        layers,
        grid: GridLines::Both,
        background: None,
        said: Said {
            title: "图".into(),
            crs: Text::new("c", "c"),
            sources: Vec::new(),
            made_by: None,
            made: NaiveDate::default(),
            number: (1, 1),
            lang: Lang::Zh,
        },
    }
}

/// Text and place of every letter, with what it is turned by.
fn letters(marks: &[Mark]) -> Vec<Lettering> {
    let mut out = Vec::new();
    for m in marks {
        match m {
            Mark::Letters(l) => out.push(l.clone()),
            Mark::Inside { marks, .. } => out.extend(letters(marks)),
            _ => {}
        }
    }
    out
}

/// On Web Mercator a metre of the map is cos φ′ of the ground: 1 km at 39.6° N along the parallel is, on GRS 80,
/// N cos φ Δλ with N = a / √(1 − e² sin² φ). By hand: sin 39.6° = 0.637424, e² = 0.00669438, N = 6 386 829.0 m,
/// cos 39.6° = 0.770513: 1 000 m are 2.032051e-4 rad, on the map 1 296.070 m, on paper at 1:50 000 exactly 20 mm.
#[test]
fn the_scale_is_that_of_the_ground() {
    let c = composition(&[], Some(50_000.0));
    assert!((c.view.mm * 1_296.070 - 20.0).abs() < 1e-4, "{}", c.view.mm * 1_296.070);
    let made = sheet(&c, &Even);
    let texts = letters(&made.sheet.drawing.marks);
    assert!(texts.iter().any(|l| l.text == "比例尺 1:50 000"));
    // four parts of 500 m are 10 mm each; from 0 to 2 km are 40 mm
    let at = |t: &str| texts.iter().find(|l| l.text == t && l.turned_deg == 0.0).map(|l| l.at[0]).unwrap();
    assert!((at("2 公里") - at("0") - 40.0).abs() < 1e-9, "{} {}", at("2 公里"), at("0"));
    // one part in 77 over 10 km northwards: no ruler shows it
    assert!(made.deviation < 0.005, "{}", made.deviation);
}

#[test]
fn all_of_what_is_wanted_fits_at_a_round_scale() {
    let c = composition(&[], None);
    let n = c.view.denominator;
    // 16 km of the map are 12.34 km of the ground, on 202 mm: 1:61 000 and a little air
    assert!([75_000.0].contains(&n), "{n}");
    let [x, y] = mercator_xy([106.8, 39.6]).unwrap();
    let b = c.view.bounds;
    assert!(b[0] < x - 8_000.0 && b[2] > x + 8_000.0 && b[1] < y - 5_000.0 && b[3] > y + 5_000.0);
}

#[test]
fn lines_of_the_grid_lie_at_their_coordinates() {
    let c = composition(&[], Some(50_000.0));
    let made = sheet(&c, &Even);
    let texts = letters(&made.sheet.drawing.marks);
    let [left, top, width, height] = c.layout.frame;
    let [x0, y0, x1, y1] = c.view.bounds;
    // the numbers below the map are kilometres of the CRS: each stands where its coordinate is
    let low = |l: &&Lettering| l.at[1] > top + height && l.at[1] < top + height + RIM && l.turned_deg == 0.0;
    let km: Vec<&Lettering> = texts.iter().filter(low).filter(|l| l.text.parse::<f64>().is_ok()).collect();
    assert!(km.len() > 5, "{km:?}");
    for l in &km {
        let x = l.text.parse::<f64>().unwrap() * 1000.0;
        assert!((l.at[0] - (left + (x - x0) / (x1 - x0) * width)).abs() < 1e-9, "{l:?}");
    }
    // meridians of Mercator are upright: 106°46′ stands where its easting is; parallels level
    let degree = |t: &str| texts.iter().find(|l| l.text == t).unwrap_or_else(|| panic!("{t} of {texts:?}"));
    let [x, y] = mercator_xy([106.0 + 46.0 / 60.0, 39.0 + 34.0 / 60.0]).unwrap();
    assert!((degree("106°46′E").at[0] - (left + (x - x0) / (x1 - x0) * width)).abs() < 1e-6);
    assert!((degree("39°34′N").at[1] - (top + (y1 - y) / (y1 - y0) * height)).abs() < 1e-6);
    // grid north is true north on Mercator
    assert!(furniture::convergence(&c).abs() < 1e-9);
}

#[test]
fn labels_do_not_lie_over_each_other_and_what_is_outside_is_counted() {
    let [x, y] = mercator_xy([106.8, 39.6]).unwrap();
    let square = |dx: f64, dy: f64| {
        let r = geo::Rect::new((x + dx, y + dy), (x + dx + 300.0, y + dy + 300.0));
        Geometry::Polygon(r.to_polygon())
    };
    let feature = |i: usize| SheetFeature {
        shape: square(200.0 * (i % 8) as f64, 150.0 * (i / 8) as f64),
        class: None,
        label: Some(format!("甲公司第{i}矿")),
        chosen: true,
    };
    let mut features: Vec<SheetFeature> = (0..64).map(feature).collect();
    features.push(SheetFeature { shape: square(1e6, 0.0), class: None, label: None, chosen: true });
    let layers = [SheetLayer {
        title: Text::new("t", "题"),
        draw: Draw::Fill,
        classes: Vec::new(),
        rest: [200, 0, 0, 100],
        features,
    }];
    let made = sheet(&composition(&layers, Some(50_000.0)), &Even);
    assert_eq!((made.shown, made.outside, made.labelled + made.unlabelled), (64, 1, 64));
    assert!(made.labelled > 3 && made.unlabelled > 10, "{}", made.labelled);
    let texts = letters(&made.sheet.drawing.marks);
    let boxes: Vec<[f64; 4]> = texts
        .iter()
        .filter(|l| l.text.starts_with("甲公司"))
        .map(|l| {
            let w = 0.5 * Even.width(&l.text, l.face) * l.size;
            [l.at[0] - w, l.at[1] - 0.8 * l.size, l.at[0] + w, l.at[1]]
        })
        .collect();
    for (i, a) in boxes.iter().enumerate() {
        for b in &boxes[i + 1..] {
            assert!(a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1], "{a:?} {b:?}");
        }
    }
}
