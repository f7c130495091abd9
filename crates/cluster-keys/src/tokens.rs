//! Bearer tokens for the services' own APIs, one for each role, and the file of their digests that
//! the services read (`TOKENS_FILE`).

use openssl::sha::sha256;

use crate::secret::hex;

/// What a token may do; each role may do what those before it may.
pub const ROLES: [&str; 3] = ["viewer", "operator", "admin"];

/// A line of `TOKENS_FILE`: name, role, topics, digest.
pub fn line(role: &str, token: &str) -> String {
    format!("{role} {role} * {}\n", hex(&sha256(token.as_bytes())))
}

/// The header of a request that carries the token.
pub fn header(token: &str) -> String {
    format!("Authorization: Bearer {token}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_the_digest_and_not_the_token() {
        // SHA-256 of "abc": FIPS 180-4, example B.1.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(line("viewer", "abc"), format!("viewer viewer * {digest}\n"));
    }
}
