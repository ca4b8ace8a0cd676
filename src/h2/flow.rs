//! Flow-control windows (RFC 9113, 5.2 and 6.9).
//!
//! Owns all arithmetic on windows: each operation either keeps the window within its bounds or
//! says that it would not and changes nothing. Knows neither streams nor who is at fault.

/// The largest window and the largest increment (RFC 9113, 6.9 and 6.9.1).
pub(crate) const WINDOW_BYTES_MAX: u32 = i32::MAX as u32;

/// More is to be sent, or was received, than the window allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overdrawn;

/// The window would leave the range of 31 bits and a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// How many bytes of DATA one side may still send on a stream or on the connection.
///
/// Negative when SETTINGS_INITIAL_WINDOW_SIZE was lowered below what is in flight already
/// (RFC 9113, 6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowWindow(i32);

impl FlowWindow {
    /// A window of so many bytes; more than 2^31-1, which no checked setting is, counts as that.
    pub(crate) const fn new(bytes: u32) -> Self {
        Self(if bytes > WINDOW_BYTES_MAX {
            i32::MAX
        } else {
            bytes.cast_signed()
        })
    }

    /// Bytes that may be sent now.
    pub(crate) const fn available(self) -> usize {
        if self.0 > 0 {
            self.0.cast_unsigned() as usize
        } else {
            0
        }
    }

    /// Takes bytes of DATA, padding included, out of the window. Nothing may always be sent, even
    /// out of a negative window.
    ///
    /// # Errors
    /// When it does not have them; it stays as it was.
    pub(crate) fn consume(&mut self, bytes: u32) -> Result<(), Overdrawn> {
        if bytes == 0 {
            return Ok(());
        }
        let taken = i32::try_from(bytes).map_err(|_| Overdrawn)?;
        if taken > self.0 {
            return Err(Overdrawn);
        }
        self.0 -= taken;
        Ok(())
    }

    /// Adds what a WINDOW_UPDATE allows.
    ///
    /// # Errors
    /// When the window would be larger than 2^31-1 (RFC 9113, 6.9.1); it stays as it was.
    pub(crate) fn grow(&mut self, bytes: u32) -> Result<(), Overflow> {
        self.shift(i64::from(bytes))
    }

    /// Moves the window by the difference between two values of SETTINGS_INITIAL_WINDOW_SIZE
    /// (RFC 9113, 6.9.2), which may leave it negative.
    ///
    /// # Errors
    /// When the window would leave its range; it stays as it was.
    pub(crate) fn shift(&mut self, delta: i64) -> Result<(), Overflow> {
        let moved = i64::from(self.0).checked_add(delta).ok_or(Overflow)?;
        self.0 = i32::try_from(moved).map_err(|_| Overflow)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: i64 = i32::MAX as i64;

    #[test]
    fn boundaries() {
        let mut window = FlowWindow::new(65_535);
        assert_eq!(window.available(), 65_535);
        assert_eq!(window.consume(65_536), Err(Overdrawn));
        assert_eq!(window.consume(65_535), Ok(()));
        assert_eq!(window.available(), 0);
        assert_eq!(window.consume(0), Ok(()));
        assert_eq!(window.consume(1), Err(Overdrawn));
        assert_eq!(window.grow(WINDOW_BYTES_MAX), Ok(()));
        assert_eq!(window.available(), i32::MAX as usize);
        assert_eq!(window.grow(1), Err(Overflow));
        assert_eq!(window.grow(u32::MAX), Err(Overflow));
        assert_eq!(window.consume(u32::MAX), Err(Overdrawn));
        assert_eq!(window, FlowWindow::new(WINDOW_BYTES_MAX));
        assert_eq!(window, FlowWindow::new(u32::MAX));
    }

    #[test]
    fn the_example_of_rfc_9113_6_9_2() {
        // 60 KB are sent at once, then the initial size becomes 16 KB: 16 - 64 + 4 = -44 KB.
        let mut window = FlowWindow::new(64 * 1024);
        assert_eq!(window.consume(60 * 1024), Ok(()));
        assert_eq!(window.shift(16 * 1024 - 64 * 1024), Ok(()));
        assert_eq!(window, FlowWindow(-44 * 1024));
        assert_eq!(window.available(), 0);
        assert_eq!(window.consume(0), Ok(()));
        assert_eq!(window.consume(1), Err(Overdrawn));
        assert_eq!(window.grow(44 * 1024), Ok(()));
        assert_eq!(window.available(), 0);
        assert_eq!(window.grow(1), Ok(()));
        assert_eq!(window.available(), 1);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Consume(u32),
        Grow(u32),
        Shift(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let bytes = prop_oneof![0_u32..100_000, any::<u32>(), Just(WINDOW_BYTES_MAX)];
        prop_oneof![
            bytes.clone().prop_map(Step::Consume),
            bytes.prop_map(Step::Grow),
            (-MAX..=MAX).prop_map(Step::Shift),
            prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)].prop_map(Step::Shift),
        ]
    }

    proptest! {
        #[test]
        fn is_the_sum_of_what_it_took(first in any::<u32>(), steps in prop::collection::vec(step(), 0..64)) {
            let mut window = FlowWindow::new(first);
            let mut model = i128::from(first).min(MAX.into());
            for step in steps {
                let (delta, taken) = match step {
                    Step::Consume(bytes) => (-i128::from(bytes), window.consume(bytes).is_ok()),
                    Step::Grow(bytes) => (i128::from(bytes), window.grow(bytes).is_ok()),
                    Step::Shift(delta) => (i128::from(delta), window.shift(delta).is_ok()),
                };
                let moved = model + delta;
                let allowed = match step {
                    Step::Consume(bytes) => bytes == 0 || moved >= 0,
                    Step::Grow(_) | Step::Shift(_) => i32::try_from(moved).is_ok(),
                };
                prop_assert_eq!(taken, allowed, "{:?} on {}", step, model);
                if allowed {
                    model = moved;
                }
                prop_assert_eq!(window.available(), usize::try_from(model.max(0)).unwrap_or(0));
            }
        }
    }
}
