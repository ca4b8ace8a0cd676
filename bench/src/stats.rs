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

/// The value of `sorted` that `share` of the others lie below; `None` if there are none.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().checked_sub(1)?)).copied()
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

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u32> = (0..1000).collect();
        let at = |share| percentile(&values, share);
        assert_eq!(
            (at(0.0), at(0.5), at(0.999)),
            (Some(0), Some(500), Some(999))
        );
        assert_eq!(at(1.0), Some(999));
        assert_eq!(percentile(&[7], 0.99), Some(7));
        assert_eq!(percentile::<u32>(&[], 0.5), None);
    }
}
