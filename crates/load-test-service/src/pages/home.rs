//! `/`: the form, the run in progress, and the list of runs.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form as FormBody, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use service_kit::input::{self, Page};
use service_kit::{Answer, Input, Problem};
use service_pages::number;

use super::form::{Form, in_words};
use super::report::Live;
use super::{page, tone};
use crate::plan::Plan;
use crate::routes::{Done, Prefer, RunList, begin};
use crate::runs::{RunSummary, Task};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    form: Form,
    live: Option<Live>,
    rows: Vec<Row>,
    older: Option<String>,
}

/// A line of the list.
struct Row {
    run: RunSummary,
    when: String,
    state: String,
    tone: &'static str,
    events: String,
    throughput: String,
    p99: String,
}

impl From<RunSummary> for Row {
    fn from(run: RunSummary) -> Self {
        let text = |value: &serde_json::Value| value.as_str().map(in_words).unwrap_or_default();
        let state = match run.outcome {
            Some(outcome) => serde_json::json!(outcome),
            None => serde_json::json!(run.state),
        };
        Self {
            when: format!("{:.0}", run.accepted_at)
                .replace('T', " ")
                .replace('Z', ""),
            state: run.conclusion.clone().unwrap_or_else(|| text(&state)),
            tone: if run.counted.failed > 0 {
                "bad"
            } else {
                tone(run.state)
            },
            events: number::grouped(run.counted.acknowledged),
            throughput: run.throughput.map(number::rounded).unwrap_or_default(),
            p99: run.p99_ms.map(number::duration_ms).unwrap_or_default(),
            run,
        }
    }
}

/// The page.
pub async fn home(State(state): State<AppState>, Input(wanted): Input<Page>) -> Answer<Response> {
    show(&state, StatusCode::OK, Form::fresh(), &wanted)
}

/// Starts a run and leads to its page; what is wrong is said on the form.
pub async fn start(
    State(state): State<AppState>,
    form: Result<FormBody<Vec<(String, String)>>, FormRejection>,
) -> Answer<Response> {
    let FormBody(given) =
        form.map_err(|error| Problem::new(error.status(), "unreadable_form", error.body_text()))?;
    match start_by_form(&state, &given).await {
        Ok(location) => Ok(Redirect::to(&location).into_response()),
        Err(problem) => {
            let form = Form::with(&given, Some(&problem));
            show(&state, problem.status, form, &Page::first())
        }
    }
}

async fn start_by_form(state: &AppState, given: &[(String, String)]) -> Answer<String> {
    // A field that is left empty is not given.
    let typed = given.iter().filter(|(_, value)| !value.is_empty());
    let plan = input::read_pairs::<Plan>(typed.cloned().collect())?;
    let prefer = Prefer {
        respond_async: true,
    };
    match begin(state, prefer, Task::Run(Box::new(plan))).await? {
        Done::Accepted(accepted) => Ok(format!("/runs/{}", accepted.run_id())),
        Done::Over(record) => Ok(format!("/runs/{}", record.run_id)),
    }
}

fn show(state: &AppState, status: StatusCode, form: Form, wanted: &Page) -> Answer<Response> {
    let seen = state.runner.see();
    let list = RunList::of(&seen, wanted);
    let home = Home {
        form,
        live: seen
            .running
            .as_ref()
            .map(|running| Live::of(&running.record())),
        older: list.next,
        rows: list.runs.into_iter().map(Row::from).collect(),
    };
    page(status, "Load tests", None, home.render())
}
