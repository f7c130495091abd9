//! The API: one file for each resource, which owns its routes.

mod audit;
mod cluster;
mod configs;
mod declared;
mod declared_topics;
mod elections;
mod groups;
mod topics;

use axum::middleware::{from_fn, from_fn_with_state};
use utoipa_axum::router::OpenApiRouter;

use crate::admission::{self, Admission};
use crate::audit::{describe as describe_audit, layer as audit_layer};
use crate::call;
use crate::idempotency;
use crate::remarks;
use crate::sparse;
use crate::state::AppState;
use crate::write_access::{self, WriteAccess};

/// Every route of the API. Those that ask Kafka are bounded by `admission`, and those that change
/// something by `access`.
#[must_use]
pub fn router(state: AppState, admission: Admission, access: WriteAccess) -> OpenApiRouter {
    let mut api = topics::router()
        .merge(cluster::router())
        .merge(audit::router())
        .merge(configs::router())
        .merge(groups::router())
        .merge(elections::router())
        .merge(declared::router())
        .route_layer(from_fn_with_state(state.clone(), audit_layer))
        .route_layer(from_fn_with_state(state.clone(), idempotency::layer))
        .route_layer(from_fn(sparse::layer))
        .route_layer(from_fn(write_access::topics_layer))
        .route_layer(from_fn(call::layer))
        .route_layer(from_fn_with_state(admission, admission::layer))
        .route_layer(from_fn_with_state(access, write_access::layer))
        .merge(declared_topics::router())
        .with_state(state);
    sparse::describe(api.get_openapi_mut());
    idempotency::describe(api.get_openapi_mut());
    remarks::describe(api.get_openapi_mut());
    write_access::describe(api.get_openapi_mut());
    describe_audit(api.get_openapi_mut());
    api
}
