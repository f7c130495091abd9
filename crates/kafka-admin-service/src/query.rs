//! Parameters that a layer takes, before the call goes on without them.

use axum::http::Uri;

/// The values of `name` in the query, decoded.
pub fn values(uri: &Uri, name: &str) -> Vec<String> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let pairs = form_urlencoded::parse(query).filter(|(given, _)| given == name);
    pairs.map(|(_, value)| value.into_owned()).collect()
}

/// The first value of `name`.
pub fn value(uri: &Uri, name: &str) -> Option<String> {
    values(uri, name).into_iter().next()
}

/// The same address without the parameters that `dropped` names; `None` where that is no address.
pub fn without(uri: &Uri, dropped: impl Fn(&str) -> bool) -> Option<Uri> {
    let query = uri.query().unwrap_or_default();
    let kept = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && !dropped(name)
    });
    let kept: Vec<_> = kept.collect();
    let text = if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_taken_out_by_name() {
        let uri: Uri = "/a?x=1%2C2&y=3&x=4".parse().unwrap();
        assert_eq!(values(&uri, "x"), ["1,2", "4"]);
        assert_eq!(value(&uri, "x").as_deref(), Some("1,2"));
        assert_eq!(value(&uri, "z"), None);
        assert_eq!(without(&uri, |name| name == "x").unwrap(), "/a?y=3");
        assert_eq!(without(&uri, |_| true).unwrap(), "/a");
    }
}
