//! The OpenAPI document, made from the code once at start, and Swagger UI over it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, License, OpenApi};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::problem_response;
use crate::{NoInput, Problem};

const BEARER: &str = "bearer";
const DOCUMENT_PATH: &str = "/api-docs/openapi.json";

/// What the document says of the service as a whole.
pub(crate) struct About {
    pub name: &'static str,
    pub version: &'static str,
    pub description: Option<&'static str>,
}

/// The document as text; cheap to clone.
#[derive(Clone)]
struct Document(Bytes);

/// Adds the document's own route to `api`, completes the document and gives both apart.
pub(crate) fn split(api: OpenApiRouter, about: &About) -> (Router, OpenApi) {
    let (_, own) = OpenApiRouter::<Document>::new()
        .routes(routes!(openapi_json))
        .split_for_parts();
    let (router, mut document) = api.split_for_parts();
    document.merge(own);
    // Replaced as a whole: what stands there otherwise are utoipa-axum's own author and licence.
    document.info = Info::new(about.name, about.version);
    document.info.description = about.description.map(str::to_owned);
    document.info.license = Some(License::new("MIT"));
    let components = document.components.get_or_insert_with(Components::new);
    let problem = (Problem::name().into_owned(), Problem::schema());
    let mut schemas = vec![problem];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let bearer = Http::new(HttpAuthScheme::Bearer);
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    // With tokens or without: it depends on the settings.
    let none = SecurityRequirement::default();
    let token = SecurityRequirement::new(BEARER, Vec::<String>::new());
    document.security = Some(vec![none, token]);
    document
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .for_each(add_common_problems);
    (router, document)
}

/// The document's route and Swagger UI.
pub(crate) fn router(document: &OpenApi) -> serde_json::Result<Router> {
    let text = Document(Bytes::from(serde_json::to_vec(document)?));
    let (document_route, _) = OpenApiRouter::new()
        .routes(routes!(openapi_json))
        .with_state(text)
        .split_for_parts();
    let swagger_ui = SwaggerUi::new("/swagger-ui").config(Config::from(DOCUMENT_PATH));
    let swagger_ui = Router::from(swagger_ui).layer(map_response(file_not_found));
    Ok(document_route.merge(swagger_ui))
}

/// This document.
#[utoipa::path(
    get,
    path = "/api-docs/openapi.json",
    tag = "operation",
    responses((status = 200, description = "OpenAPI document", body = Object))
)]
async fn openapi_json(State(Document(text)): State<Document>, _: NoInput) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Swagger UI's own answer to a file that it does not have is plain text.
async fn file_not_found(response: Response) -> Response {
    if response.status() != StatusCode::NOT_FOUND {
        return response;
    }
    Problem::not_found("route_not_found", "Swagger UI has no such file").into_response()
}

/// What any call may answer; what a call says itself is kept.
fn add_common_problems(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, description) in [
        ("400", "invalid_input: an unknown query parameter, by name"),
        (
            "401",
            "unauthenticated: the service asks for a token, and no valid one came",
        ),
        (
            "403",
            "role_forbidden, topic_forbidden: the token does not allow this",
        ),
        ("500", "internal: the service failed; its log says why"),
        (
            "504",
            "request_timeout, or outcome_unknown for a change: no answer in time",
        ),
    ] {
        responses
            .entry(status.to_owned())
            .or_insert_with(|| problem_response(description));
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.head,
    ]
    .into_iter()
    .flatten()
}
