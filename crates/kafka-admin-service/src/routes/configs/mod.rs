//! `/api/topics/{name}/configs` and `/api/brokers/{id}/configs`: reading, merging and replacing settings, and
//! taking a write back.

mod input;
mod revert;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use kafka_cluster::{ConfigEntry, TopicMetadata};
use service_kit::problem::{self, InputProblems, KafkaReadProblems, KafkaWriteProblems, Responses};
use service_kit::{Answer, FieldError, NoInput, PathParam, Problem};
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::input::{WriteInput, WriteQuery};
use crate::any_broker;
use crate::call::Call;
use crate::change::Cost;
use crate::configs::view::{ConfigList, ConfigsWritten};
use crate::configs::{ConfigTarget, ConfigWrite, Difference, Extent, IfMatch, Reversal, Written};
use crate::guard::{self, GuardSettings, Surroundings};
use crate::problems;
use crate::remarks::Remarks;
use crate::state::AppState;
use crate::topic::{TopicName, TopicSpec, to_the_end};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(of_topic, merge_topic, replace_topic))
        .routes(routes!(of_broker, merge_broker, replace_broker))
        .routes(routes!(revert::of_topic))
        .routes(routes!(revert::of_broker))
}

/// Settings to be written.
#[derive(ToSchema)]
#[schema(as = ConfigWrite, rename_all = "camelCase", example = json!({
    "configs": {"retention.ms": "86400000", "segment.ms": null}
}))]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct ConfigWriteBody {
    /// Values by Kafka's names; null takes an override back, so that the default applies again.
    /// Numbers and booleans are taken as their text.
    configs: BTreeMap<String, Option<String>>,
    /// Only answer with what would change; Kafka is asked whether it would take it. Here or in the query.
    validate_only: Option<bool>,
}

/// The condition of a write.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents; nothing is built from it")]
struct IfMatchHeader {
    /// an ETag: refused with 412 when the settings have changed since
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// What writing a topic's settings adds, for the OpenAPI document.
struct TopicConfigProblems;

impl IntoResponses for TopicConfigProblems {
    fn responses() -> Responses {
        problem::problems(&[
            (
                "403",
                "forbidden: an internal topic; protected_topic: what the audit log keeps; kafka_denied",
            ),
            ("404", "topic_not_found"),
            ("412", "precondition_failed: `etag` is the present one"),
            (
                "422",
                "unknown_config, guard_violation, kafka_refused: `errors` names each setting",
            ),
            (
                "503",
                "kafka_unreachable; resource_busy, too_busy; `Retry-After` says when to try again",
            ),
        ])
    }
}

/// What writing a broker's settings adds.
struct BrokerConfigProblems;

impl IntoResponses for BrokerConfigProblems {
    fn responses() -> Responses {
        problem::problems(&[
            ("404", "broker_not_found"),
            ("412", "precondition_failed: `etag` is the present one"),
            (
                "422",
                "unknown_config, kafka_refused: such as a setting that a running broker cannot \
                 change",
            ),
            (
                "503",
                "kafka_unreachable; broker_down, resource_busy, too_busy",
            ),
        ])
    }
}

/// Every setting of a topic: its value, where that comes from, and Kafka's own default.
#[utoipa::path(
    get,
    path = "/api/topics/{name}/configs",
    tag = "configs",
    params(("name" = String, Path, description = "the topic's name", example = "log-events")),
    responses(
        (status = 200, description = "every setting, by name", body = ConfigList,
            headers(("ETag" = String, description = "the fingerprint of what is overridden"))),
        (status = 404, description = "topic_not_found", body = Problem,
            content_type = "application/problem+json"),
        KafkaReadProblems
    )
)]
async fn of_topic(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    _: NoInput,
) -> Answer<Response> {
    topic(&state, &name).await?;
    list(&state, &ConfigTarget::Topic(name)).await
}

/// Changes the settings that are named and no other. Writes to one topic take turns, and are read back
/// before they are told done. With `If-Match` only what was seen is changed.
#[utoipa::path(
    patch,
    path = "/api/topics/{name}/configs",
    tag = "configs",
    params(
        ("name" = String, Path, description = "the topic's name", example = "log-events"),
        WriteQuery,
        IfMatchHeader
    ),
    request_body = ConfigWriteBody,
    responses(
        InputProblems,
        KafkaWriteProblems,
        TopicConfigProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
    )
)]
async fn merge_topic(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    headers: HeaderMap,
    Extension(call): Extension<Arc<Call>>,
    WriteInput(request): WriteInput,
) -> Answer<Response> {
    let wish = Wish::of(&headers, request, Extent::Merge);
    write_topic(state, name, wish, &call.remarks).await
}

