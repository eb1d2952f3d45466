//! Sorted indexes: which documents have which values, as of the last commit.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use crate::value::{Value, compare};

/// Keys by what their documents have in the index.
#[derive(Debug, Default)]
pub(crate) struct Sorted(BTreeMap<Entry, BTreeSet<String>>);

/// Values in the order of AQL.
#[derive(Debug, Clone)]
pub(crate) struct Entry(pub(super) Vec<Value>);

/// Bounds of the first value.
#[derive(Debug, Default)]
pub(crate) struct Range {
    pub(crate) from: Option<Bound>,
    pub(crate) to: Option<Bound>,
}

#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) value: Value,
    pub(crate) is_inside: bool,
}

impl Sorted {
    pub(super) fn insert(&mut self, entry: Vec<Value>, key: &str) {
        self.0.entry(Entry(entry)).or_default().insert(key.to_owned());
    }

    pub(super) fn remove(&mut self, entry: Vec<Value>, key: &str) {
        let entry = Entry(entry);
        if let Some(keys) = self.0.get_mut(&entry) {
            keys.remove(key);
            if keys.is_empty() {
                self.0.remove(&entry);
            }
        }
    }

    /// The keys of the documents within the range.
    pub(super) fn keys(&self, range: &Range) -> BTreeSet<String> {
        let start = Entry(range.from.iter().map(|bound| bound.value.clone()).collect());
        let found = self.0.range(start..).take_while(|(entry, _)| range.reaches(&entry.0));
        found.filter(|(entry, _)| range.contains(&entry.0)).flat_map(|(_, keys)| keys.iter().cloned()).collect()
    }
}

impl Range {
    /// Narrows it by one more condition.
    pub(crate) fn narrow(&mut self, order: Ordering, value: &Value, is_inside: bool) {
        let bound = |bound: &mut Option<Bound>, tighter: Ordering| {
            let is_tighter = bound.as_ref().is_none_or(|bound| match compare(value, &bound.value) {
                Ordering::Equal => bound.is_inside,
                order => order == tighter,
            });
            if is_tighter {
                *bound = Some(Bound { value: value.clone(), is_inside });
            }
        };
        if order.is_ge() {
            bound(&mut self.from, Ordering::Greater);
        }
        if order.is_le() {
            bound(&mut self.to, Ordering::Less);
        }
    }

    pub(super) fn contains(&self, entry: &[Value]) -> bool {
        let Some(first) = entry.first() else { return false };
        let is_after = self.from.as_ref().is_none_or(|bound| match compare(first, &bound.value) {
            Ordering::Equal => bound.is_inside,
            order => order.is_gt(),
        });
        is_after && self.reaches(entry)
    }

    fn reaches(&self, entry: &[Value]) -> bool {
        let Some(first) = entry.first() else { return false };
        self.to.as_ref().is_none_or(|bound| match compare(first, &bound.value) {
            Ordering::Equal => bound.is_inside,
            order => order.is_lt(),
        })
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let orders = self.0.iter().zip(&other.0).map(|(left, right)| compare(left, right));
        orders.chain([self.0.len().cmp(&other.0.len())]).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_what_lies_within_its_tightest_bounds() {
        let mut sorted = Sorted::default();
        for number in 0..10 {
            sorted.insert(vec![Value::Int(number), Value::string("x")], &number.to_string());
        }
        sorted.insert(vec![Value::Null], "null");
        sorted.remove(vec![Value::Int(5), Value::string("x")], "5");
        let keys = |bounds: &[(Ordering, i64, bool)]| {
            let mut range = Range::default();
            bounds.iter().for_each(|(order, value, inside)| range.narrow(*order, &Value::Int(*value), *inside));
            sorted.keys(&range).into_iter().collect::<Vec<_>>()
        };
        let (above, below) = (Ordering::Greater, Ordering::Less);
        assert_eq!(keys(&[(above, 4, false), (below, 8, false)]), ["6", "7"]);
        assert_eq!(keys(&[(above, 2, true), (above, 3, true), (below, 4, true), (below, 9, true)]), ["3", "4"]);
        assert_eq!(keys(&[(above, 3, true), (above, 3, false), (below, 5, true)]), ["4"]);
        assert_eq!(keys(&[(Ordering::Equal, 3, true)]), ["3"]);
        assert_eq!(keys(&[(below, 1, false)]), ["0", "null"]);
    }
}
