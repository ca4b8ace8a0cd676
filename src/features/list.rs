//! A short list of values found by their type.
//!
//! Owns values that have no fixed slot, and drops them so that no panic of theirs comes out. A list
//! and a linear search, because a request has none or a few; it is emptied between requests without
//! giving its memory back.

use std::any::{Any, TypeId};
use std::fmt;

use crate::task::Contained;

/// Values by type, at most one of each.
#[derive(Default)]
pub struct Features {
    entries: Vec<(TypeId, Contained<Box<dyn Any>>)>,
    revision: u64,
}

impl Features {
    /// The value of type `F`, if one was set.
    #[must_use]
    pub fn get<F: 'static>(&self) -> Option<&F> {
        let wanted = TypeId::of::<F>();
        let (_, value) = self.entries.iter().find(|(id, _)| *id == wanted)?;
        value.downcast_ref()
    }

    /// The value of type `F` for changing it in place.
    #[must_use]
    pub fn get_mut<F: 'static>(&mut self) -> Option<&mut F> {
        let wanted = TypeId::of::<F>();
        let (_, value) = self.entries.iter_mut().find(|(id, _)| *id == wanted)?;
        value.downcast_mut()
    }

    /// Sets the value of its type and gives back the one that it replaces.
    pub fn set<F: 'static>(&mut self, feature: F) -> Option<F> {
        let before = self.remove::<F>();
        let value: Box<dyn Any> = Box::new(feature);
        self.entries
            .push((TypeId::of::<F>(), Contained::new(value)));
        self.revision = self.revision.wrapping_add(1);
        before
    }

    /// Takes the value of type `F` out of the list.
    pub fn remove<F: 'static>(&mut self) -> Option<F> {
        let wanted = TypeId::of::<F>();
        let position = self.entries.iter().position(|(id, _)| *id == wanted)?;
        self.revision = self.revision.wrapping_add(1);
        let (_, value) = self.entries.swap_remove(position);
        value.into_inner().downcast().ok().map(|value| *value)
    }

    /// Changes with every `set` and `remove`, so that a cached look-up can tell that it is stale.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Forgets all values and keeps the room for as many.
    pub fn clear(&mut self) {
        if !self.entries.is_empty() {
            self.entries.clear();
            self.revision = self.revision.wrapping_add(1);
        }
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Features")
            .field("len", &self.entries.len())
            .field("revision", &self.revision)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Features;

    #[test]
    fn one_value_of_each_type() {
        let mut features = Features::default();
        assert_eq!(features.set(1_u8), None);
        assert_eq!(features.set("text"), None);
        let before = features.revision();
        assert_eq!(features.set(2_u8), Some(1));
        assert_ne!(features.revision(), before);
        assert_eq!(features.get::<u8>(), Some(&2));
        assert_eq!(features.get::<&str>(), Some(&"text"));
        assert_eq!(features.get::<u16>(), None);
        if let Some(value) = features.get_mut::<u8>() {
            *value = 3;
        }
        assert_eq!(features.remove::<u8>(), Some(3));
        assert_eq!(features.get::<u8>(), None);
    }

    #[test]
    fn clear_forgets_and_bumps_the_revision() {
        let mut features = Features::default();
        features.set(1_u8);
        let before = features.revision();
        features.clear();
        assert_eq!(features.get::<u8>(), None);
        assert_ne!(features.revision(), before);
    }
}