/// Makes the named settings the only ones that the topic overrides: every other is taken back, so that
/// its default applies. Sensitive ones stay unless they are named.
#[utoipa::path(
    put,
    path = "/api/topics/{name}/configs",
    tag = "configs",
    params(
        ("name" = String, Path, description = "the topic's name", example = "log-events"),
        WriteQuery,
        IfMatchHeader
    ),
    request_body = ConfigWriteBody,
    responses(
        InputProblems,
        KafkaWriteProblems,
        TopicConfigProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
    )
)]
async fn replace_topic(
    State(state): State<AppState>,
    PathParam(name): PathParam<TopicName>,
    headers: HeaderMap,
    Extension(call): Extension<Arc<Call>>,
    WriteInput(request): WriteInput,
) -> Answer<Response> {
    let wish = Wish::of(&headers, request, Extent::Replace);
    write_topic(state, name, wish, &call.remarks).await
}

/// Every setting of a broker, asked of that broker itself.
#[utoipa::path(
    get,
    path = "/api/brokers/{id}/configs",
    tag = "configs",
    params(("id" = i32, Path, description = "the broker's id", example = 1)),
    responses(
        (status = 200, description = "every setting, by name", body = ConfigList,
            headers(("ETag" = String, description = "the fingerprint of what is overridden"))),
        (status = 404, description = "broker_not_found", body = Problem,
            content_type = "application/problem+json"),
        KafkaReadProblems,
        (status = 503, description = "kafka_unreachable; broker_down; `Retry-After` says when to try \
            again", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn of_broker(
    State(state): State<AppState>,
    PathParam(id): PathParam<i32>,
    _: NoInput,
) -> Answer<Response> {
    live_broker(&state, id).await?;
    list(&state, &ConfigTarget::Broker(id)).await
}

/// Changes the dynamic settings of one broker that are named and no other.
#[utoipa::path(
    patch,
    path = "/api/brokers/{id}/configs",
    tag = "configs",
    params(
        ("id" = i32, Path, description = "the broker's id", example = 1),
        WriteQuery,
        IfMatchHeader
    ),
    request_body = ConfigWriteBody,
    responses(
        InputProblems,
        KafkaWriteProblems,
        BrokerConfigProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
    )
)]
async fn merge_broker(
    State(state): State<AppState>,
    PathParam(id): PathParam<i32>,
    headers: HeaderMap,
    WriteInput(request): WriteInput,
) -> Answer<Response> {
    write_broker(state, id, Wish::of(&headers, request, Extent::Merge)).await
}

/// Makes the named settings the only dynamic ones of one broker. Those of its properties file, and the
/// cluster-wide dynamic ones, are not touched.
#[utoipa::path(
    put,
    path = "/api/brokers/{id}/configs",
    tag = "configs",
    params(
        ("id" = i32, Path, description = "the broker's id", example = 1),
        WriteQuery,
        IfMatchHeader
    ),
    request_body = ConfigWriteBody,
    responses(
        InputProblems,
        KafkaWriteProblems,
        BrokerConfigProblems,
        (status = 200, description = "written and read back; or the plan, with validateOnly",
            body = ConfigsWritten, headers(("ETag" = String, description = "of what is overridden now"))),
    )
)]
async fn replace_broker(
    State(state): State<AppState>,
    PathParam(id): PathParam<i32>,
    headers: HeaderMap,
    WriteInput(request): WriteInput,
) -> Answer<Response> {
    write_broker(state, id, Wish::of(&headers, request, Extent::Replace)).await
}

async fn list(state: &AppState, target: &ConfigTarget) -> Answer<Response> {
    let entries = state.configs.read(target).await;
    let entries = entries.map_err(|error| problems::of_config_read(error, target))?;
    let list = ConfigList::new(target, entries);
    Ok(([(header::ETAG, list.etag.clone())], Json(list)).into_response())
}

/// What somebody wants of the settings of something, and on what condition.
struct Wish {
    write: ConfigWrite,
    extent: Extent,
    if_match: IfMatch,
    /// The write that this takes back; refused where its settings have changed since.
    reverses: Option<Reversal>,
}

impl Wish {
    fn of(headers: &HeaderMap, write: ConfigWrite, extent: Extent) -> Self {
        let text = headers.get(header::IF_MATCH).map(|value| value.to_str());
        Self {
            write,
            extent,
            if_match: IfMatch::of(text.map(|text| text.unwrap_or("unreadable"))),
            reverses: None,
        }
    }
}

