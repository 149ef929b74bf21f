//! Opens a connection of its own.

use kit::{AccountInfo, Plugin, ProviderError, facts};

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        facts(vec![("socket".into(), format!("{:?}", std::net::TcpStream::connect("127.0.0.1:1")))])
    }
}

kit::plugin!(Guest);
