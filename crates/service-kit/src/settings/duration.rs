//! Durations as people write them in settings.

use std::time::Duration;

use jiff::SignedDuration;

/// Reads `500ms`, `10s`, `2m`, `1h 30m`; also ISO 8601 (`PT10S`). For `value_parser` of a clap field.
///
/// # Errors
/// A number without a unit, something else, zero, or a negative duration, said in a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "expected a duration with its unit, such as 500ms, 10s or 2m".to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("must be longer than zero".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5_400)));
    }

    #[test]
    fn a_bare_number_is_refused_with_an_example() {
        assert!(parse_duration("10").unwrap_err().contains("10s"));
        assert!(parse_duration("").is_err());
    }

    #[test]
    fn zero_and_negative_durations_are_refused() {
        assert!(parse_duration("0s").is_err());
        assert!(parse_duration("-1s").is_err());
    }
}
