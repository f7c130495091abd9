//! What a caller sends about groups, read into types that cannot be wrong.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use service_kit::{FieldProblem, FieldValue, Fields, FromFields};
use utoipa::{IntoParams, ToSchema};

use crate::groups::{ResetTo, Scope, ScopeItem};

/// Groups on one page when the caller does not say: each costs a request.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;

/// The states that Kafka knows.
const STATES: [&str; 5] = [
    "Stable",
    "Empty",
    "PreparingRebalance",
    "CompletingRebalance",
    "Dead",
];

/// Which groups are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGroups {
    pub states: Option<Vec<String>>,
    pub search: Option<String>,
    pub after: Option<String>,
    pub limit: usize,
}

impl FromFields for ListGroups {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let states = fields.optional::<Vec<String>>("state");
        let search = fields.optional("search");
        let after = fields.optional("cursor");
        let limit = fields.with_default_in("limit", 1..=LARGEST_PAGE, USUAL_PAGE);
        if let Some(Some(states)) = &states {
            let known = states.iter().all(|state| STATES.contains(&state.as_str()));
            let message = format!("must be of {}", STATES.join(", "));
            fields.check("state", known, "unknown_state", message);
        }
        Some(Self {
            states: states?,
            search: search?,
            after: after?,
            limit: limit?,
        })
    }
}

/// How [`ListGroups`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ListGroupsQuery {
    /// Only groups in these states, separated by commas.
    #[param(example = "Stable,Empty")]
    state: Option<String>,
    /// Only groups whose id contains this.
    #[param(example = "log")]
    search: Option<String>,
    /// `nextCursor` of the page before.
    #[param(example = "log-processor")]
    cursor: Option<String>,
    /// Most groups on a page; 100 when not given.
    #[param(example = 100, minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl FieldValue for ScopeItem {
    fn from_text(text: &str) -> Result<Self, FieldProblem> {
        let item = text.parse();
        item.map_err(|error: String| FieldProblem::new("invalid_topic", error))
    }

    fn from_json(value: &Value) -> Result<Self, FieldProblem> {
        match value.as_str() {
            Some(text) => Self::from_text(text),
            None => Err(FieldProblem::new("wrong_type", "must be a list of texts")),
        }
    }
}

fn scope(fields: &mut Fields) -> Option<Scope> {
    let items = fields.optional::<Vec<ScopeItem>>("topics")?;
    Some(items.map_or(Scope::Committed, Scope::Items))
}

/// Whether a move is meant: not unless that is said, and never together with `validateOnly=true`.
fn execute(fields: &mut Fields) -> Option<bool> {
    let execute = fields.with_default("execute", false);
    let validate_only = fields.with_default("validateOnly", false);
    let both = (execute, validate_only) == (Some(true), Some(true));
    let message = "and execute=true exclude each other";
    fields.check("validateOnly", !both, "contradiction", message);
    execute
}

/// Where the offsets of a group go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetOffsets {
    pub to: ResetTo,
    pub scope: Scope,
    pub execute: bool,
}

impl FromFields for ResetOffsets {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let to = fields.required::<String>("to");
        let time = fields.optional::<Timestamp>("time");
        let ago = fields.optional::<Duration>("agoMs");
        let offset = fields.optional_in::<i64>("offset", 0..=i64::MAX);
        let shift = fields.optional::<i64>("shift");
        let scope = scope(fields);
        let execute = execute(fields);
        let (to, time, ago, offset, shift) = (to?, time?, ago?, offset?, shift?);
        let given = [
            ("time", time.is_some()),
            ("agoMs", ago.is_some()),
            ("offset", offset.is_some()),
            ("shift", shift.is_some()),
        ];
        let needed = match to.as_str() {
            "time" | "offset" | "shift" => to.as_str(),
            "ago" => "agoMs",
            "earliest" | "latest" => "",
            _ => {
                let message = "must be earliest, latest, time, ago, offset or shift";
                fields.check("to", false, "unknown_target", message);
                return None;
            }
        };
        for (name, is_given) in given {
            if name == needed {
                let message = format!("is required with to={to}");
                fields.check(name, is_given, "missing", message);
            } else {
                let message = format!("has no meaning with to={to}");
                fields.check(name, !is_given, "not_with_this_target", message);
            }
        }
        let to = match to.as_str() {
            "earliest" => ResetTo::Earliest,
            "latest" => ResetTo::Latest,
            "time" => ResetTo::Time(time?),
            "offset" => ResetTo::Offset(offset?),
            "shift" => ResetTo::Shift(shift?),
            _ => {
                let past = Timestamp::now().checked_sub(ago?);
                let message = "is before all time";
                fields.check("agoMs", past.is_ok(), "out_of_range", message);
                ResetTo::Time(past.ok()?)
            }
        };
        Some(Self {
            to,
            scope: scope?,
            execute: execute?,
        })
    }
}

