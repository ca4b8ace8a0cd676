//! The statistics that more than one command needs.
#![forbid(unsafe_code)]

/// The middle value, or the mean of the two in the middle; not a number if there are none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle.saturating_sub(1)..=middle) {
        Some([low, high]) if values.len().is_multiple_of(2) => f64::midpoint(*low, *high),
        _ => values.get(middle).copied().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_one_and_none() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert_eq!(median([7.0].into_iter()), 7.0);
        assert!(median(std::iter::empty()).is_nan());
    }
}
