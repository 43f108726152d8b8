//! A drawing area with a value axis from zero up, as SVG; charts add their marks and the labels below.

use std::fmt::Write;

use super::escape;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 32.0;

/// An SVG that grows.
#[derive(Debug)]
pub(super) struct Plot {
    svg: String,
    top_value: f64,
}

impl Plot {
    /// `label` is what a screen reader says instead of the picture; `unit` names an axis value.
    pub(super) fn new(label: &str, largest: f64, unit: impl Fn(f64) -> String) -> Self {
        let step = nice_step(largest);
        let steps = (largest / step).ceil().max(1.0);
        let label = escape(label);
        let svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
        let mut plot = Self {
            svg,
            top_value: step * steps,
        };
        for index in 0..=steps as u32 {
            let value = step * f64::from(index);
            let (y, end) = (plot.y(value), WIDTH - RIGHT);
            let text = escape(&unit(value));
            plot.add(&format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{end}\"/>"
            ));
            plot.add(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 8.0,
                y + 4.0
            ));
        }
        plot
    }

    /// Where `part` of the way from left to right is.
    pub(super) fn x(part: f64) -> f64 {
        LEFT + part * (WIDTH - LEFT - RIGHT)
    }

    /// Where a value is.
    pub(super) fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.top_value * (HEIGHT - TOP - BOTTOM)
    }

    pub(super) fn add(&mut self, mark: &str) {
        self.svg.push_str(mark);
        self.svg.push('\n');
    }

    /// A text under the axis.
    pub(super) fn label_below(&mut self, part: f64, text: &str) {
        let (x, y) = (Self::x(part), HEIGHT - BOTTOM + 18.0);
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>",
            escape(text)
        ));
    }

    /// A column from `base` up to `base + value`, from `left` to `right`, with its tooltip.
    pub(super) fn column(
        &mut self,
        class: &str,
        [left, right]: [f64; 2],
        base: f64,
        value: f64,
        tooltip: &str,
    ) {
        let (x, width) = (
            Self::x(left),
            (Self::x(right) - Self::x(left) - 0.5).max(0.5),
        );
        let (top, bottom) = (self.y(base + value), self.y(base));
        let title = escape(tooltip);
        self.add(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{title}</title></rect>",
            bottom - top
        ));
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut path = String::new();
        for (index, &(part, value)) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            write!(path, "{command}{:.1} {:.1}", Self::x(part), self.y(value))
                .expect("a String takes everything");
        }
        self.add(&format!("<path class=\"line {class}\" d=\"{path}\"/>"));
    }

    pub(super) fn finish(self) -> String {
        self.svg + "</svg>\n"
    }
}

/// A legend entry per class and name.
pub(super) fn legend(entries: &[(String, String)]) -> String {
    let items = entries.iter().map(|(class, name)| {
        let name = escape(name);
        format!("<li><svg viewBox=\"0 0 12 12\"><rect class=\"{class}\" width=\"12\" height=\"12\"/></svg>{name}</li>")
    });
    format!("<ul class=\"legend\">{}</ul>\n", items.collect::<String>())
}

/// The largest of 1, 2, 5, 10, ... that divides the axis into four parts or more.
fn nice_step(largest: f64) -> f64 {
    let rough = (largest / 4.0).max(1e-6);
    let magnitude = 10_f64.powf(rough.log10().floor());
    let nice = [5.0, 2.0, 1.0]
        .into_iter()
        .find(|nice| nice * magnitude <= rough);
    nice.unwrap_or(1.0) * magnitude
}

#[cfg(test)]
mod tests {
    use super::nice_step;

    #[test]
    fn axis_steps_are_round() {
        for (largest, step) in [
            (334.0, 50.0),
            (1000.0, 200.0),
            (4.0, 1.0),
            (0.9, 0.2),
            (0.0, 1e-6),
        ] {
            assert!(
                (nice_step(largest) - step).abs() < step / 1e6,
                "{largest}: {}",
                nice_step(largest)
            );
        }
    }
}
