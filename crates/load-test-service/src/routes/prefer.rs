//! The header `Prefer: respond-async` (RFC 7240): answer at once, and name what goes on.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// The header of the request.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header of the answer that says that it was heard.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The one preference that is heard; others are passed over, as RFC 7240 wants.
pub const RESPOND_ASYNC: &str = "respond-async";

/// What the caller prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefer {
    /// An answer at once.
    pub respond_async: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(PREFER);
        let respond_async = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(asks_for_async);
        Ok(Self { respond_async })
    }
}

/// Preferences are separated by commas, and each may have parameters behind a semicolon.
fn asks_for_async(value: &str) -> bool {
    value
        .split(',')
        .filter_map(|preference| preference.split([';', '=']).next())
        .any(|name| name.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

impl utoipa::IntoParams for Prefer {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some([RESPOND_ASYNC]));
        vec![
            ParameterBuilder::new()
                .name("Prefer")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some("`respond-async`: answer at once with 202"))
                .schema(Some(text))
                .build(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_is_found_among_others() {
        for asks in [
            "respond-async",
            "Respond-Async",
            "wait=10, respond-async",
            "respond-async;x=1",
        ] {
            assert!(asks_for_async(asks), "{asks}");
        }
        for does_not in [
            "",
            "wait=10",
            "respond-asynchronously",
            "return=respond-async",
        ] {
            assert!(!asks_for_async(does_not), "{does_not}");
        }
    }
}
