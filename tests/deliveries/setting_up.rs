//! A store as an operator leaves it: a plugin, an account, a list, a sync that follows it, and people who said yes.

use std::sync::{Arc, OnceLock};

use jiff::SignedDuration;
use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::decision::Newcomers;
use postroom_domain::narrowing::Scope;
use postroom_domain::schedule::Triggers;
use postroom_runtime::Compiler;
use postroom_service::accounts::AddAccount;
use postroom_service::consent::StateConsent;
use postroom_service::contacts::AddContact;
use postroom_service::plugins::{InstallPlugin, StatedSource};
use postroom_service::syncs::{AddSync, SyncSource};
use postroom_service::{Service, ServiceError, Setup};
use postroom_simulators::messages::Running;
use postroom_sqlite::{FolderWitness, SqliteStore};
use postroom_store::accounts::Secret;
use postroom_store::clock::ManualClock;
use postroom_sync::RunOptions;
use zeroize::Zeroizing;

use crate::building::guest;
use crate::words::{ACCOUNT, Beginning, LIST, SYNC};

/// The plugin, which is built once.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| guest("sender"))
}

/// Makes the store, and sends these people to the provider.
pub(crate) async fn set_up(beginning: &Beginning, provider: &Running, people: &[(String, String)]) {
    let store = SqliteStore::create(&beginning.store, "Test", beginning.now).unwrap();
    let service = Service::new(Setup {
        store: Arc::new(store),
        bundled: Vec::new(),
        compiler: Compiler::InProcess,
        compile_cache: Some(beginning.compiled.clone()),
        clock: Arc::new(ManualClock::at(beginning.now)),
    });
    let service = Arc::new(service.witnessed_by(Arc::new(FolderWitness::new(&beginning.store, &beginning.state))));
    service.check_instance().await.unwrap();
    install(&service).await;
    let key = Secret(Zeroizing::new(provider.api_key.clone()));
    let account = AddAccount {
        name: ACCOUNT.to_owned(),
        plugin: "sender".to_owned(),
        origins: [("api".to_owned(), provider.base_url.clone())].into(),
        insecure_origin: true,
        secrets: [("api-key".to_owned(), key)].into(),
        ..AddAccount::default()
    };
    service.add_account(account).await.unwrap();
    service.create_list(LIST).await.unwrap();
    let sync = AddSync {
        name: SYNC.to_owned(),
        source: SyncSource::List(LIST.to_owned()),
        account: ACCOUNT.to_owned(),
        audience: "everyone".to_owned(),
        map: Some(vec!["firstname=name".to_owned()]),
        newcomers: Newcomers::Skip,
        tag: None,
        purpose: None,
        breaker_percent: Some(100),
    };
    service.add_sync(sync).await.unwrap();
    for (email, name) in people {
        greet(&service, email, name).await;
    }
    service.run_sync(SYNC, &RunOptions { approved: true, ..RunOptions::default() }, |_| {}).await.unwrap();
    service.schedule_sync(SYNC, &Triggers::new(None, Some(SignedDuration::ZERO)).unwrap()).await.unwrap();
}

async fn install(service: &Service) {
    let source = StatedSource::Word("the tests".to_owned());
    let mut request = InstallPlugin { component: component().to_vec(), source, approve: None };
    match service.install_plugin(request.clone()).await {
        Err(ServiceError::PluginNeedsApproval(asked)) => request.approve = Some(asked.digest.clone()),
        other => panic!("nobody asked: {other:?}"),
    }
    service.install_plugin(request).await.unwrap();
}

async fn greet(service: &Service, email: &str, name: &str) {
    let request = AddContact {
        email: email.to_owned(),
        values: vec![("firstname".to_owned(), name.to_owned())],
        lists: vec![LIST.to_owned()],
        ..AddContact::default()
    };
    service.add_contact(request).await.unwrap();
    service.state_consent(said(email, ConsentAct::Granted)).await.unwrap();
}

/// What a contact says of its consent, now.
pub(crate) fn said(email: &str, act: ConsentAct) -> StateConsent {
    StateConsent {
        who: email.to_owned(),
        act,
        scope: Scope::Whole,
        source: ConsentSource::Contact,
        evidence: Some("a form".to_owned()),
        origin: None,
        wording: None,
        ip: None,
        at: None,
    }
}
