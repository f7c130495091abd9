//! Plots as SVG: curves over one axis of each kind, coloured by the page's style.
//!
//! A plot is drawn twice, for wide and for narrow screens, and the style shows one of them: a drawing
//! that is merely scaled has letters that nobody can read.

mod scale;

use std::fmt::Write;

use crate::number;
pub use scale::Scale;

/// Colours of the style.
const COLOURS: usize = 4;
/// Up to so many points each gets a dot that tells its values.
const DOTS_MAX: usize = 40;

/// One axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// How values lie on it.
    pub scale: Scale,
}

/// One curve, or points only.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Points from left to right; `None` is a gap.
    pub points: Vec<(f64, Option<f64>)>,
    /// Whether they are joined.
    pub joined: bool,
}

/// A plot.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// What is drawn; at most four.
    pub series: Vec<Series>,
    /// A height that is marked, with its name: an objective.
    pub mark: Option<(f64, String)>,
}

struct Size {
    class: &'static str,
    width: f64,
    height: f64,
    x_ticks: usize,
}

const SIZES: [Size; 2] = [
    Size {
        class: "wide",
        width: 960.0,
        height: 270.0,
        x_ticks: 10,
    },
    Size {
        class: "narrow",
        width: 360.0,
        height: 240.0,
        x_ticks: 5,
    },
];

const LEFT: f64 = 48.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;
const Y_TICKS: usize = 5;

impl Plot {
    /// The plot as an HTML figure with its title and legend; empty when there is nothing to draw.
    #[must_use]
    pub fn figure(&self) -> String {
        let xs = self.points().map(|(x, _)| x);
        let ys = self.points().map(|(_, y)| y);
        let ys = ys.chain(self.mark.iter().map(|(y, _)| *y));
        let (Some(x), Some(y)) = (self.x.scale.range(xs, false), self.y.scale.range(ys, true))
        else {
            return String::new();
        };
        let mut html = format!(
            "<figure><figcaption>{}</figcaption>\n",
            escaped(&self.title)
        );
        self.legend(&mut html);
        for size in &SIZES {
            let drawing = Drawing {
                plot: self,
                size,
                x,
                y,
            };
            drawing.draw(&mut html);
        }
        html.push_str("</figure>\n");
        html
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let all = self.series.iter().flat_map(|series| &series.points);
        all.filter_map(|(x, y)| Some((*x, (*y)?)))
            .filter(|(x, y)| x.is_finite() && y.is_finite())
    }

    fn legend(&self, html: &mut String) {
        html.push_str("<div class=\"legend\">");
        for (index, series) in self.series.iter().enumerate() {
            let colour = index % COLOURS;
            let name = escaped(&series.name);
            let _ = write!(html, "<span><i class=\"c{colour}\"></i>{name}</span>");
        }
        html.push_str("</div>\n");
    }
}

/// A plot at one size; `x` and `y` are the ends of its axes.
struct Drawing<'a> {
    plot: &'a Plot,
    size: &'a Size,
    x: (f64, f64),
    y: (f64, f64),
}

