//! Which of two forms a caller prefers.
//! Source: RFC 9110, section 12.5.1.

use axum::http::{HeaderMap, header};

/// Whether `Accept` prefers JSON to plain text. Plain text is what a caller gets who says nothing.
pub(super) fn prefers_json(headers: &HeaderMap) -> bool {
    let ranges: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    quality(&ranges, "application/json") > quality(&ranges, "text/plain")
}

/// A media range and its weight, from 0 to 1.
fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts
        .find_map(|part| part.strip_prefix("q="))
        .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
    (media, weight)
}

/// The weight of the most specific range that covers `media`; 0 if none does.
fn quality(ranges: &[(String, f32)], media: &str) -> f32 {
    let any_subtype = media.split('/').next().map(|kind| format!("{kind}/*"));
    [Some(media.to_owned()), any_subtype, Some("*/*".to_owned())]
        .into_iter()
        .flatten()
        .find_map(|wanted| ranges.iter().find(|(range, _)| *range == wanted))
        .map_or(0.0, |(_, weight)| *weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        prefers_json(&headers)
    }

    #[test]
    fn json_is_given_to_who_asks_for_it() {
        assert!(json("application/json"));
        assert!(json("text/html, Application/JSON;q=0.9"));
        assert!(json("text/plain;q=0.5, application/json"));
        assert!(json("application/*"));
    }

    #[test]
    fn plain_text_is_given_to_everybody_else() {
        assert!(!prefers_json(&HeaderMap::new()));
        assert!(!json("*/*"));
        assert!(!json("text/plain, application/json;q=0.5"));
        assert!(!json("application/json;q=0"));
        assert!(!json("application/json, text/plain"));
    }
}
