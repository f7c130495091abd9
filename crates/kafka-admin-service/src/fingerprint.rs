//! A short name for a state, so that a caller can say which one it has seen: the `ETag` of settings and
//! the hash of a plan. It finds changes, not attackers.

/// FNV-1a with 128 bits.
/// Source: the FNV authors' page, "Parameters of the FNV-1/1a hash".
const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// Takes texts one by one; `["ab", "c"]` and `["a", "bc"]` come out different.
#[derive(Debug, Clone)]
pub struct Fingerprint(u128);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(OFFSET_BASIS)
    }
}

impl Fingerprint {
    /// Adds one text.
    pub fn add(&mut self, text: &str) {
        // No text of Kafka's contains this byte, which is in no UTF-8.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> String {
        let mut fingerprint = Fingerprint::default();
        texts.iter().for_each(|text| fingerprint.add(text));
        fingerprint.to_text()
    }

    #[test]
    fn it_depends_on_every_text_its_order_and_where_one_ends() {
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&[]), of(&[""]));
        assert_eq!(of(&[]).len(), 32);
    }
}
