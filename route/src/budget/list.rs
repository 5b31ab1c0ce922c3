//! Values by name, in the order of their names: a sorted list, which takes far less code in a page than a tree does.

use serde::{Deserialize, Serialize};

/// Values by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct List<T>(Vec<(String, T)>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

impl<T> List<T> {
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(one, _)| one.as_str().cmp(name))
    }

    pub fn get(&self, name: &str) -> Option<&T> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let at = self.find(name).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// The value of a name; a new one where there is none.
    pub fn or_insert(&mut self, name: &str, new: impl FnOnce() -> T) -> &mut T {
        let at = self.find(name).unwrap_or_else(|at| {
            self.0.insert(at, (name.to_string(), new()));
            at
        });
        &mut self.0[at].1
    }

    pub fn remove(&mut self, name: &str) -> Option<T> {
        let at = self.find(name).ok()?;
        Some(self.0.remove(at).1)
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&str, &T) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// It is as this one makes it: a list from outside may not be.
    pub fn ordered(&self) -> bool {
        self.0.windows(2).all(|pair| pair[0].0 < pair[1].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_found() {
        let mut list = List::default();
        for name in ["b", "", "c", "a", "b"] {
            *list.or_insert(name, || 0) += 1;
        }
        assert!(list.ordered());
        assert_eq!(
            list.iter().collect::<Vec<_>>(),
            [("", &1), ("a", &1), ("b", &2), ("c", &1)]
        );
        assert_eq!(
            (list.remove("b"), list.remove("b"), list.get("c"), list.has("d")),
            (Some(2), None, Some(&1), false)
        );
        list.retain(|name, _| name != "a");
        assert_eq!(list.len(), 2);
        let other: List<u32> = serde_json::from_str(r#"[["b", 1], ["a", 2]]"#).expect("a list");
        assert!(!other.ordered());
    }
}
