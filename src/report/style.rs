//! Styles of layers: QGIS's QML and OGC's SLD 1.0 from one description.

use std::fmt::Write as _;

use crate::error::{Lang, Text};
use crate::model::Style;

/// How a class of features looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// Value of the class's field; empty for all.
    pub value: String,
    /// Legend.
    pub label: Text,
    /// Fill or line colour, red, green, blue, opacity 0–255.
    pub rgba: [u8; 4],
    /// Outline or line width, or diameter of a point, in millimetres.
    pub width_mm: f64,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Lines.
    Line,
    /// Polygons with an outline.
    Fill,
    /// Polygons' outline alone.
    Outline,
    /// Points as circles.
    Point,
}

/// A style by classes of `field`; one symbol for all where `field` is `None`.
pub fn style(name: &str, draw: Draw, field: Option<&str>, symbols: &[Symbol], lang: Lang) -> Style {
    Style { qml: qml(draw, field, symbols, lang), sld: sld(name, draw, field, symbols, lang) }
}

/// The style with titles for the names of fields (field, title), which QGIS shows in tables and forms.
pub fn aliased(style: Style, titles: &[(String, String)]) -> Style {
    let mut s = String::from(" <aliases>\n");
    for (i, (field, title)) in titles.iter().enumerate() {
        let _ = writeln!(s, "  <alias field=\"{}\" index=\"{i}\" name=\"{}\"/>", escape(field), escape(title));
    }
    s += " </aliases>\n</qgis>";
    Style { qml: style.qml.replace("</qgis>", &s).replace("\"Symbology\"", "\"Symbology|Fields\""), sld: style.sld }
}

fn qml(draw: Draw, field: Option<&str>, symbols: &[Symbol], lang: Lang) -> String {
    let mut s = String::from(
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.22.16\" styleCategories=\"Symbology\">\n",
    );
    match field {
        Some(f) => {
            let _ = writeln!(
                s,
                " <renderer-v2 type=\"categorizedSymbol\" attr=\"{}\" forceraster=\"0\" enableorderby=\"0\">\n  <categories>",
                escape(f)
            );
            for (i, y) in symbols.iter().enumerate() {
                let _ = writeln!(
                    s,
                    "   <category value=\"{}\" symbol=\"{i}\" label=\"{}\" render=\"true\" type=\"string\"/>",
                    escape(&y.value),
                    escape(y.label.in_lang(lang))
                );
            }
            s += "  </categories>\n";
        }
        None => s += " <renderer-v2 type=\"singleSymbol\" forceraster=\"0\" enableorderby=\"0\">\n",
    }
    s += "  <symbols>\n";
    for (i, y) in symbols.iter().enumerate() {
        let (kind, class) = match draw {
            Draw::Line => ("line", "SimpleLine"),
            Draw::Fill | Draw::Outline => ("fill", "SimpleFill"),
            Draw::Point => ("marker", "SimpleMarker"),
        };
        let [r, g, b, a] = y.rgba;
        let _ = writeln!(
            s,
            "   <symbol type=\"{kind}\" name=\"{i}\" alpha=\"1\" clip_to_extent=\"1\" force_rhr=\"0\">\n    <layer class=\"{class}\" enabled=\"1\" locked=\"0\" pass=\"0\">"
        );
        let mut prop = |k: &str, v: String| {
            let _ = writeln!(s, "     <prop k=\"{k}\" v=\"{v}\"/>");
        };
        match draw {
            Draw::Line => {
                prop("line_color", format!("{r},{g},{b},{a}"));
                prop("line_width", y.width_mm.to_string());
                prop("line_width_unit", "MM".into());
                prop("line_style", "solid".into());
            }
            Draw::Point => {
                prop("name", "circle".into());
                prop("color", format!("{r},{g},{b},{a}"));
                prop("outline_color", format!("{},{},{},255", r / 2, g / 2, b / 2));
                prop("outline_width", "0.2".into());
                prop("size", y.width_mm.to_string());
                prop("size_unit", "MM".into());
            }
            Draw::Fill | Draw::Outline => {
                prop("color", format!("{r},{g},{b},{a}"));
                prop("style", if draw == Draw::Fill { "solid" } else { "no" }.into());
                prop("outline_color", format!("{},{},{},255", r / 2, g / 2, b / 2));
                prop("outline_style", "solid".into());
                prop("outline_width", y.width_mm.to_string());
                prop("outline_width_unit", "MM".into());
            }
        }
        s += "    </layer>\n   </symbol>\n";
    }
    s += "  </symbols>\n </renderer-v2>\n <blendMode>0</blendMode>\n <layerOpacity>1</layerOpacity>\n</qgis>\n";
    s
}

fn sld(name: &str, draw: Draw, field: Option<&str>, symbols: &[Symbol], lang: Lang) -> String {
    let mut s = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<StyledLayerDescriptor xmlns=\"http://www.opengis.net/sld\" xmlns:ogc=\"http://www.opengis.net/ogc\" version=\"1.0.0\">\n<NamedLayer><Name>{0}</Name><UserStyle><Name>{0}</Name><FeatureTypeStyle>\n",
        escape(name)
    );
    for y in symbols {
        let [r, g, b, a] = y.rgba;
        let _ = write!(s, "<Rule><Name>{}</Name>", escape(y.label.in_lang(lang)));
        if let Some(f) = field {
            let _ = write!(
                s,
                "<ogc:Filter><ogc:PropertyIsEqualTo><ogc:PropertyName>{}</ogc:PropertyName><ogc:Literal>{}</ogc:Literal></ogc:PropertyIsEqualTo></ogc:Filter>",
                escape(f),
                escape(&y.value)
            );
        }
        let css = |k: &str, v: String| format!("<CssParameter name=\"{k}\">{v}</CssParameter>");
        // SLD widths are pixels of 0.28 mm (OGC 05-078r4)
        let px = format!("{:.1}", y.width_mm / 0.28);
        let _ = match draw {
            Draw::Line => write!(
                s,
                "<LineSymbolizer><Stroke>{}{}</Stroke></LineSymbolizer>",
                css("stroke", format!("#{r:02x}{g:02x}{b:02x}")),
                css("stroke-width", px)
            ),
            Draw::Point => write!(
                s,
                "<PointSymbolizer><Graphic><Mark><WellKnownName>circle</WellKnownName><Fill>{}</Fill></Mark><Size>{px}</Size></Graphic></PointSymbolizer>",
                css("fill", format!("#{r:02x}{g:02x}{b:02x}"))
            ),
            Draw::Fill | Draw::Outline => {
                let fill = if draw == Draw::Fill {
                    format!(
                        "<Fill>{}{}</Fill>",
                        css("fill", format!("#{r:02x}{g:02x}{b:02x}")),
                        css("fill-opacity", format!("{:.2}", f64::from(a) / 255.0))
                    )
                } else {
                    String::new()
                };
                write!(
                    s,
                    "<PolygonSymbolizer>{fill}<Stroke>{}{}</Stroke></PolygonSymbolizer>",
                    css("stroke", format!("#{:02x}{:02x}{:02x}", r / 2, g / 2, b / 2)),
                    css("stroke-width", px)
                )
            }
        };
        s += "</Rule>\n";
    }
    s += "</FeatureTypeStyle></UserStyle></NamedLayer></StyledLayerDescriptor>\n";
    s
}

fn escape(t: &str) -> String {
    t.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
