//! The base URL that an operator enters, as an override or for an installation of their own.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::{AddressClass, classify};

/// Whether the name means this machine by definition.
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// Reads and checks it. The error is the part of a sentence behind the origin's label.
pub(super) fn base_url(entered: &str, insecure: bool) -> Result<Url, String> {
    let entered = entered.trim();
    let text = if entered.contains("://") { entered.to_owned() } else { format!("https://{entered}") };
    let mut url = Url::parse(&text).map_err(|error| {
        format!("the entered address is no URL ({error}). Enter one such as https://mail.example.com.")
    })?;
    // From here on the URL is not printed before the credentials in it have been ruled out.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the entered address contains a user name or password. Put credentials into their \
             slots, and only the address here."
            .to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure => {}
        "http" => {
            return Err(format!(
                "`{url}` is not encrypted. Use https://, or add --insecure-origin if credentials \
                 and contacts may travel in the clear."
            ));
        }
        scheme => return Err(format!("`{scheme}` is not supported. Use an https:// address.")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{url}` contains a `?` or `#`. Enter the address up to its path."));
    }
    let class = match url.host() {
        Some(Host::Ipv4(address)) => classify(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => classify(IpAddr::V6(address)),
        Some(Host::Domain(name)) if is_localhost(name) => AddressClass::Local("this machine"),
        Some(Host::Domain(_)) => AddressClass::Public,
        None => return Err(format!("`{url}` names no host.")),
    };
    match class {
        AddressClass::Forbidden(what) => {
            return Err(format!("`{url}` is {what}, where no provider is ever reached."));
        }
        AddressClass::Local(what) if !insecure => {
            return Err(format!("`{url}` is {what}. Add --insecure-origin if this account is meant to reach it."));
        }
        AddressClass::Local(_) | AddressClass::Public => {}
    }
    crate::path::check(url.path()).map_err(|problem| format!("the path of `{url}` is refused: {problem}"))?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}
