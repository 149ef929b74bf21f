//! A plugin that does as it should.

use std::sync::{Arc, Mutex};

use postroom_egress::WireState;
use postroom_runtime::contract::{
    Act, ActOutcome, ItemOutcome, Member, Recipient, RemoteStatus, TagChange, TagOutcome, TemplateOutcome,
    TemplateResult, TemplateSend,
};
use postroom_runtime::{CallError, Capability, LogSink, LogSource};

use crate::provider::Provider;
use crate::stage::{NOW_MS, account, healthy, job, plain, writes};

#[tokio::test]
async fn a_push_goes_out_and_comes_back() {
    let (plugin, provider) = (healthy().await, Provider::start().await);
    let account = account(plugin, &provider);
    let prepared = plugin.prepare(job(account.clone()), "a1").await.result.unwrap();
    assert_eq!(prepared, b"a1");

    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut spec = job(account);
    spec.log = LogSink::to({
        let seen = Arc::clone(&seen);
        move |line| seen.lock().unwrap().push(line.clone())
    });
    let report = plugin.push(spec, "a1", &prepared, &writes(500)).await;

    let answer = report.result.unwrap();
    assert_eq!(answer.items.len(), 500);
    let first = answer.items.first().unwrap();
    assert_eq!(first.key, 1);
    assert_eq!(first.outcome, ItemOutcome::Created);
    assert_eq!(first.status, Some(RemoteStatus::Subscribed));
    assert_eq!(provider.writes(), 1);
    assert_eq!(report.wire.requests, 1);
    assert_eq!(report.wire.last, WireState::Answered(200));
    assert_eq!(report.wire.writes_answered, 1);
    assert_eq!(report.host_calls, 2);
    assert!(report.peak_memory > 0);
    assert!(report.cpu <= report.duration);
    assert_eq!(report.log.len(), 1);
    let line = report.log.first().unwrap();
    assert_eq!((line.source, line.message.as_str()), (LogSource::Log, "pushing"));
    assert_eq!(line.fields, [("contacts".to_owned(), "500".to_owned())]);
    assert_eq!(*seen.lock().unwrap(), report.log);
}

#[tokio::test]
async fn a_job_knows_its_settings_and_its_time() {
    let (plugin, provider) = (healthy().await, Provider::start().await);
    let account = account(plugin, &provider);
    let info = plugin.check(job(account)).await.result.unwrap();
    assert_eq!(info.name, "Acme");
    let fact = |name: &str| info.facts.iter().find(|(label, _)| label == name).unwrap().1.as_str();
    assert_eq!((fact("mode"), fact("now")), ("fast", NOW_MS.to_string().as_str()));
}

#[tokio::test]
async fn every_capability_answers() {
    let (plugin, provider) = (healthy().await, Provider::start().await);
    let account = account(plugin, &provider);
    let job = || job(account.clone());

    let tags = ["new".to_owned(), "old".to_owned()];
    let [new, old] = &tags;
    let prepared =
        plugin.tags_prepare(job(), "a1", std::slice::from_ref(new), std::slice::from_ref(old)).await.result.unwrap();
    let change = TagChange {
        key: 7,
        address: "c7@example.com".to_owned(),
        remote_id: None,
        observed: Some(RemoteStatus::Subscribed),
        add: vec![new.clone()],
        remove: vec![old.clone()],
    };
    let applied = plugin.tags_apply(job(), "a1", &prepared, &[change]).await;
    let outcomes: Vec<_> =
        applied.result.unwrap().items.into_iter().map(|item| (item.key, item.tag, item.outcome)).collect();
    assert_eq!(outcomes, [(7, new.clone(), TagOutcome::Applied), (7, old.clone(), TagOutcome::Already)]);

    let member = Member { key: 7, address: "c7@example.com".to_owned(), remote_id: None };
    let changed = plugin.subscriptions_change(job(), "a1", Act::Unsubscribe, &[member]).await.result.unwrap();
    assert_eq!(changed.items.first().unwrap().outcome, ActOutcome::Done);

    let audiences = plugin.list_audiences(job()).await.result.unwrap();
    assert_eq!(audiences.first().unwrap().id, "a1");
    let fields = plugin.list_fields(job(), "a1").await.result.unwrap();
    assert_eq!(fields.first().unwrap().name, "FNAME");

    let templates = plugin.list_templates(job()).await.result.unwrap();
    let template = &templates.first().unwrap().id;
    let recipient = Recipient { key: 7, address: "c7@example.com".to_owned(), fields: vec![] };
    let send = TemplateSend {
        template: template.clone(),
        effect_key: "send:1".to_owned(),
        recipients: vec![recipient],
        extras: vec![],
    };
    let sent = plugin.send_template(job(), &send).await.result.unwrap();
    let [TemplateResult { key: 7, outcome: TemplateOutcome::Accepted(Some(id)) }] = &sent.items[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(id, "send:1-7");
    assert!(plugin.sending_terms().unwrap().is_not_processed(503));
}

#[tokio::test]
async fn a_missing_capability_is_an_answer_of_its_own() {
    let (plugin, provider) = (plain().await, Provider::start().await);
    let report = plugin.list_audiences(job(account(plugin, &provider))).await;
    assert_eq!(report.result.unwrap_err(), CallError::Unsupported { capability: Capability::Audiences });
    assert_eq!(plugin.sending_terms(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_side_by_side() {
    let (plugin, provider) = (healthy().await, Provider::start().await);
    let account = account(plugin, &provider);
    let jobs: Vec<_> = (0..20)
        .map(|_| {
            let account = account.clone();
            tokio::spawn(async move { plugin.push(job(account), "a1", b"{}", &writes(50)).await.result })
        })
        .collect();
    for job in jobs {
        assert_eq!(job.await.unwrap().unwrap().items.len(), 50);
    }
    assert_eq!(provider.writes(), 20);
}
