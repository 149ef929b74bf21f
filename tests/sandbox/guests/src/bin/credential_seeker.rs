//! Looks for the credential wherever a program might find one.

use kit::{AccountInfo, Plugin, ProviderError, context, facts};

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let mut found = context::settings();
        found.push(("variables".into(), format!("{:?}", std::env::vars().collect::<Vec<_>>())));
        found.push(("arguments".into(), format!("{:?}", std::env::args().collect::<Vec<_>>())));
        found.push(("folder".into(), format!("{:?}", std::env::current_dir())));
        let mut line = String::new();
        found.push(("input".into(), format!("{:?} {line:?}", std::io::stdin().read_line(&mut line))));
        facts(found)
    }
}

kit::plugin!(Guest);