async fn write_topic(
    state: AppState,
    name: TopicName,
    wish: Wish,
    remarks: &Remarks,
) -> Answer<Response> {
    if name.is_reserved() {
        return Err(problems::internal_topic(&name));
    }
    let topic = topic(&state, &name).await?;
    let rails = state.guard.clone();
    let keeps_audit = rails.is_audit_log(name.as_str()) && !remarks.breaks_glass;
    let judged = topic.clone();
    let judge = move |before: &[ConfigEntry], difference: &mut Difference| {
        let mut refused = judge_topic(&rails, &judged, before, difference);
        if keeps_audit {
            refused.extend(guard::shortenings(&difference.fields));
        }
        refused
    };
    let cost = |written: &Written| cost_of(&topic, written);
    write(state, ConfigTarget::Topic(name), wish, judge, cost).await
}

async fn write_broker(state: AppState, id: i32, wish: Wish) -> Answer<Response> {
    live_broker(&state, id).await?;
    let judge = |_: &[ConfigEntry], _: &mut Difference| Vec::new();
    write(state, ConfigTarget::Broker(id), wish, judge, |_| None).await
}

async fn write(
    state: AppState,
    target: ConfigTarget,
    wish: Wish,
    judge: impl FnOnce(&[ConfigEntry], &mut Difference) -> Vec<FieldError> + Send + 'static,
    cost: impl FnOnce(&Written) -> Option<Cost>,
) -> Answer<Response> {
    let (to, validate_only) = (target.clone(), wish.write.validate_only);
    let written = to_the_end(async move {
        let Wish {
            write,
            extent,
            if_match,
            reverses,
        } = &wish;
        let judge_all = |before: &[ConfigEntry], difference: &mut Difference| {
            let moved = reverses
                .as_ref()
                .map(|reversal| reversal.moved_on(&to, before));
            let mut refused = moved.unwrap_or_default();
            refused.extend(judge(before, difference));
            refused
        };
        let writer = &state.configs;
        let written = writer.write(&to, write, *extent, if_match, judge_all).await;
        state.declared.look_again();
        written
    })
    .await
    .map_err(|error| problems::of_config_write(error, &target))?;
    let view = ConfigsWritten {
        cost: cost(&written),
        ..written.to_view(&target, validate_only)
    };
    Ok(([(header::ETAG, view.etag.clone())], Json(view)).into_response())
}

/// The rails that the settings would break and do not break now, and what is worth a warning now.
fn judge_topic(
    rails: &GuardSettings,
    topic: &TopicMetadata,
    before: &[ConfigEntry],
    difference: &mut Difference,
) -> Vec<FieldError> {
    let Some(spec) = TopicSpec::of(topic, before) else {
        return Vec::new();
    };
    let mut changed = spec.clone();
    difference.apply_to(&mut changed.configs);
    let around = Surroundings::of_topic(before);
    let was = guard::judge(rails, &spec, around);
    let verdict = guard::judge(rails, &changed, around);
    let new = |warning: &_| !was.warnings.contains(warning);
    difference
        .warnings
        .extend(verdict.warnings.into_iter().filter(new));
    let of_settings =
        |error: &FieldError| error.field.starts_with("configs.") && !was.violations.contains(error);
    let violations = verdict.violations.into_iter();
    violations.filter(of_settings).collect()
}

/// What the topic takes afterwards, where the bytes that it may keep change.
fn cost_of(topic: &TopicMetadata, written: &Written) -> Option<Cost> {
    let mut fields = written.difference.fields.iter();
    if !fields.any(|change| change.field == "configs.retention.bytes") {
        return None;
    }
    // Of a dry run these are the settings before.
    let mut after = TopicSpec::of(topic, &written.after)?;
    written.difference.apply_to(&mut after.configs);
    let around = Surroundings::of_topic(&written.after);
    Some(guard::cost(&after, around))
}

async fn topic(state: &AppState, name: &TopicName) -> Answer<TopicMetadata> {
    let topic = any_broker::topic(&state.cluster, name.as_str()).await;
    topic.map_err(|error| problems::of_read(error, name))
}

async fn live_broker(state: &AppState, id: i32) -> Answer<()> {
    let metadata = any_broker::metadata(&state.cluster).await?;
    let live = state.roster.observe(&metadata);
    if live.contains(&id) {
        return Ok(());
    }
    Err(problems::broker_not_there(id, &live, &state.roster))
}
