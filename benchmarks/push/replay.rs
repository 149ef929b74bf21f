//! The same requests without plan, projection and sandbox.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use jiff::Timestamp;
use postroom_domain::decision::TagState;
use postroom_domain::outcome::OutcomeClass;
use postroom_domain::projection::ContentHash;
use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, Credential, JobBudget, JobLimits, Method, OriginDeclaration,
    OriginInputs, OriginTemplate, Request, Secret, SlotKind, Timeouts, Transport, TransportOptions, Urgency,
};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::discovery::Look;
use postroom_store::runs::{
    BatchRecord, Confirmation, ConfirmedContent, Outcome, RunStart, RunStore, SnapshotContent, TagOutcome,
};
use postroom_store::syncs::SyncStore;
use serde_json::Value;

use crate::stage::{AUDIENCE, House, LIST, Provider, own_cpu};

/// As many batches at once as the plugin asks for.
const AT_ONCE: usize = 8;
/// Entries per read of the store.
const PAGE: usize = 2_000;

/// A push: what it sent and what it recorded.
pub(crate) struct Replay {
    /// What makes the list's tag.
    tag: Request,
    batches: Vec<Batch>,
}

struct Batch {
    creation: Request,
    tagging: Request,
    record: BatchRecord,
}

impl Replay {
    /// The batches of the push that these writes were, as the store recorded them.
    pub(crate) async fn of(house: &House, writes: Vec<Value>) -> Self {
        let mut records = records(house).await;
        let (tags, writes): (Vec<Value>, Vec<Value>) =
            writes.into_iter().partition(|write| write["body"]["static_segment"].is_array());
        let [tag] = tags.as_slice() else { panic!("a push makes its list's tag once") };
        let (creations, taggings): (Vec<Value>, Vec<Value>) =
            writes.into_iter().partition(|write| write["body"]["members"].is_array());
        let first = |tagging: &Value| tagging["body"]["members_to_add"][0].as_str().unwrap().to_owned();
        let mut taggings: HashMap<String, Value> =
            taggings.into_iter().map(|tagging| (first(&tagging), tagging)).collect();
        let batches = creations.into_iter().map(|creation| {
            let members = creation["body"]["members"].as_array().unwrap();
            let addresses: Vec<&str> = members.iter().map(|member| member["email_address"].as_str().unwrap()).collect();
            let mut record = BatchRecord::default();
            let mut tagging = None;
            for address in addresses {
                let (confirmed, outcome, tag) = records.remove(address).unwrap();
                record.tags.push((confirmed.contact, tag));
                record.confirmed.push(confirmed);
                record.outcomes.push(outcome);
                tagging = tagging.or(taggings.remove(address));
            }
            Batch { creation: request(&creation), tagging: request(&tagging.unwrap()), record }
        });
        let batches: Vec<_> = batches.collect();
        assert!(taggings.is_empty() && records.is_empty(), "every request and every record has its batch");
        Self { tag: request(tag), batches }
    }

    /// Sends and records everything: seconds of wall and of processor time.
    pub(crate) async fn run(self, house: &House, provider: &Provider) -> (f64, f64) {
        let (began, cpu) = (Instant::now(), own_cpu());
        let store = SqliteStore::open(&house.store(), Access::Write { verb: "bench" }).unwrap();
        let sync = store.sync(LIST).await.unwrap().id;
        let start = RunStart { sync, first: None, plugin_digest: String::new(), unchanged: 0, at: Timestamp::now() };
        let run = store.begin_run(&start).await.unwrap();
        let (store, egress) = (&store, &egress(provider));
        let tag: Value = serde_json::from_slice(&send(egress, self.tag).await).unwrap();
        // It has another number here, since the members have not taken theirs yet.
        let tag = &format!("/3.0/lists/{AUDIENCE}/segments/{}", tag["id"]);
        iter(self.batches)
            .for_each_concurrent(AT_ONCE, |Batch { creation, tagging, record }| async move {
                send(egress, creation).await;
                send(egress, Request { path: tag.clone(), ..tagging }).await;
                store.record_batch(run, record).await.unwrap();
            })
            .await;
        (began.elapsed().as_secs_f64(), own_cpu() - cpu)
    }
}

async fn send(egress: &AccountEgress, request: Request) -> Vec<u8> {
    let response = egress.send(request, &JobBudget::new(JobLimits::default(), Urgency::Bulk)).await.unwrap();
    assert_eq!(response.status, 200);
    response.body
}

/// What the store holds of each contact after the push, by its address.
async fn records(house: &House) -> HashMap<String, (Confirmation, Outcome, TagState)> {
    let store = SqliteStore::open(&house.store(), Access::Read).unwrap();
    let sync = store.sync(LIST).await.unwrap().id;
    let mut records = HashMap::new();
    let look =
        Look { sync, settings: ContentHash::default(), plugin_digest: String::new(), full: true, at: Timestamp::now() };
    let open = store.open_entries(&look).await.unwrap();
    let mut places = open.page(0, PAGE);
    while let Some(last) = places.last().copied() {
        for row in store.snapshot(sync, ContentHash::default(), &places).await.unwrap().rows {
            let SnapshotContent::Contact(contact) = row.content else { panic!("every guest is a contact") };
            let there = contact.confirmed.unwrap();
            let outcome = Outcome {
                entry: Some(row.entry),
                position: row.position,
                contact: Some(contact.contact),
                class: Some(OutcomeClass::Added),
                reason: None,
                tag: Some(TagOutcome::Added),
                left_out: Vec::new(),
                address_omitted: false,
            };
            let content = ConfirmedContent { address: there.address, hash: there.hash, base: there.base };
            let confirmed = Confirmation {
                contact: contact.contact,
                remote_id: there.remote_id,
                status: there.status,
                content: Some(content),
            };
            records.insert(contact.address.as_str().to_owned(), (confirmed, outcome, contact.tag));
        }
        places = open.page(last, PAGE);
    }
    records
}

fn request(write: &Value) -> Request {
    let query = write["query"].as_str().unwrap();
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Request {
        origin: "api".to_owned(),
        method: Method::Post,
        path: write["path"].as_str().unwrap().to_owned(),
        query,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(serde_json::to_vec(&write["body"]).unwrap()),
        safe_to_repeat: true,
    }
}

fn egress(provider: &Provider) -> AccountEgress {
    let declaration =
        OriginDeclaration { label: "api".to_owned(), template: "https://us6.api.mailchimp.com".to_owned(), part: None };
    let url = provider.base_url.as_str();
    let inputs = OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure: true };
    let key = Secret::new("api-key", zeroize::Zeroizing::new(provider.api_key.clone()));
    AccountEgress::new(AccountConfig {
        account: "mc".to_owned(),
        origins: vec![OriginTemplate::parse(declaration).unwrap().resolve(&inputs).unwrap()],
        credentials: vec![Credential {
            secret: key,
            kind: SlotKind::Basic { username: "postroom".to_owned() },
            origin: "api".to_owned(),
        }],
        limits: AccountLimits { max_concurrency: NonZeroU32::new(8).unwrap(), ..AccountLimits::default() },
        timeouts: Timeouts::default(),
        transport: Transport::new(TransportOptions::default()),
    })
    .unwrap()
}
