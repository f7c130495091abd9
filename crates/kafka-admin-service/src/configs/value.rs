//! When two texts are the same value of a setting.

/// Whether two texts mean the same to Kafka, which answers values in a form of its own: `007` as
/// `7`, `TRUE` as `true`, `a, b` as `a,b`. The order of a list counts: of `ssl.cipher.suites` it is the
/// preference, and Kafka keeps it in every list.
#[must_use]
pub fn same_value(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one == other {
        return true;
    }
    if let (Ok(one), Ok(other)) = (one.parse::<i64>(), other.parse::<i64>()) {
        return one == other;
    }
    if let (Ok(one), Ok(other)) = (one.parse::<f64>(), other.parse::<f64>()) {
        return one.total_cmp(&other).is_eq();
    }
    if ["true", "false"]
        .iter()
        .any(|word| one.eq_ignore_ascii_case(word))
    {
        return one.eq_ignore_ascii_case(other);
    }
    items(one).eq(items(other))
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_meaning() {
        for (one, other) in [
            ("007", "7"),
            ("0.50", "0.5"),
            ("TRUE", "true"),
            (" snappy", "snappy"),
            ("compact, delete", "compact,delete"),
        ] {
            assert!(same_value(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("7", "70"),
            ("0.5", "0.6"),
            ("true", "false"),
            ("snappy", "Snappy"),
            ("compact", "compact,delete"),
            ("delete,compact", "compact,delete"),
            ("", "compact"),
        ] {
            assert!(!same_value(one, other), "{one} {other}");
        }
    }
}
