//! The commands beside serving: the health check, declared state for CI, tokens, and ACLs.
//!
//! `plan` and `apply` talk to a running admin service, so that its writes go on taking turns; `acls` talks to
//! Kafka, since no service can run before its rights are there.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::StatusCode;
use serde_json::Value;
use service_kit::Role;
use service_kit::access::NewToken;

use crate::acls::AclArguments;

/// Applying waits for every topic; the service bounds itself to less.
const LONGEST_CALL: Duration = Duration::from_secs(330);
/// Of `plan`, `apply` and `acls`: there are changes, or there were.
pub(crate) const CHANGES: u8 = 2;

/// What to do instead of serving.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Asks the service that listens on the same address whether it is ready; exit 0 or 1
    Healthcheck,
    /// Says what applying a document of topics would change; exit 0 for nothing, 2 for changes, 1 for a
    /// failure
    Plan(DocumentArguments),
    /// Applies a document of topics; exit 0 for nothing to do, 2 for changes made, 1 for a failure
    Apply(DocumentArguments),
    /// Brings Kafka's ACLs to a document of principals, as a super user; exit 0 once they are as it says, 1
    /// for a failure; with --dry-run 2 for changes
    Acls(AclArguments),
    /// Makes a bearer token: itself on standard error, its line for TOKENS_FILE on standard output
    Token(TokenArguments),
}

/// Whose token, and what for.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct TokenArguments {
    /// What the audit calls whoever has it
    pub name: String,

    /// What it may do
    #[arg(long, value_enum, default_value = "viewer")]
    pub role: Role,

    /// The topics that it may touch: all (*), or those with a beginning (app-*)
    #[arg(long, default_value = "*")]
    pub topics: String,
}

/// Prints a new token and its line.
#[must_use]
pub fn make_token(arguments: &TokenArguments) -> ExitCode {
    match NewToken::make(&arguments.name, arguments.role, &arguments.topics) {
        Ok(token) => {
            eprintln!("{}", token.secret);
            println!("{}", token.line);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("kafka-admin-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Which document, and which service.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DocumentArguments {
    /// A document in the form of kafka/topics.yml
    pub file: PathBuf,

    /// Where the admin service is
    #[arg(long, env = "ADMIN_URL", default_value = "http://127.0.0.1:8081")]
    pub server: String,

    /// File with the bearer token, where the admin service wants one
    #[arg(long, env = "TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// Runs `plan`, or `plan` and `apply`; prints what changes, one line each.
///
/// # Errors
/// The file cannot be read, the service is not there, or it refused.
pub async fn run(arguments: &DocumentArguments, apply: bool) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let document =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let token = match &arguments.token_file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map(Some)?,
        None => None,
    };
    let client = reqwest::Client::builder().timeout(LONGEST_CALL).build()?;
    let server = arguments.server.trim_end_matches('/');
    let call = async |path: &str| {
        let mut request = client
            .post(format!("{server}{path}"))
            .header("content-type", "application/yaml")
            .body(document.clone());
        if let Some(token) = &token {
            request = request.bearer_auth(token.trim());
        }
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("the admin service at {server}"))?;
        let status = answer.status();
        let body: Value = answer.json().await.context("the answer is no JSON")?;
        anyhow::Ok((status, body))
    };
    let (status, plan) = call("/api/plan").await?;
    if !status.is_success() {
        bail!("{}", refusal(&plan));
    }
    print_plan(&plan);
    let problems = list(&plan, "topics").flat_map(|topic| list(topic, "problems"));
    if problems.count() > 0 {
        bail!("it cannot be applied as it is");
    }
    if plan["changes"] != true {
        println!("no change");
        return Ok(ExitCode::SUCCESS);
    }
    if !apply {
        return Ok(ExitCode::from(CHANGES));
    }
    let hash = plan["hash"].as_str().unwrap_or_default();
    let (status, applied) = call(&format!("/api/apply?hash={hash}")).await?;
    if !status.is_success() {
        bail!("{}", refusal(&applied));
    }
    for topic in list(&applied, "topics") {
        println!("{}", outcome_line(topic));
    }
    verdict(status)
}

/// The exit code once a document was applied.
///
/// # Errors
/// Some topics failed, in part or whole, or it is not known.
fn verdict(status: StatusCode) -> anyhow::Result<ExitCode> {
    if status == StatusCode::MULTI_STATUS {
        bail!("not all topics are known to be as the document says");
    }
    Ok(ExitCode::from(CHANGES))
}

/// What became of a topic: `orders: partial (done: partitions) no answer; check: GET /api/topics/orders`.
fn outcome_line(topic: &Value) -> String {
    let mut line = format!("{}: {}", text(topic, "topicName"), text(topic, "outcome"));
    let done: Vec<_> = list(topic, "done").filter_map(Value::as_str).collect();
    if !done.is_empty() {
        line += &format!(" (done: {})", done.join(", "));
    }
    if let Some(reason) = topic["reason"].as_str() {
        line += &format!(" {reason}");
    }
    if let Some(check) = topic["check"].as_str() {
        line += &format!("; check: {check}");
    }
    line
}

fn print_plan(plan: &Value) {
    for topic in list(plan, "topics") {
        let name = text(topic, "topicName");
        if topic["action"] != "none" {
            println!("{name}: {}", text(topic, "action"));
        }
        for change in list(topic, "changes") {
            let value = |field: &str| change[field].as_str().unwrap_or("(none)").to_owned();
            println!(
                "  {}: {} -> {}",
                text(change, "field"),
                value("before"),
                value("after")
            );
        }
        for warning in list(topic, "warnings") {
            println!("  {name}: warning: {}", text(warning, "message"));
        }
        for problem in list(topic, "problems") {
            println!(
                "  {name}: {} {}",
                text(problem, "field"),
                text(problem, "message")
            );
        }
    }
    let not_named: Vec<_> = list(plan, "topicsNotNamed")
        .filter_map(Value::as_str)
        .collect();
    if !not_named.is_empty() {
        println!("left alone, not in the document: {}", not_named.join(", "));
    }
}

fn refusal(problem: &Value) -> String {
    format!("{} ({})", text(problem, "detail"), text(problem, "code"))
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_in_part_or_is_unknown_is_no_success() {
        assert!(verdict(StatusCode::OK).is_ok());
        assert!(verdict(StatusCode::MULTI_STATUS).is_err());
    }

    #[test]
    fn a_topic_that_was_done_in_part_tells_what_and_how_to_look() {
        let topic = json!({
            "topicName": "orders", "outcome": "partial", "done": ["partitions"],
            "reason": "no answer", "check": "GET /api/topics/orders",
        });
        assert_eq!(
            outcome_line(&topic),
            "orders: partial (done: partitions) no answer; check: GET /api/topics/orders"
        );
        let done = json!({"topicName": "orders", "outcome": "done"});
        assert_eq!(outcome_line(&done), "orders: done");
    }
}
