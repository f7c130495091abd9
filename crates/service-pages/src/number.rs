//! Numbers as people read them.

/// With a comma between thousands: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits or so: `0.25`, `7.5`, `123`, `45,678`.
#[must_use]
pub fn rounded(number: f64) -> String {
    match number.abs() {
        size if !size.is_finite() => "?".to_owned(),
        size if size >= 100.0 => {
            let sign = if number < 0.0 { "-" } else { "" };
            format!("{sign}{}", grouped(size.round() as u64))
        }
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// For the ticks of an axis: `0`, `0.5`, `20`, `1.5k`, `2M`.
#[must_use]
pub fn short(number: f64) -> String {
    let (number, unit) = match number.abs() {
        size if size >= 1e9 => (number / 1e9, "G"),
        size if size >= 1e6 => (number / 1e6, "M"),
        size if size >= 1e3 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    // Three decimals are enough for any tick; zeros at their end say nothing.
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", if text == "-0" { "0" } else { text })
}

/// Milliseconds as `0.8 ms`, `12.3 ms`, `4.5 s`, `2 min 5 s`.
#[must_use]
pub fn duration_ms(ms: f64) -> String {
    if ms < 1_000.0 {
        return format!("{} ms", rounded(ms));
    }
    let seconds = ms / 1_000.0;
    if seconds < 60.0 {
        return format!("{} s", rounded(seconds));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3_600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// Bytes as `512 B`, `3.4 kB`, `1.2 GB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let size = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", size / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size / 1e6),
        _ => format!("{:.2} GB", size / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn ticks_are_short() {
        let texts = [0.0, 0.5, 20.0, 1_500.0, 2e6, -0.0].map(short);
        assert_eq!(texts, ["0", "0.5", "20", "1.5k", "2M", "0"]);
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let texts = [0.8, 12.34, 4_500.0, 125_000.0, 7_380_000.0].map(duration_ms);
        assert_eq!(
            texts,
            ["0.80 ms", "12.3 ms", "4.50 s", "2 min 5 s", "2 h 3 min"]
        );
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let texts = [512, 3_400, 1_234_000_000].map(bytes);
        assert_eq!(texts, ["512 B", "3.4 kB", "1.23 GB"]);
        assert_eq!(
            [0.25, 7.5, 12.34, 123.4, 45_678.0].map(rounded),
            ["0.25", "7.50", "12.3", "123", "45,678"]
        );
    }
}
