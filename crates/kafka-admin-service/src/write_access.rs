//! Who may write at all: nobody while the service is read-only, and with a token only what its role and its
//! topics allow.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service_kit::{Caller, Problem, Role};
use utoipa::openapi::OpenApi;

use crate::call::{Call, never_writes, only_looks};
use crate::openapi::{add_problem, writes_of};
use crate::query;
use crate::remarks::BREAK_GLASS;

/// Whether this service writes.
#[derive(Debug, Clone, Copy)]
pub struct WriteAccess {
    /// It does not.
    pub read_only: bool,
}

/// The layer: looks at calls that may change something, before anything else does.
pub async fn layer(State(access): State<WriteAccess>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    if access.read_only && !only_looks(request.method(), request.uri()) {
        let detail = "this service is read-only (READ_ONLY)";
        return Problem::new(StatusCode::FORBIDDEN, "read_only", detail).into_response();
    }
    next.run(request).await
}

/// Adds who may not write to the OpenAPI document.
pub fn describe(document: &mut OpenApi) {
    for operation in writes_of(document) {
        let about = "read_only: this service changes nothing; foreign_origin: a page of another origin \
                     sent it; role_forbidden, topic_forbidden: the token does not allow this";
        add_problem(operation, "403", about);
    }
}

/// The role that a call takes: what cannot be taken back, what concerns the cluster, and doing without the
/// audit is for admins.
pub fn role(method: &Method, uri: &Uri) -> Role {
    if only_looks(method, uri) {
        return Role::Viewer;
    }
    let path = uri.path();
    let broken_glass = query::value(uri, BREAK_GLASS).is_some();
    let whole_cluster = path == "/api/apply" || path.starts_with("/api/brokers/");
    if *method == Method::DELETE || whole_cluster || broken_glass {
        Role::Admin
    } else {
        Role::Operator
    }
}

/// The layer for tokens that are for some topics only: they change nothing else, and look into no other
/// topic.
pub async fn topics_layer(
    Extension(call): Extension<Arc<Call>>,
    request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<Caller>();
    let checked = caller.map_or(Ok(()), |caller| check_topics(caller, &call));
    match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check_topics(caller: &Caller, call: &Call) -> Result<(), Problem> {
    let topic = call.topic();
    // A dry run about several topics would be refused, and so is it.
    if topic.is_none() && never_writes(&call.method, &call.uri) {
        return Ok(());
    }
    caller.check_topic(topic.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_taken_back_is_for_admins() {
        let needs = |method: &str, uri: &str| role(&method.parse().unwrap(), &uri.parse().unwrap());
        assert_eq!(needs("GET", "/api/topics"), Role::Viewer);
        assert_eq!(needs("POST", "/api/plan"), Role::Viewer);
        assert_eq!(
            needs("DELETE", "/api/topics/a?validateOnly=true"),
            Role::Viewer
        );
        assert_eq!(
            needs(
                "DELETE",
                "/api/topics/a?validateOnly=true&validateOnly=false"
            ),
            Role::Admin
        );
        assert_eq!(
            needs("POST", "/api/groups/g/offsets/reset?to=latest"),
            Role::Viewer
        );
        assert_eq!(needs("POST", "/api/topics?topicName=a"), Role::Operator);
        assert_eq!(needs("PATCH", "/api/topics/a/configs"), Role::Operator);
        assert_eq!(needs("DELETE", "/api/topics/a"), Role::Admin);
        assert_eq!(needs("PATCH", "/api/brokers/1/configs"), Role::Admin);
        assert_eq!(needs("POST", "/api/apply?hash=1"), Role::Admin);
        assert_eq!(
            needs("POST", "/api/apply?hash=1&validateOnly=false"),
            Role::Admin
        );
        assert_eq!(
            needs("POST", "/api/topics?topicName=a&breakGlass=true"),
            Role::Admin
        );
    }
}
