//! Peers that speak HTTP in the clear where TLS is expected.
//!
//! Owns how they are told from others by their first bytes. Must not know what they are answered.

/// The longest method that is looked for where TLS is expected.
const METHOD_MAX: usize = 16;

/// Whether somebody speaks HTTP where TLS is expected: a method in capital letters and a space.
pub(super) fn is_http(bytes: &[u8]) -> bool {
    let method = capitals(bytes);
    (1..=METHOD_MAX).contains(&method) && bytes.get(method) == Some(&b' ')
}

/// Whether a method may go on.
pub(super) fn may_become_http(bytes: &[u8]) -> bool {
    let method = capitals(bytes);
    (1..=METHOD_MAX).contains(&method) && bytes.len() == method
}

fn capitals(bytes: &[u8]) -> usize {
    let capitals = bytes.iter().take_while(|byte| byte.is_ascii_uppercase());
    capitals.count()
}