impl Drawing<'_> {
    fn draw(&self, html: &mut String) {
        let Size {
            class,
            width,
            height,
            ..
        } = *self.size;
        let title = escaped(&self.plot.title);
        let _ = writeln!(
            html,
            "<svg class=\"plot {class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{title}\">"
        );
        self.y_axis(html);
        self.x_axis(html);
        if let Some((y, name)) = &self.plot.mark {
            let (y, right) = (self.down(*y), width - RIGHT);
            let name = escaped(name);
            let _ = writeln!(
                html,
                "<path class=\"mark\" d=\"M{LEFT} {y:.1}H{right}\"><title>{name}</title></path>"
            );
        }
        for (index, series) in self.plot.series.iter().enumerate() {
            self.curve(html, index % COLOURS, series);
        }
        html.push_str("</svg>\n");
    }

    fn across(&self, x: f64) -> f64 {
        let share = self.plot.x.scale.share(x, self.x);
        LEFT + share * (self.size.width - LEFT - RIGHT)
    }

    fn down(&self, y: f64) -> f64 {
        let share = self.plot.y.scale.share(y, self.y);
        self.size.height - BOTTOM - share * (self.size.height - TOP - BOTTOM)
    }

    fn y_axis(&self, html: &mut String) {
        let right = self.size.width - RIGHT;
        for tick in self.plot.y.scale.ticks(self.y, Y_TICKS) {
            let (y, text) = (self.down(tick), self.plot.y.scale.text(tick));
            let _ = writeln!(
                html,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
    }

    fn x_axis(&self, html: &mut String) {
        let Size { width, height, .. } = *self.size;
        let (bottom, right) = (height - BOTTOM, width - RIGHT);
        let _ = writeln!(
            html,
            "<path class=\"axis\" d=\"M{LEFT} {bottom}H{right}\"/>"
        );
        for tick in self.plot.x.scale.ticks(self.x, self.size.x_ticks) {
            let (x, text) = (self.across(tick), self.plot.x.scale.text(tick));
            // What stands at an end would be cut off there.
            let anchor = if x > right - 20.0 { "end" } else { "middle" };
            let _ = writeln!(
                html,
                "<path class=\"axis\" d=\"M{x:.1} {bottom}v4\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>",
                bottom + 17.0
            );
        }
        let _ = writeln!(
            html,
            "<text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            height - 6.0,
            escaped(&self.plot.x.label)
        );
    }

    fn curve(&self, html: &mut String, colour: usize, series: &Series) {
        if series.joined {
            let mut path = String::new();
            let mut pen = 'M';
            for (x, y) in &series.points {
                let Some(y) = y.filter(|y| y.is_finite()) else {
                    pen = 'M';
                    continue;
                };
                let _ = write!(path, "{pen}{:.1} {:.1}", self.across(*x), self.down(y));
                pen = 'L';
            }
            let _ = writeln!(html, "<path class=\"curve c{colour}\" d=\"{path}\"/>");
        }
        if series.joined && series.points.len() > DOTS_MAX {
            return;
        }
        let hollow = if series.joined { "" } else { " hollow" };
        for (x, y) in &series.points {
            let Some(y) = y.filter(|y| y.is_finite()) else {
                continue;
            };
            let _ = writeln!(
                html,
                "<circle class=\"c{colour}{hollow}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\">\
                 <title>{}: {} ({} {})</title></circle>",
                self.across(*x),
                self.down(y),
                escaped(&series.name),
                number::rounded(y),
                escaped(&self.plot.x.label),
                self.plot.x.scale.text(*x)
            );
        }
    }
}

/// Text as it may stand in HTML, in an attribute as well.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, Option<f64>)>) -> Plot {
        let axis = |label: &str| Axis {
            label: label.to_owned(),
            scale: Scale::Linear,
        };
        Plot {
            title: "a < b".to_owned(),
            x: axis("s"),
            y: axis("ms"),
            series: vec![Series {
                name: "p99".to_owned(),
                points,
                joined: true,
            }],
            mark: Some((20.0, "objective".to_owned())),
        }
    }

    #[test]
    fn a_plot_of_nothing_is_nothing() {
        assert_eq!(plot(Vec::new()).figure(), "");
        assert_eq!(plot(vec![(0.0, None)]).figure(), "");
    }

    #[test]
    fn a_curve_begins_anew_behind_a_gap() {
        let points = vec![
            (0.0, Some(1.0)),
            (1.0, Some(2.0)),
            (2.0, None),
            (3.0, Some(1.0)),
        ];
        let html = plot(points).figure();
        let path = html.split("class=\"curve c0\" d=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        assert_eq!(
            (path.matches('M').count(), path.matches('L').count()),
            (2, 1),
            "{path}"
        );
    }

    #[test]
    fn everything_is_drawn_within_the_picture() {
        let html = plot(vec![(0.0, Some(0.001)), (1e6, Some(5_000.0))]).figure();
        for circle in html.split("<circle").skip(1) {
            let at = |name: &str| -> f64 {
                let rest = circle.split(&format!("{name}=\"")).nth(1).unwrap();
                rest.split('"').next().unwrap().parse().unwrap()
            };
            assert!((LEFT..=960.0).contains(&at("cx")) && (0.0..=270.0).contains(&at("cy")));
        }
        assert_eq!(html.matches("<svg").count(), 2);
        assert!(html.contains("a &lt; b") && !html.contains("a < b"));
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }
}
