//! Axes: where a value lies, and at which round values the marks stand.

/// How values become places, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// From 0 to this value.
    Linear(f64),
    /// From the one power of ten to the other.
    Logarithmic(i32, i32),
}

impl Scale {
    /// From 0 to somewhat more than the largest of `values`.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let largest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::Linear(if largest > 0.0 { largest * 1.04 } else { 1.0 })
    }

    /// Whole decades around `values`, those above 0.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high == 0.0 {
            return Self::Logarithmic(0, 1);
        }
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        Self::Logarithmic(first, last.max(first + 1))
    }

    /// Where `value` lies; what is not on the axis lies at its end.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear(end) => value / end,
            Self::Logarithmic(first, last) => {
                (value.log10() - f64::from(first)) / f64::from(last - first)
            }
        };
        // Also for what is no number.
        if place > 0.0 { place.min(1.0) } else { 0.0 }
    }

    /// The values at which there are marks, in order.
    pub(super) fn marks(self) -> Vec<f64> {
        match self {
            Self::Linear(end) => {
                let step = step(end);
                (0..=(end / step) as u32)
                    .map(|number| f64::from(number) * step)
                    .collect()
            }
            Self::Logarithmic(first, last) => {
                (first..=last).map(|power| 10_f64.powi(power)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that an axis to `end` has four to ten marks.
fn step(end: f64) -> f64 {
    let unit = 10_f64.powf((end / 10.0).log10().floor());
    let factors = [1.0, 2.0, 5.0];
    let found = factors.iter().find(|factor| end / (*factor * unit) <= 10.0);
    found.copied().unwrap_or(10.0) * unit
}

/// A value with the digits that mean something.
pub(super) fn label(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size < 0.1 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_few_and_on_the_axis() {
        for end in [0.003, 0.9, 1.0, 6.1, 12.5, 37.0, 99.9, 412.0, 1e6] {
            let scale = Scale::Linear(end);
            let marks = scale.marks();
            assert!((4..=11).contains(&marks.len()), "{end}: {marks:?}");
            assert!(marks.iter().all(|mark| *mark <= end), "{end}: {marks:?}");
        }
        assert_eq!(
            Scale::Linear(6.1).marks(),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(Scale::Logarithmic(1, 3).marks(), [10.0, 100.0, 1000.0]);
    }

    #[test]
    fn values_lie_where_they_should_and_never_outside() {
        assert_eq!(Scale::Linear(4.0).place(1.0), 0.25);
        assert_eq!(Scale::Logarithmic(0, 2).place(10.0), 0.5);
        for scale in [Scale::Linear(4.0), Scale::Logarithmic(0, 2)] {
            assert_eq!(scale.place(1e9), 1.0);
            for value in [-1.0, 0.0, f64::NAN, f64::NEG_INFINITY] {
                assert_eq!(scale.place(value), 0.0);
            }
        }
    }

    #[test]
    fn axes_hold_their_values_even_if_there_are_none() {
        let values = [3.0, 70.0, 2500.0];
        assert_eq!(
            Scale::logarithmic(values.into_iter()),
            Scale::Logarithmic(0, 4)
        );
        assert_eq!(
            Scale::logarithmic([f64::NAN, 0.0].into_iter()),
            Scale::Logarithmic(0, 1)
        );
        assert_eq!(
            Scale::logarithmic([10.0].into_iter()),
            Scale::Logarithmic(1, 2)
        );
        assert_eq!(Scale::linear(std::iter::empty()), Scale::Linear(1.0));
    }

    #[test]
    fn labels_have_the_digits_that_mean_something() {
        let labels = [0.0, 0.05, 0.48, 5.97, 12.5, 20.0, 138.659].map(label);
        assert_eq!(labels, ["0", "0.05", "0.48", "5.97", "12.5", "20", "139"]);
    }
}
