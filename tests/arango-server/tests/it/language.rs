//! The language: what is said, what is wrong, what values are.

use arango_server::{ArangoServer, Generation};
use serde_json::{Value as Json, json};

use super::client::{ready, ready_with};

#[tokio::test]
async fn expressions_have_their_values() {
    let (_server, client) = ready().await;
    let table = [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("10 - 4 - 3", json!(3)),
        ("-2 + 5", json!(3)),
        ("7 % 4", json!(3)),
        ("1 || 2", json!(1)),
        ("0 || 'x'", json!("x")),
        ("1 && 0 || 3", json!(3)),
        ("null && 1", Json::Null),
        ("1 == 1 && 2 != 3", json!(true)),
        ("1 < 2 == true", json!(true)),
        ("!false && NOT null", json!(true)),
        ("NOT 1 == false", json!(true)),
        ("false ? 1 : true ? 2 : 3", json!(2)),
        ("null ?: 5", json!(5)),
        ("2 IN [1, 2] && 3 NOT IN [1, 2]", json!(true)),
        ("1 IN 1", json!(false)),
        ("null <= 0", json!(true)),
        ("null < false && false < -1 && 5 < '' && 'z' < [] && [9] < {}", json!(true)),
        ("'a' + 1", json!(1)),
        ("null + true + '2'", json!(3)),
        ("{ a: { b: [1, 2] } }.a.b[-1]", json!(2)),
        ("{ a: 1 }['a']", json!(1)),
        ("{ a: 1 }.b.c", Json::Null),
        ("[1][7]", Json::Null),
        ("{ 'x y': 1, [CONCATENATED]: 2 }", json!({ "x y": 1, "z": 2 })),
        ("1..3", json!([1, 2, 3])),
        ("MAX([1, null, 3])", json!(3)),
        ("MIN([4, 2])", json!(2)),
        ("FIRST([7, 8])", json!(7)),
        ("LENGTH('äb')", json!(2)),
        ("NOT_NULL(null, 2)", json!(2)),
        ("[FLOOR(1.5), CEIL(1.5), ABS(-2)]", json!([1, 2, 2])),
        ("[IS_NUMBER(1.5), IS_NUMBER('1'), IS_STRING(''), IS_NULL(null)]", json!([true, false, true, true])),
        ("[IS_BOOL(false), IS_ARRAY([]), IS_OBJECT({}), IS_OBJECT([])]", json!([true, true, true, false])),
        ("[STARTS_WITH('abc', 'ab'), STARTS_WITH('abc', 'bc')]", json!([true, false])),
        ("[HAS({ a: null }, 'a'), HAS({}, 'a'), FIRST('no list')]", json!([true, false, null])),
        ("[CONCAT('a', null, 1, true), TO_STRING(1.5), TO_NUMBER(' 2 ')]", json!(["a1true", "1.5", 2])),
        ("\"q\\\"\\u0041\" /* comment */ // and another", json!("q\"A")),
        ("9007199254740993", json!(9_007_199_254_740_993_i64)),
    ];
    for (expression, value) in table {
        let text = format!("LET CONCATENATED = 'z' RETURN {expression}\n");
        assert_eq!(client.value(&text).await, value, "{expression}");
    }
}

#[tokio::test]
async fn a_division_by_zero_is_null_with_a_warning() {
    let (_server, client) = ready().await;
    let reply = client.query("RETURN [1 / 0, 1 % 0]", json!({})).await;
    let warnings = reply.json()["extra"]["warnings"].clone();
    assert_eq!(
        (reply.row(), &warnings[0]["code"], &warnings[1]["code"]),
        (json!([null, null]), &json!(1562), &json!(1562))
    );
}

#[tokio::test]
async fn plus_joins_strings_in_the_next_generation_only() {
    let (_server, client) = ready_with(ArangoServer::builder().generation(Generation::V4)).await;
    assert_eq!(client.value("RETURN 'a' + 'b'").await, "ab");
    let (_server, client) = ready().await;
    assert_eq!(client.value("RETURN 'a' + 'b'").await, 0);
}

#[tokio::test]
async fn rows_are_filtered_sorted_limited_and_made_distinct() {
    let (_server, client) = ready().await;
    let text = "FOR x IN [3, 1, 2, 3, null] FILTER x != 1 SORT x DESC LIMIT @skip, 3 RETURN DISTINCT x";
    assert_eq!(client.query(text, json!({ "skip": 0 })).await.rows(), [3, 2]);
    assert_eq!(client.query(text, json!({ "skip": 2 })).await.rows(), [json!(2), Json::Null]);
    let text = "FOR x IN [1, 2] FOR y IN [x, x * 10] SORT y % 10, y RETURN [x, y]";
    assert_eq!(
        client.query(text, json!({})).await.rows(),
        [json!([1, 10]), json!([2, 20]), json!([1, 1]), json!([2, 2])]
    );
}

