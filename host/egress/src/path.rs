//! Which paths may be put behind an origin.

use percent_encoding::percent_decode;

/// A path is decoded this often in search of something hidden. Proxies in front of a provider may
/// decode more than once; what still changes after this many rounds is refused.
const MAX_DECODINGS: usize = 3;

/// Accepts an absolute, percent-encoded path that every parser between here and the provider reads
/// alike, and whose segments stay where they are.
///
/// # Errors
///
/// A sentence that says what is wrong with it; it does not repeat the path, which may hold personal
/// data.
pub(crate) fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("A path begins with `/`; the host adds the address.".to_owned());
    }
    if path.starts_with("//") {
        return Err("A path that begins with `//` could be read as another host.".to_owned());
    }
    if let Some(wrong) = path.bytes().find(|b| !is_path_byte(*b)) {
        return Err(format!(
            "A path contains only letters, digits, `/` and -._~!$&'()*+,;=:@%; percent-encode the \
             byte 0x{wrong:02x}, and put queries into the query."
        ));
    }
    if !escapes_are_whole(path) {
        return Err("A `%` in a path is followed by two hexadecimal digits.".to_owned());
    }
    let mut current = path.as_bytes().to_vec();
    for _ in 0..=MAX_DECODINGS {
        if current.iter().any(|b| b.is_ascii_control()) {
            return Err("A path contains no control characters, encoded or not.".to_owned());
        }
        if has_dot_segment(&current) {
            return Err("A path contains no `.` or `..` segments, encoded or not.".to_owned());
        }
        let decoded: Vec<u8> = percent_decode(&current).collect();
        if decoded == current {
            return Ok(());
        }
        current = decoded;
    }
    Err("A path is not percent-encoded several times over.".to_owned())
}

/// RFC 3986 `pchar`, the slash, and the percent sign of an escape.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte)
}

fn escapes_are_whole(path: &str) -> bool {
    path.split('%')
        .skip(1)
        .all(|rest| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Some servers take `\` for `/`, and some cut a segment at `;` before they look at it.
fn has_dot_segment(path: &[u8]) -> bool {
    path.split(|b| matches!(b, b'/' | b'\\')).any(|segment| {
        let name = segment.split(|b| *b == b';').next().unwrap_or(segment);
        name == b"." || name == b".."
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn ordinary_paths_pass() {
        for path in [
            "/",
            "/3.0/lists/abc/members/62eeb292278cc15f5817cb78f7790b08",
            "/a/b.c/d..e/...",
            "/tags/VIP%20%26%20friends",
            "/tags/100%25",
            "/tags/a%2Fb",
            "/x;v=1/y",
            "/users/a+b@example.com",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn tricks_are_refused() {
        for path in [
            "",
            "lists",
            "https://evil.example/x",
            "@evil.example",
            "//evil.example/x",
            "/\\evil.example",
            "/a/../b",
            "/..",
            "/.",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/a/%252e%252e/b",
            "/a/%25252e%25252e/b",
            "/a/..%2fb",
            "/a/..%5cb",
            "/a%2f..%2fb",
            "/a/..;x=1/b",
            "/a?b=c",
            "/a#b",
            "/a b",
            "/a\r\nHost: evil",
            "/a%0d%0ab",
            "/a%00",
            "/a%250a",
            "/a%",
            "/a%2",
            "/a%zz",
            "/é",
            "/a[b]",
            "/%2525252525252e",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
