//! Kafka's own command-line tools, from the same jars: the second opinion of tests.

use std::process::Stdio;
use std::time::Duration;

use crate::error::{Error, Result, io_error};
use crate::java::Java;
use crate::layout::Layout;

/// Most take 1 s, of which Java is most.
const LONGEST_RUN: Duration = Duration::from_secs(120);

/// Runs a tool of Kafka, such as `org.apache.kafka.tools.TopicCommand`, and answers with what it
/// wrote to standard output. Ended after two minutes, or when the future is dropped.
///
/// # Errors
/// [`Error::Tool`] with its output when it ends with another status than 0.
///
/// # Examples
/// ```no_run
/// # async fn example() -> local_cluster::Result<()> {
/// let bootstrap = local_cluster::shared().await?.bootstrap();
/// let arguments = ["--bootstrap-server", &bootstrap, "--list"];
/// let topics = local_cluster::tool("org.apache.kafka.tools.TopicCommand", &arguments).await?;
/// # Ok(()) }
/// ```
pub async fn tool(class: &str, arguments: &[&str]) -> Result<String> {
    run(&Java::prepare(&Layout::find()?).await?, class, arguments).await
}

/// Runs a tool with a given Java.
///
/// # Errors
/// As [`tool`].
pub async fn run(java: &Java, class: &str, arguments: &[&str]) -> Result<String> {
    run_on(java, class, arguments, Stdio::null()).await
}

/// Runs a tool with a given Java and something to read.
pub(crate) async fn run_on(
    java: &Java,
    class: &str,
    arguments: &[&str],
    input: Stdio,
) -> Result<String> {
    let mut command = tokio::process::Command::new(&java.program);
    command
        .args(java.tool_args(class))
        .args(arguments)
        .stdin(input)
        .kill_on_drop(true);
    let output = tokio::time::timeout(LONGEST_RUN, command.output())
        .await
        .map_err(|_| Error::TimedOut {
            what: format!("the end of {class}"),
            limit: LONGEST_RUN,
            last: "it ran".into(),
        })?
        .map_err(io_error(class))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Error::Tool {
        class: class.to_owned(),
        status: output.status.to_string(),
        output: format!("{}\n{}", errors.trim(), text.trim()),
    })
}
