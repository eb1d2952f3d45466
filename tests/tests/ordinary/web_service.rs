//! Two processes of a web service under 50 concurrent requests for 3 customers, with clients that hang up and a graceful
//! shutdown.

use std::collections::BTreeMap;

use reqwest::Client;
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    folder::Folder,
    on_each_store,
    program::{Program, Stage},
    report::Report,
    shop::{PATIENCE, serve},
};

on_each_store!(serve, orders);

const CUSTOMERS: u64 = 3;
const REQUESTS: u64 = 50;
/// Of the requests that find their customer's lock held, so many hang up while they wait.
const HANG_UPS: u64 = 9;
/// Those who stay want more time together than they have.
const WORK_MS: u64 = 400;
/// The first order of each customer takes until its client hangs up.
const ENDLESS_MS: u64 = 600_000;

async fn orders(stage: &Stage) {
    let shops = ["a", "b"].map(|name| stage.start(name));
    let city = City::new(stage.folder(), &shops);

    let endless: Vec<_> = (0..CUSTOMERS).map(|id| city.send(id, ENDLESS_MS)).collect();
    city.folder.until("the first of each customer are at work", |folder| folder.noted("works").len() == 3).await;
    let impatient: Vec<_> = (CUSTOMERS..CUSTOMERS + HANG_UPS).map(|id| city.send(id, WORK_MS)).collect();
    let patient: Vec<_> = (CUSTOMERS + HANG_UPS..REQUESTS).map(|id| (id, city.send(id, WORK_MS))).collect();
    city.folder.until("all have begun", |folder| folder.noted("began").len() == 50).await;
    hang_up(impatient);
    city.folder.until("who waited is gone", |folder| folder.noted("gone").len() == 9).await;
    hang_up(endless);
    let answers = city.collect(patient).await;
    let (taken, refused) = (statuses(&answers, 200), statuses(&answers, 409));
    println!("{:?}: {taken} orders were taken, {refused} had waited for {PATIENCE:?}", stage.kind);
    assert!(taken >= 3, "at least one of each customer: {answers:?}");
    assert!(refused > 0, "there was too much to do: {answers:?}");
    assert_eq!(city.folder.noted("gone").len(), 12, "the others have an answer");

    let last: Vec<_> = (REQUESTS..REQUESTS + 2 * CUSTOMERS).map(|id| (id, city.send(id, WORK_MS))).collect();
    city.folder.until("the last have begun", |folder| folder.noted("began").len() == 56).await;
    shops.iter().for_each(Program::terminate);
    let last = city.collect(last).await;
    assert_eq!(statuses(&last, 200), 6, "what is under way is done: {last:?}");

    let reports = shops.map(Program::report);
    city.assert_accounted(answers.iter().chain(&last), &reports);
    assert_eq!(stage.held().await, Vec::<String>::new());
}

/// Drops the connections.
fn hang_up(requests: Vec<JoinHandle<Answer>>) {
    requests.into_iter().for_each(|request| request.abort());
}

type Answer = (u16, String);

fn statuses(answers: &BTreeMap<u64, Answer>, status: u16) -> usize {
    answers.values().filter(|answer| answer.0 == status).count()
}

/// Where the clients are.
struct City {
    folder: Folder,
    client: Client,
    shops: [Shop; 2],
}

struct Shop {
    address: String,
    /// How others see it where it holds a lock.
    holder: String,
}

impl City {
    fn new(folder: Folder, shops: &[Program; 2]) -> Self {
        let holder = |name, shop: &Program| format!("{name} (pid {})", shop.id());
        let shop = |name, shop: &Program| Shop { address: shop.says(), holder: holder(name, shop) };
        let [a, b] = shops;
        Self { folder, client: Client::new(), shops: [shop("a", a), shop("b", b)] }
    }

    /// Sends an order. The customers take turns, and each goes to both shops.
    fn send(&self, id: u64, work_ms: u64) -> JoinHandle<Answer> {
        let (customer, turn) = (id % CUSTOMERS, id / CUSTOMERS);
        let shop = if turn.is_multiple_of(2) { &self.shops[0] } else { &self.shops[1] };
        let url = format!("http://{}/customers/{customer}/orders/{id}/{work_ms}", shop.address);
        let request = self.client.post(url).send();
        tokio::spawn(async move {
            let answer = request.await.expect("the service answers");
            (answer.status().as_u16(), answer.text().await.expect("a text"))
        })
    }

    /// The answers, each of which is right.
    async fn collect(&self, requests: Vec<(u64, JoinHandle<Answer>)>) -> BTreeMap<u64, Answer> {
        let mut answers = JoinSet::new();
        for (id, request) in requests {
            answers.spawn(async move { (id, request.await.expect("answered")) });
        }
        let answers: BTreeMap<u64, Answer> = answers.join_all().await.into_iter().collect();
        for (id, (status, text)) in &answers {
            match status {
                200 => assert_eq!(*text, format!("order {id} is taken")),
                409 => assert!(self.shops.iter().any(|shop| shop.holder == *text), "{id}: the holder is {text:?}"),
                _ => panic!("{id}: {status} {text}"),
            }
        }
        answers
    }

    /// Clients, services and their numbers tell the same story.
    fn assert_accounted<'a>(&self, answers: impl Iterator<Item = (&'a u64, &'a Answer)>, reports: &[Report; 2]) {
        let mut ends = Vec::new();
        for status in ["200", "409", "gone"] {
            ends.extend(self.folder.noted(status).iter().map(|who| (who[2..].to_owned(), status.to_owned())));
        }
        let ended: BTreeMap<String, String> = ends.iter().cloned().collect();
        assert_eq!((ends.len(), ended.len()), (56, 56), "each request has ended once: {:#?}", self.folder.journal());
        for (id, (status, _)) in answers {
            assert_eq!(ended[&id.to_string()], status.to_string(), "{id}");
        }
        for (name, report) in ["a", "b"].iter().zip(reports) {
            let noted =
                |what| self.folder.noted(what).iter().filter(|line| line.split(' ').next() == Some(name)).count();
            let (began, granted, timed_out) = (noted("began"), noted("works"), noted("409"));
            let counted = |outcome: &str| report.count(&format!("acquisitions_total {outcome}"));
            assert_eq!(counted("granted"), granted, "{report:#?}");
            assert_eq!(counted("timed_out"), timed_out, "{report:#?}");
            assert_eq!(counted("cancelled"), began - granted - timed_out, "{report:#?}");
        }
    }
}
