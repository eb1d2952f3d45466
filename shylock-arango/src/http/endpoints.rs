//! The servers of one cluster, and the one that is asked now.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;

/// Several ways to one database. Requests stay with one until it fails: servers' clocks may differ.
#[derive(Debug)]
pub(crate) struct Endpoints {
    all: Vec<Url>,
    current: AtomicUsize,
}

impl Endpoints {
    /// At least one.
    pub(crate) fn new(all: Vec<Url>) -> Self {
        Self { all, current: AtomicUsize::new(0) }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// The one to ask, and its number.
    pub(crate) fn current(&self) -> (usize, &Url) {
        let number = self.current.load(Ordering::Relaxed) % self.all.len();
        (number, &self.all[number])
    }

    /// This one has failed. Of many who say so at once, only the first moves on to the next.
    pub(crate) fn leave(&self, number: usize) {
        let next = (number + 1) % self.all.len();
        let _ = self.current.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_moves_on_by_one() {
        let urls = ["http://a", "http://b", "http://c"].map(|url| Url::parse(url).expect("a URL"));
        let endpoints = Endpoints::new(urls.to_vec());
        let (first, _) = endpoints.current();
        // Three requests of the first one fail.
        (0..3).for_each(|_| endpoints.leave(first));
        assert_eq!(endpoints.current().0, 1);
        endpoints.leave(1);
        endpoints.leave(2);
        assert_eq!(endpoints.current().0, 0);
    }
}
