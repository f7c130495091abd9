//! `/api/health/maintenance`: windows in which alerts are silent.

use std::time::Duration;

use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use service_kit::problem::InputProblems;
use service_kit::{Answer, Caller, Fields, FromFields, Input, NoInput, PathParam, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::maintenance::{LONGEST, Window, WindowError};
use crate::state::State;

const LONGEST_REASON: usize = 500;
const LONGEST_MINUTES: u32 = (LONGEST.as_secs() / 60) as u32;

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, begin))
        .routes(routes!(end))
}

/// A window to open.
struct Begin {
    minutes: u32,
    reason: String,
}

impl FromFields for Begin {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let minutes = fields.required_in("minutes", 1..=LONGEST_MINUTES);
        let reason: Option<String> = fields.required("reason");
        if let Some(reason) = &reason {
            let length = reason.trim().len();
            let fits = (1..=LONGEST_REASON).contains(&length);
            let message = format!("must have 1 to {LONGEST_REASON} characters");
            fields.check("reason", fits, "invalid", message);
        }
        Some(Self {
            minutes: minutes?,
            reason: reason?.trim().to_owned(),
        })
    }
}

/// How [`Begin`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct MaintenanceRequest {
    /// How long it lasts, a week at most.
    #[param(minimum = 1, maximum = 10080, example = 60)]
    #[schema(minimum = 1, maximum = 10080, example = 60)]
    minutes: u32,
    /// What for.
    #[param(
        min_length = 1,
        max_length = 500,
        example = "disks of kafka-2 are replaced"
    )]
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "disks of kafka-2 are replaced"
    )]
    reason: String,
}

/// Windows that are open.
#[derive(Debug, Serialize, ToSchema)]
struct Maintenance {
    /// Oldest first; alerts are silent while there is one.
    windows: Vec<Window>,
}

/// Windows that are open now.
#[utoipa::path(
    get,
    path = "/api/health/maintenance",
    tag = "maintenance",
    responses((status = 200, description = "the windows", body = Maintenance), InputProblems)
)]
async fn list(extract::State(state): extract::State<State>, _: NoInput) -> Json<Maintenance> {
    let windows = state.maintenance().at(service_kit::time::now());
    Json(Maintenance { windows })
}

/// Opens a window: alerts and the webhook are silent until it ends. The status that is reported stays what
/// it is, and incidents are recorded.
#[utoipa::path(
    post,
    path = "/api/health/maintenance",
    tag = "maintenance",
    params(MaintenanceRequest),
    request_body(content = Option<MaintenanceRequest>, description = "instead of the query"),
    responses(
        (status = 201, description = "it is open", body = Window,
            headers(("Location", description = "the window"))),
        (status = 409, description = "too_many_windows", body = Problem,
            content_type = "application/problem+json"),
        InputProblems
    )
)]
async fn begin(
    extract::State(state): extract::State<State>,
    caller: Option<Extension<Caller>>,
    Input(wanted): Input<Begin>,
) -> Answer<Response> {
    let by = caller.map(|caller| caller.name.clone());
    let lasts = Duration::from_secs(u64::from(wanted.minutes) * 60);
    let now = service_kit::time::now();
    let window = tokio::task::spawn_blocking(move || {
        state.maintenance().begin(now, lasts, wanted.reason, by)
    });
    let window = window.await.map_err(Problem::internal)?.map_err(problem)?;
    tracing::info!(?window, "a maintenance window begins");
    let location = format!("/api/health/maintenance/{}", window.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(window),
    )
        .into_response())
}

/// Ends a window before its time.
#[utoipa::path(
    delete,
    path = "/api/health/maintenance/{id}",
    tag = "maintenance",
    params(("id" = String, Path, description = "the window's id", example = "20261125T221500-1")),
    responses(
        (status = 200, description = "it has ended", body = Window),
        (status = 404, description = "window_not_found: it has ended, or never was", body = Problem,
            content_type = "application/problem+json"),
        InputProblems
    )
)]
async fn end(
    extract::State(state): extract::State<State>,
    PathParam(id): PathParam<String>,
    _: NoInput,
) -> Answer<Json<Window>> {
    let (now, wanted) = (service_kit::time::now(), id.clone());
    let ended = tokio::task::spawn_blocking(move || state.maintenance().end(&wanted, now));
    match ended.await.map_err(Problem::internal)?.map_err(problem)? {
        Some(window) => Ok(Json(window)),
        None => {
            let detail = format!("no maintenance window {id:?} is open");
            Err(Problem::not_found("window_not_found", detail))
        }
    }
}

fn problem(error: WindowError) -> Problem {
    match error {
        WindowError::TooMany => Problem::conflict("too_many_windows", error.to_string()),
        WindowError::NotStored(_) => Problem::internal(error),
    }
}
