//! What a caller sends to write settings: a JSON body, with `validateOnly` in it or in the query beside it.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Uri;
use service_kit::{Fields, FromFields, Input, Problem, QueryInput};

use crate::configs::ConfigWrite;

/// A write that was read.
pub(super) struct WriteInput(pub ConfigWrite);

/// How the query shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub(super) struct WriteQuery {
    /// Only answer with what would change; here or in the body.
    #[param(example = true)]
    validate_only: Option<bool>,
}

impl<S: Send + Sync> FromRequest<S> for WriteInput {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.uri().query().unwrap_or_default().is_empty() {
            let Input(write) = Input::from_request(request, state).await?;
            return Ok(Self(write));
        }
        let (mut parts, body) = request.into_parts();
        let QueryInput(query) =
            QueryInput::<OfQuery>::from_request_parts(&mut parts, state).await?;
        // What is left is read as any other body.
        parts.uri = parts.uri.path().parse::<Uri>().map_err(Problem::internal)?;
        let request = Request::from_parts(parts, body);
        let Input(OfBody(mut write)) = Input::from_request(request, state).await?;
        write.validate_only = query.validate_only;
        Ok(Self(write))
    }
}

struct OfQuery {
    validate_only: bool,
}

impl FromFields for OfQuery {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            validate_only: validate_only?,
        })
    }
}

/// The body beside a query, which has said already whether this is a dry run.
struct OfBody(ConfigWrite);

impl FromFields for OfBody {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let twice = fields.has("validateOnly");
        fields.check("validateOnly", !twice, "duplicate", "is in the query too");
        ConfigWrite::from_fields(fields).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, header};

    use super::*;

    async fn read(query: &str, body: &str) -> Result<ConfigWrite, Problem> {
        let request = Request::patch(format!("/api/topics/a/configs{query}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let read = WriteInput::from_request(request, &()).await;
        read.map(|WriteInput(write)| write)
    }

    const BODY: &str = r#"{"configs": {"retention.ms": 1}}"#;

    #[tokio::test]
    async fn a_dry_run_is_said_in_the_query_or_in_the_body() {
        assert!(!read("", BODY).await.unwrap().validate_only);
        assert!(
            !read("?validateOnly=false", BODY)
                .await
                .unwrap()
                .validate_only
        );
        let only = read("?validateOnly=true", BODY).await.unwrap();
        assert!(only.validate_only);
        assert_eq!(only.configs["retention.ms"].as_deref(), Some("1"));
        let body = BODY.replacen('{', r#"{"validateOnly": true, "#, 1);
        assert!(read("", &body).await.unwrap().validate_only);
    }

    #[tokio::test]
    async fn a_dry_run_that_is_said_twice_or_a_setting_in_the_query_is_refused() {
        for said in ["true", "false"] {
            let body = BODY.replacen('{', &format!(r#"{{"validateOnly": {said}, "#), 1);
            let refused = read("?validateOnly=true", &body).await.unwrap_err();
            assert_eq!(refused.errors[0].field, "validateOnly");
        }
        for query in ["?configs=x", "?validateOnly=true&validateOnly=false"] {
            let refused = read(query, BODY).await.unwrap_err();
            assert_eq!(refused.code, "invalid_input", "{query}");
        }
    }
}
