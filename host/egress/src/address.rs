//! Which addresses may be connected to.
//!
//! One ordered table per family, read top down, the first match decides. The judgement is always
//! on the address itself, in its canonical form: how somebody spelled it (`127.1`, `0x7f000001`,
//! `::ffff:127.0.0.1`) has been parsed away before, and an IPv4 address inside an IPv6 one is
//! judged as the IPv4 address that the packet will reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What an address is, as far as a plugin's request is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Globally reachable: always allowed.
    Public,
    /// This machine or its own network: allowed only for an origin that the operator entered with
    /// `--insecure-origin`.
    Local(&'static str),
    /// Never allowed, whatever the operator says: no provider lives there, but cloud metadata
    /// services (which hand out credentials) do.
    Forbidden(&'static str),
}

impl AddressClass {
    /// Whether an origin may connect there; `insecure` is the operator's `--insecure-origin`.
    #[must_use]
    pub fn allowed(self, insecure: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Local(_) => insecure,
            Self::Forbidden(_) => false,
        }
    }
}

const METADATA: AddressClass = AddressClass::Forbidden("a cloud metadata service");
const LINK_LOCAL: AddressClass = AddressClass::Forbidden("a link-local address");
const DOCUMENTATION: AddressClass = AddressClass::Forbidden("a documentation address");
const MULTICAST: AddressClass = AddressClass::Forbidden("a multicast address");
const RESERVED: AddressClass = AddressClass::Forbidden("a reserved address");
const TUNNEL: AddressClass = AddressClass::Forbidden("a tunnel address");
const LOOPBACK: AddressClass = AddressClass::Local("a loopback address");
const PRIVATE: AddressClass = AddressClass::Local("a private address");
const SHARED: AddressClass = AddressClass::Local("a carrier-grade NAT address");

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(head: [u16; 4], tail: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = head;
    let [e, f, g, h] = tail;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

const ZERO: [u16; 4] = [0; 4];

/// From the IANA special-purpose registry, preceded by metadata services that sit in ranges which
/// are otherwise public or can be opened.
const V4: &[(Ipv4Net, AddressClass)] = &[
    (v4(168, 63, 129, 16, 32), METADATA),
    (v4(100, 100, 100, 200, 32), METADATA),
    (v4(169, 254, 169, 254, 32), METADATA),
    (v4(0, 0, 0, 0, 8), RESERVED),
    (v4(10, 0, 0, 0, 8), PRIVATE),
    (v4(100, 64, 0, 0, 10), SHARED),
    (v4(127, 0, 0, 0, 8), LOOPBACK),
    (v4(169, 254, 0, 0, 16), LINK_LOCAL),
    (v4(172, 16, 0, 0, 12), PRIVATE),
    (v4(192, 0, 0, 0, 24), RESERVED),
    (v4(192, 0, 2, 0, 24), DOCUMENTATION),
    (v4(192, 88, 99, 0, 24), TUNNEL),
    (v4(192, 168, 0, 0, 16), PRIVATE),
    (v4(198, 18, 0, 0, 15), RESERVED),
    (v4(198, 51, 100, 0, 24), DOCUMENTATION),
    (v4(203, 0, 113, 0, 24), DOCUMENTATION),
    (v4(224, 0, 0, 0, 4), MULTICAST),
    (v4(240, 0, 0, 0, 4), RESERVED),
];

const V6: &[(Ipv6Net, AddressClass)] = &[
    (v6([0xfd00, 0xec2, 0, 0], [0, 0, 0, 0x254], 128), METADATA),
    (v6([0xfd00, 0xec2, 0, 0], [0, 0, 0, 0x23], 128), METADATA),
    (v6([0xfd20, 0xce, 0, 0], [0, 0, 0, 0x254], 128), METADATA),
    (v6(ZERO, [0, 0, 0, 1], 128), LOOPBACK),
    (v6([0xfc00, 0, 0, 0], ZERO, 7), PRIVATE),
    (v6([0xfe80, 0, 0, 0], ZERO, 10), LINK_LOCAL),
    (v6([0xff00, 0, 0, 0], ZERO, 8), MULTICAST),
    (v6([0x2001, 0xdb8, 0, 0], ZERO, 32), DOCUMENTATION),
    (v6([0x3fff, 0, 0, 0], ZERO, 20), DOCUMENTATION),
    // Teredo and 6to4 carry an IPv4 address of the sender's choice past the table above.
    (v6([0x2001, 0, 0, 0], ZERO, 32), TUNNEL),
    (v6([0x2002, 0, 0, 0], ZERO, 16), TUNNEL),
    // The rest of the IETF protocol assignments (benchmarking, ORCHID and the like).
    (v6([0x2001, 0, 0, 0], ZERO, 23), RESERVED),
];

/// The only block from which global unicast addresses are given out.
const V6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0], ZERO, 3);

/// NAT64: the last 32 bits are the IPv4 address that the translator connects to. Networks without
/// IPv4 reach every IPv4 provider through it, so it cannot simply be refused.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0], ZERO, 96);

/// What this address is.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    V4.iter().find(|(net, _)| net.contains(&address)).map_or(AddressClass::Public, |(_, class)| *class)
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return classify_v4(mapped);
    }
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return classify_v4(Ipv4Addr::new(a, b, c, d));
    }
    if let Some((_, class)) = V6.iter().find(|(net, _)| net.contains(&address)) {
        return *class;
    }
    if V6_GLOBAL.contains(&address) { AddressClass::Public } else { RESERVED }
}

#[cfg(test)]
mod tests;