/// How [`ResetOffsets`] shows in the OpenAPI document as a body; the query takes the same fields.
#[derive(ToSchema, IntoParams)]
#[schema(as = ResetOffsets, rename_all = "camelCase", example = json!({
    "to": "ago", "agoMs": 3_600_000, "topics": ["log-events", "critical-logs:0"], "execute": false
}))]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct ResetOffsetsBody {
    /// `earliest`, `latest`, `time`, `ago`, `offset` or `shift`. Required, here or in the body.
    #[param(example = "earliest")]
    to: Option<String>,
    /// With `time`: the first record at or after it, RFC 3339.
    #[schema(format = DateTime)]
    #[param(example = "2026-01-31T12:00:00Z", format = DateTime)]
    time: Option<String>,
    /// With `ago`: how long ago, in milliseconds.
    #[schema(minimum = 0)]
    #[param(example = 3_600_000, minimum = 0)]
    ago_ms: Option<u64>,
    /// With `offset`: this offset, or the nearest that is there.
    #[schema(minimum = 0)]
    #[param(example = 0, minimum = 0)]
    offset: Option<i64>,
    /// With `shift`: so many records on, or back when negative.
    #[param(example = -100)]
    shift: Option<i64>,
    /// Topics (`orders`) and partitions (`orders:3`); all that the group committed on when not given.
    #[param(example = json!(["log-events"]), style = Form, explode = false)]
    topics: Option<Vec<String>>,
    /// Do it; without this it is a dry run.
    #[param(example = false)]
    execute: Option<bool>,
    /// A dry run, as it is without `execute`; not with both.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// A change that needs nothing but to be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undo {
    pub execute: bool,
}

impl FromFields for Undo {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let execute = execute(fields);
        Some(Self { execute: execute? })
    }
}

/// How [`Undo`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct UndoQuery {
    /// Do it; without this it is a dry run.
    #[param(example = false)]
    execute: Option<bool>,
    /// A dry run, as it is without `execute`; not with both.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// Which commits are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveOffsets {
    pub scope: Scope,
    pub validate_only: bool,
}

impl FromFields for RemoveOffsets {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let items = fields.required::<Vec<ScopeItem>>("topics");
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            scope: Scope::Items(items?),
            validate_only: validate_only?,
        })
    }
}

/// How [`RemoveOffsets`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct RemoveOffsetsQuery {
    /// Topics (`orders`) and partitions (`orders:3`), separated by commas.
    #[param(example = json!(["orders:3"]), style = Form, explode = false)]
    topics: Vec<String>,
    /// Only answer with what would be removed.
    #[param(example = true)]
    validate_only: Option<bool>,
}

/// Whether a deletion is only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoveGroup {
    pub validate_only: bool,
}

impl FromFields for RemoveGroup {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let validate_only = fields.with_default("validateOnly", false);
        Some(Self {
            validate_only: validate_only?,
        })
    }
}

/// How [`RemoveGroup`] shows in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "documents; nothing is built from it")]
pub struct RemoveGroupQuery {
    /// Only answer with what would be removed.
    #[param(example = true)]
    validate_only: Option<bool>,
}
