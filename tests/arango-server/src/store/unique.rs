//! Unique indexes besides the primary one.

use crate::{
    error::Failure,
    value::{self, Numbers, Value},
};

use super::{
    Handle, Transaction,
    index::{Index, same},
    locks::LockName,
};

impl Transaction {
    /// Locks what the document has in unique indexes, and fails where another has the same.
    pub(super) async fn lock_unique(
        &mut self,
        collection: &Handle,
        key: &str,
        document: &Value,
    ) -> Result<(), Failure> {
        let indexes = self.indexes(collection)?;
        for index in indexes.into_iter().filter(Index::is_unique) {
            let Some(entry) = index.entry(document) else { continue };
            let mut text = String::new();
            value::write(&Value::array(entry.clone()), Numbers::AsTheyAre, &mut text);
            self.lock(LockName::Unique { index: index.id, value: text }).await?;
            if let Some(other) = self.other_with(collection, key, &index, &entry)? {
                return Err(self.taken(collection, &index, &other));
            }
        }
        Ok(())
    }

    fn other_with(
        &self,
        collection: &Handle,
        key: &str,
        index: &Index,
        entry: &[Value],
    ) -> Result<Option<String>, Failure> {
        let has = |document: &Value| index.entry(document).is_some_and(|other| same(&other, entry));
        let written = |key: &String| self.writes.get(&(collection.id, key.clone()));
        let state = self.store.state();
        let committed = state.collection(collection.id)?.all_at(u64::MAX);
        let committed = committed.filter(|(other, _)| written(other).is_none());
        let own = self.writes.iter().filter(|((id, _), _)| *id == collection.id);
        let own = own.filter_map(|((_, other), document)| Some((other, document.as_ref()?)));
        let mut all = committed.chain(own);
        Ok(all.find(|(other, document)| *other != key && has(document)).map(|(other, _)| other.clone()))
    }

    /// A conflict where the other came after the snapshot, for then a repetition may succeed.
    fn taken(&self, collection: &Handle, index: &Index, other: &str) -> Failure {
        let changed = self.store.state().collection(collection.id).map_or(0, |collection| collection.changed(other));
        if changed > self.snapshot() && self.store.settings.guards.snapshot_validation {
            self.store.tally.count(|counters| counters.late_snapshots += 1);
            return Failure::of(1200);
        }
        let fields = index.fields.join("', '");
        let message = format!(
            "unique constraint violated - in index {} of type persistent over '{fields}'; conflicting key: {other}",
            index.name
        );
        Failure::new(1210, message)
    }
}
