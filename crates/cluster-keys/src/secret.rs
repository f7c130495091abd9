//! Random texts.

use openssl::rand::rand_bytes;

use crate::error::Result;

/// 256 bits in 64 hexadecimal digits: nothing that a properties file, a JAAS line or a shell would
/// read as anything else.
pub fn new() -> Result<String> {
    let mut bytes = [0; 32];
    rand_bytes(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }
}