#[tokio::test]
async fn wrong_texts_are_refused_with_the_number_that_belongs_to_it() {
    let (_server, client) = ready().await;
    let table = [
        ("RETURN", 1501),
        ("LET a = 1", 1501),
        ("RETURN 1 RETURN 2", 1501),
        ("FOR l @@locks RETURN l", 1501),
        ("FOR l IN @@locks FILTER l.a = 1 RETURN l", 1501),
        ("FOR l IN @@locks FILTER l.a == 1", 1501),
        ("FOR l IN @locks RETURN l", 1551),
        ("RETURN { a: 1", 1501),
        ("RETURN 1 ? 2", 1501),
        ("RETURN 'open", 1501),
        ("RETURN /* open", 1501),
        ("SELECT * FROM locks", 1501),
        ("UPSERT { _key: 'k' } UPDATE {} IN @@locks", 1501),
        ("UPDATE 'k' IN @@locks WITH {}", 1501),
        ("UPDATE 'k' WITH IN @@locks", 1501),
        ("INSERT {} INTO @@locks OPTION { waitForSync: true }", 1501),
        ("INSERT {} INTO @@locks OPTIONS true", 1501),
        ("LET until = 1 RETURN until", 1501),
        ("LET match = 1 RETURN match", 1501),
        ("RETURN x.filter", 1501),
        ("RETURN #", 1501),
        ("RETURN x", 1512),
        ("RETURN { x }", 1512),
        ("RETURN OLD", 1512),
        ("INSERT { a: OLD.a } INTO @@locks", 1512),
        ("LET a = 1 LET a = 2 RETURN a", 1511),
        ("RETURN NOTHING()", 1540),
        ("RETURN DATE_NOW(1)", 1541),
        ("RETURN NOT_NULL()", 1541),
        ("INSERT {} INTO @@locks FOR l IN @@locks RETURN l", 1579),
        ("INSERT {} INTO @@locks INSERT {} INTO @@locks", 1579),
        ("INSERT 5 INTO @@locks", 1227),
        ("UPSERT { _key: 'k' } INSERT 5 UPDATE {} IN @@locks", 1227),
        ("FOR l IN nowhere RETURN l", 1203),
    ];
    for (text, number) in table {
        let reply = if text.contains("@@") {
            client.on_locks(text, json!({})).await
        } else {
            client.query(text, json!({})).await
        };
        assert_eq!(reply.error().1, number, "{text}: {}", reply.text);
    }
    let deep = format!("RETURN {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(client.query(&deep, json!({})).await.error(), (400, 1501));
}

#[tokio::test]
async fn a_syntax_error_says_where() {
    let (_server, client) = ready().await;
    for (text, wrong) in [
        ("FOR i IN [1]\n  FILTR i\n  RETURN i", "unexpected qualifier 'FILTR', expecting 'SEARCH' or 'OPTIONS'"),
        ("FOR i IN [1]\n  = i", "syntax error, unexpected assignment"),
        ("INSERT {} INTO @@locks\n  OPTION { a: 1 }", "unexpected qualifier 'OPTION', expecting 'OPTIONS'"),
    ] {
        let near = text.split_once("\n  ").expect("two lines").1;
        let message = client.query(text, json!({})).await.json()["errorMessage"].clone();
        assert_eq!(message, format!("AQL: {wrong} near '{near}' at position 2:3 (while parsing)"));
    }
}

#[tokio::test]
async fn bind_values_are_those_that_are_declared() {
    let (_server, client) = ready().await;
    assert_eq!(client.query("RETURN @a", json!({})).await.error(), (400, 1551));
    assert_eq!(client.query("RETURN @a", json!({ "a": 1, "b": 2 })).await.error(), (400, 1552));
    assert_eq!(client.query("FOR d IN @@c RETURN d", json!({ "@c": 5 })).await.error(), (400, 1553));
    assert_eq!(client.query("RETURN { a: 1 }.@name", json!({ "name": "a" })).await.row(), 1);
    let hostile = "') RETURN 1 //";
    assert_eq!(client.query("RETURN @a", json!({ "a": hostile })).await.row(), hostile);
}

#[tokio::test]
async fn a_sleeping_query_is_ended_after_its_longest_time() {
    let (_server, client) = ready().await;
    let body = json!({ "query": "RETURN SLEEP(60)", "options": { "maxRuntime": 0.02 } });
    assert_eq!(client.post("/_api/cursor", &body).await.error(), (410, 1500));
    assert_eq!(client.value("RETURN SLEEP(0.001)").await, Json::Null);
}
