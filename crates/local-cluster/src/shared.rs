//! The cluster that all tests of a process share. Tests that use it harm no node.

use std::path::Path;

use tokio::sync::OnceCell;

use crate::ensemble::Cluster;
use crate::error::{Error, Result};
use crate::test_home::start_for_test;

/// Names the state file (`cluster.json`) of a running cluster to use in place of an own one.
pub const TEST_CLUSTER: &str = "TEST_CLUSTER";

/// The shared cluster of this process, started at the first call and kept; three brokers. With
/// `TEST_CLUSTER` set it is the running cluster of that state file, and one that does not answer
/// is an error. It ends when the process does, whatever ends that.
///
/// # Errors
/// The same error for every caller when it could not be started.
///
/// # Examples
/// ```no_run
/// # async fn example() -> local_cluster::Result<()> {
/// let bootstrap = local_cluster::shared().await?.bootstrap();
/// # Ok(()) }
/// ```
pub async fn shared() -> Result<&'static Cluster> {
    static SHARED: OnceCell<Result<Cluster, String>> = OnceCell::const_new();
    let cluster = SHARED.get_or_init(|| async {
        let cluster = match std::env::var(TEST_CLUSTER) {
            Ok(file) if !file.is_empty() => Cluster::join(Path::new(&file)).await,
            _ => start_for_test("shared", |_| {}).await,
        };
        cluster.map_err(|error| error.to_string())
    });
    cluster
        .await
        .as_ref()
        .map_err(|error| Error::State(format!("shared test cluster: {error}")))
}
