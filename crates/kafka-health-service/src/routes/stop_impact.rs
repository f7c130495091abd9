//! `GET /api/health/brokers/{id}/stop-impact`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract;
use axum::http::{HeaderName, HeaderValue, header};
use service_kit::problem::InputProblems;
use service_kit::{Answer, Fields, FromFields, Input, PathParam, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::report::StopImpactReport;
use crate::rules::stop_impact as judge_stop;
use crate::settings::BrokerIds;
use crate::state::State;

pub(super) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(stop_impact))
}

/// Who else would be stopped.
struct Together {
    with: BrokerIds,
}

impl FromFields for Together {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let text: Option<String> = fields.optional("with")?;
        let with = text.as_deref().unwrap_or_default().parse();
        let error = with.as_ref().err().map(ToString::to_string);
        fields.check(
            "with",
            error.is_none(),
            "invalid",
            error.unwrap_or_default(),
        );
        Some(Self { with: with.ok()? })
    }
}

/// How [`Together`] shows in the OpenAPI document.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct TogetherQuery {
    /// Ids of brokers that would be stopped at the same time, separated by commas.
    #[param(example = "2")]
    with: Option<String>,
}

/// May this broker be stopped? Tells which partitions would go offline or refuse writes without it.
///
/// Answered at once from what was seen last; Kafka is not asked. A broker that is down already is not
/// counted on, and what is not known makes the answer `UNKNOWN`, never `SAFE`.
#[utoipa::path(
    get,
    path = "/api/health/brokers/{id}/stop-impact",
    tag = "health",
    params(("id" = i32, Path, description = "the broker's id", example = 1), TogetherQuery),
    responses(
        InputProblems,
        (status = 200, description = "what stopping it would do", body = StopImpactReport),
        (status = 404, description = "broker_not_found: no such broker is expected", body = Problem,
            content_type = "application/problem+json"),
    )
)]
async fn stop_impact(
    extract::State(state): extract::State<State>,
    PathParam(id): PathParam<i32>,
    Input(together): Input<Together>,
) -> Answer<([(HeaderName, HeaderValue); 1], Json<StopImpactReport>)> {
    let view = state.view();
    let mut stopped: BTreeSet<i32> = together.with.0.into_iter().collect();
    stopped.insert(id);
    let expected = &view.judgement.brokers;
    if let Some(stranger) = stopped.iter().find(|id| !expected.contains_key(id)) {
        let known: Vec<_> = expected.keys().map(ToString::to_string).collect();
        return Err(Problem::not_found(
            "broker_not_found",
            format!(
                "broker {stranger} is not expected and was never seen; known: {}",
                known.join(", ")
            ),
        ));
    }
    let impact = judge_stop(&view.snapshot, &view.judgement, &stopped);
    let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((fresh, Json(StopImpactReport::new(impact))))
}
