//! Our texts with one thing taken out or changed. Each is caught by what the original passes: so each of these
//! things is needed, and a test is there that misses it.

use arango_server::ArangoServer;

use super::{
    audit::{self, Verdict, never},
    queries::{Bench, HAND_OFF, RELEASE, RENEW, TAKE, broken, only_the_original_passes},
};

/// Anna has a lease of half a minute.
async fn anna() -> (Bench, u64) {
    let bench = Bench::start(ArangoServer::builder()).await;
    let token = bench.granted("anna", 30.0).await;
    (bench, token)
}

fn sound(bench: &Bench) -> Verdict {
    audit::sound(&bench.history(), never)
}

/// Bert asks, with a notion that Anna's lease has ended.
async fn asked_by_bert(text: &str) -> Verdict {
    let (bench, _) = anna().await;
    bench.client.take(text, "bert", "anna", 30.0).await;
    sound(&bench)?;
    bench.unless_changed_since(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_that_inserts_and_replaces_overwrites_live_leases() {
    let (head, rest) = TAKE.split_once("UPSERT { _key: @key }\n").expect("an upsert");
    let (insert, rest) = rest.split_once("UPDATE (").expect("an update");
    let (_, row) = rest.split_once("IN @@locks OPTIONS").expect("options");
    let (_, row) = row.split_once('\n').expect("a row");
    let replacing =
        format!("{head}{insert}IN @@locks OPTIONS {{ overwriteMode: \"replace\", waitForSync: true }}\n{row}");
    only_the_original_passes(TAKE, &replacing, asked_by_bert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_wait_for_the_end() {
    let text = broken(TAKE, " && OLD.expiresAt + @grace <= now", "");
    only_the_original_passes(TAKE, &text, asked_by_bert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_ask_whose_lease_has_ended() {
    let text = broken(TAKE, "OLD.owner == @dead && ", "");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, _) = anna().await;
        bench.server.step_clocks(31_000);
        bench.client.take(text, "bert", "somebody else", 30.0).await;
        bench.unless_changed_since(1)
    })
    .await;
}

/// On a coordinator whose clock is ahead, though by no more than is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_wait_for_the_skew_allowance() {
    let text = broken(TAKE, "OLD.expiresAt + @grace <= now", "OLD.expiresAt <= now");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, _) = anna().await;
        bench.server.step_clocks(30_000 + 200);
        bench.client.take(text, "bert", "anna", 30.0).await;
        bench.unless_changed_since(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_count_tokens_on() {
    let text = broken(TAKE, "token: OLD.token + 1 > ms * 1024 ? OLD.token + 1 : ms * 1024", "token: ms * 1024");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, token) = anna().await;
        assert_eq!(bench.client.release(RELEASE, "anna", token).await, 1);
        bench.server.step_clocks(-10_000);
        assert!(bench.client.take(text, "bert", "", 30.0).await.is_some());
        sound(&bench)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_leave_an_end_that_is_later() {
    let text = broken(TAKE, "now + @ttl > OLD.expiresAt ? now + @ttl : OLD.expiresAt", "now + @ttl");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, token) = anna().await;
        assert_eq!(bench.client.take(text, "anna", "", 10.0).await, Some(token));
        audit::ends_never_move_back(&bench.history())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_take_has_to_revive_nothing() {
    let text = broken(TAKE, "OLD.owner == @owner && OLD.expiresAt > now", "OLD.owner == @owner");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, _) = anna().await;
        bench.server.step_clocks(30_100);
        bench.client.take(text, "anna", "", 30.0).await;
        bench.unless_changed_since(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_has_to_ask_for_owner_and_token() {
    let without_owner = broken(RELEASE, "l.owner == want.owner && ", "");
    only_the_original_passes(RELEASE, &without_owner, async |text| {
        let (bench, token) = anna().await;
        bench.client.release(text, "bert", token).await;
        bench.unless_changed_since(1)
    })
    .await;
    let without_token = broken(RELEASE, "&& l.token == want.token", "");
    only_the_original_passes(RELEASE, &without_token, async |text| {
        let (bench, token) = anna().await;
        bench.client.release(text, "anna", token - 1).await;
        bench.unless_changed_since(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_has_to_ask_for_owner_and_token_and_a_live_lease() {
    let renewed = async |text: &str, owner: &str, older: u64, step: i64| {
        let (bench, token) = anna().await;
        bench.server.step_clocks(step);
        bench.client.renew(text, owner, token - older, 60.0).await;
        bench.unless_changed_since(1)
    };
    let without_owner = broken(RENEW, "l.owner == want.owner && ", "");
    only_the_original_passes(RENEW, &without_owner, async |text| renewed(text, "bert", 0, 0).await).await;
    let without_token = broken(RENEW, " && l.token == want.token", "");
    only_the_original_passes(RENEW, &without_token, async |text| renewed(text, "anna", 1, 0).await).await;
    let without_end = broken(RENEW, "l.expiresAt > now && ", "");
    only_the_original_passes(RENEW, &without_end, async |text| renewed(text, "anna", 0, 30_100).await).await;
}

/// A repetition that comes late was sent for a shorter time than what has been granted meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_has_to_leave_an_end_that_is_later() {
    let text = broken(RENEW, "now + want.ttl > l.expiresAt ? now + want.ttl : l.expiresAt", "now + want.ttl");
    only_the_original_passes(RENEW, &text, async |text| {
        let (bench, token) = anna().await;
        assert_eq!(bench.client.renew(text, "anna", token, 10.0).await, 1);
        audit::ends_never_move_back(&bench.history())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_off_has_to_ask_for_owner_and_token() {
    let without_owner = broken(HAND_OFF, "l.owner == @from && ", "");
    only_the_original_passes(HAND_OFF, &without_owner, async |text| {
        let (bench, token) = anna().await;
        bench.client.hand_off(text, ("bert", token), "carl", 30.0).await;
        sound(&bench)
    })
    .await;
    let without_token = broken(HAND_OFF, " && l.token == @token", "");
    only_the_original_passes(HAND_OFF, &without_token, async |text| {
        let (bench, token) = anna().await;
        bench.client.hand_off(text, ("anna", token - 1), "carl", 30.0).await;
        sound(&bench)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_off_has_to_count_tokens_on() {
    let text = broken(HAND_OFF, "token: l.token + 1 > ms * 1024 ? l.token + 1 : ms * 1024", "token: ms * 1024");
    only_the_original_passes(HAND_OFF, &text, async |text| {
        let (bench, token) = anna().await;
        bench.server.step_clocks(-10_000);
        assert_eq!(bench.client.hand_off(text, ("anna", token), "carl", 30.0).await, 1);
        audit::tokens_grow(&bench.history())
    })
    .await;
}

/// Who finds the lock held must not write: each write of the record can make a renewal fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_take_that_finds_the_lock_held_has_to_write_nothing() {
    let text = broken(TAKE, ": {}\n    )\n", ": { _rev: OLD._rev, host: OLD.host }\n    )\n");
    only_the_original_passes(TAKE, &text, async |text| {
        let (bench, _) = anna().await;
        assert_eq!(bench.client.take(text, "bert", "", 30.0).await, None);
        audit::every_version_is_a_change(&bench.history())
    })
    .await;
}
