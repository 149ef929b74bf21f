use super::*;

fn class(text: &str) -> AddressClass {
    classify(text.parse().unwrap())
}

#[test]
fn public_addresses_are_public() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001::200e",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ] {
        assert_eq!(class(text), AddressClass::Public, "{text}");
    }
}

#[test]
fn local_addresses_need_the_operators_word() {
    for text in [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "::1",
        "0:0:0:0:0:0:0:1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:192.168.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.1.2.3",
    ] {
        assert!(matches!(class(text), AddressClass::Local(_)), "{text}");
        assert!(!class(text).allowed(false), "{text}");
        assert!(class(text).allowed(true), "{text}");
    }
}

#[test]
fn metadata_and_special_addresses_are_never_allowed() {
    for text in [
        // Metadata services.
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd00:0ec2:0:0:0:0:0:0254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        // Unspecified, "this network", broadcast, reserved.
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.0.8",
        "198.18.0.1",
        "198.19.255.255",
        "100::1",
        "5f00::1",
        "4000::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        // IPv4 inside IPv6 in spellings that only an attacker uses.
        "::127.0.0.1",
        "::7f00:1",
        "::ffff:0:127.0.0.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::",
        "64:ff9b:1::a9fe:a9fe",
        // Link-local, site-local, multicast, documentation.
        "169.254.0.1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "224.0.0.1",
        "239.255.255.250",
        "ff02::1",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "2001:db8::1",
        "3fff::1",
        "192.88.99.1",
    ] {
        assert!(matches!(class(text), AddressClass::Forbidden(_)), "{text}: {:?}", class(text));
        assert!(!class(text).allowed(true), "{text}");
    }
}
