//! The child: this very test program, called with the name of one test that does nothing otherwise.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postroom_domain::consent::{ConsentAct, ConsentState};
use postroom_domain::intent::{Class, Delivery, IntentId, IntentKind, IntentState};
use postroom_runtime::Compiler;
use postroom_service::contacts::AddContact;
use postroom_service::intents::ResolveDoubt;
use postroom_service::{Service, ServiceError, Setup};
use postroom_sqlite::{Access, FolderWitness, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::AccountStore as _;
use postroom_store::clock::ManualClock;
use postroom_store::intents::{Intent, IntentDraft, IntentQuery, IntentStore as _, MessageWant};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::house::GLANCE;
use crate::setting_up::said;
use crate::words::{ACCOUNT, BEGINNING, Beginning, Command, Done, LIST, TEMPLATE, Word};

/// How long what is under way may take once the child is told to end, as in the program.
const GRACE: Duration = Duration::from_secs(25);
/// What the child ends with when one of its loops failed: then the daemon ends too.
const FAILED: i32 = 3;

struct Child {
    service: Arc<Service>,
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    beginning: Beginning,
}

#[test]
#[ignore = "the process that the other tests of this suite start and end"]
fn child() {
    let Ok(beginning) = std::env::var(BEGINNING) else { return };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let beginning: Beginning = serde_json::from_str(&beginning).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let is_well = runtime.block_on(Child::open(beginning).work());
    std::process::exit(if is_well { 0 } else { FAILED });
}

/// Says something past the test harness, which keeps to itself what tests print.
fn say(word: &Word) {
    let line = serde_json::to_string(word).unwrap();
    let mut out = std::io::stdout().lock();
    // The harness may have begun a line.
    write!(out, "\n{line}\n").and_then(|()| out.flush()).unwrap();
}

impl Child {
    fn open(beginning: Beginning) -> Self {
        let clock = Arc::new(ManualClock::at(beginning.now));
        let store = Arc::new(opened(&beginning.store));
        let service = Service::new(Setup {
            store: store.clone(),
            bundled: Vec::new(),
            compiler: Compiler::InProcess,
            compile_cache: Some(beginning.compiled.clone()),
            clock: clock.clone(),
        });
        let witness = FolderWitness::new(&beginning.store, &beginning.state);
        Self { service: Arc::new(service.witnessed_by(Arc::new(witness))), store, clock, beginning }
    }

    /// Works as the daemon does; answers whether all of it ended well.
    async fn work(self) -> bool {
        let held = self.service.check_instance().await.unwrap().map(|held| held.why);
        let at_work = TaskTracker::new();
        let service = &self.service;
        say(&Word::Ready { held });
        let failed = tokio::select! {
            ended = service.keep_schedules(&at_work) => ended.err(),
            ended = service.keep_lanes(&at_work) => ended.err(),
            ended = service.keep_timers() => ended.err(),
            () = self.obey() => None,
        };
        service.closing().cancel();
        at_work.close();
        let is_over = tokio::time::timeout(GRACE, at_work.wait()).await.is_ok();
        if let Some(error) = &failed {
            tracing::error!(%error, "a loop ended");
        }
        failed.is_none() && is_over
    }

    /// Does what it is told until it is to stop, or nobody is there any more who tells it anything.
    async fn obey(&self) {
        let (sender, mut commands) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let command: Command = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(command).is_err() {
                    return;
                }
            }
        });
        while let Some(command) = commands.recv().await {
            if matches!(command, Command::Stop) {
                return;
            }
            match self.act(command).await {
                Ok(consent) => say(&Word::Done(self.done(consent).await)),
                Err(why) => say(&Word::Refused { why }),
            }
        }
    }

    async fn act(&self, command: Command) -> Result<Option<ConsentState>, String> {
        let said = |error: ServiceError| error.to_string();
        match command {
            Command::Plan { key, to, due_at, valid_until } => {
                let contact = self.service.contact(&to).await.map_err(said)?.contact;
                let name = [("name".to_owned(), to)];
                let draft = IntentDraft {
                    effect_key: key,
                    account: self.store.account(ACCOUNT).await.unwrap().id,
                    contact: Some(contact.id),
                    kind: IntentKind::TemplateSend,
                    delivery: Delivery::AtMostOnce,
                    class: Class::Automation,
                    target: TEMPLATE.to_owned(),
                    list: None,
                    purpose: None,
                    want: serde_json::to_string(&MessageWant { fields: name.into() }).unwrap(),
                    based_on: 1,
                    due_at,
                    valid_until: Some(valid_until),
                };
                self.store.plan_intents(&[draft], self.now()).await.map_err(|error| error.to_string())?;
            }
            Command::Save { email, name } => {
                let values = vec![("firstname".to_owned(), name)];
                let request = AddContact { email, values, lists: vec![LIST.to_owned()], ..AddContact::default() };
                self.service.add_contact(request).await.map_err(said)?;
            }
            Command::OptOut { email } => return self.state(&email, ConsentAct::Withdrawn).await,
            Command::OptIn { email } => return self.state(&email, ConsentAct::Granted).await,
            Command::Clock { now } => self.clock.set(now),
            Command::Resume => {
                self.service.resume(true).await.map_err(said)?;
            }
            Command::Resolve { key, settlement } => {
                let (by, evidence) = ("Petra".to_owned(), "the provider's own book".to_owned());
                let intent = self.doubt(&key).await.ok_or("it is in no doubt")?;
                self.service.resolve_doubt(ResolveDoubt { intent, settlement, by, evidence }).await.map_err(said)?;
            }
            Command::Full { room } => limit_files(Some(self.size() + room)),
            Command::Room => limit_files(None),
            Command::Stop => {}
        }
        Ok(None)
    }

    async fn state(&self, email: &str, act: ConsentAct) -> Result<Option<ConsentState>, String> {
        match self.service.state_consent(said(email, act)).await {
            Ok(recorded) => Ok(Some(recorded.consent)),
            Err(ServiceError::ConsentStands { state, .. }) => Ok(Some(state)),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn done(&self, consent: Option<ConsentState>) -> Done {
        // In this order, so that what is armed in between is seen at least once.
        let claimed = self.in_state(IntentState::Claimed).await;
        let armed = self.in_state(IntentState::Armed).await;
        let batches = armed.iter().filter(|intent| intent.run.is_some()).count();
        let armed = armed.into_iter().filter(|intent| intent.run.is_none()).map(|intent| intent.effect_key);
        let claimed = claimed.into_iter().map(|intent| intent.effect_key);
        Done { consent, armed: armed.collect(), claimed: claimed.collect(), batches }
    }

    async fn doubt(&self, key: &str) -> Option<IntentId> {
        let doubts = self.in_state(IntentState::InDoubt).await;
        doubts.into_iter().find(|intent| intent.effect_key == key).map(|intent| intent.id)
    }

    async fn in_state(&self, state: IntentState) -> Vec<Intent> {
        let query = IntentQuery { state: Some(state), limit: 1_000, ..IntentQuery::default() };
        self.store.intents(&query).await.unwrap()
    }

    fn now(&self) -> jiff::Timestamp {
        postroom_store::clock::Clock::now(self.clock.as_ref())
    }

    /// The size of the log, which is what grows with each commit.
    fn size(&self) -> u64 {
        self.beginning.store.join("postroom.db-wal").metadata().map_or(0, |log| log.len())
    }
}

/// Opens the store. The parent's lock may outlive what the parent had open, for as long as another child that it starts
/// takes from its fork to its own program.
fn opened(folder: &Path) -> SqliteStore {
    let begin = Instant::now();
    loop {
        match SqliteStore::open(folder, Access::Write { verb: "daemon" }) {
            Err(StoreError::Held { .. }) if begin.elapsed() < GRACE => std::thread::sleep(GLANCE),
            opened => return opened.unwrap(),
        }
    }
}

/// Lets writes fail that would make a file longer than this, as on a disk that is full.
fn limit_files(current: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: current.or(maximum), maximum }).unwrap();
}
