//! `kafka-admin-service acls`: brings a cluster's ACLs to what a document says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use kafka_cluster::{Acl, AclListing, ErrorKind, KafkaCluster, KafkaError, codes};
use service_kit::settings::KafkaSettings;
use tokio::time::Instant;

use super::{AclDocument, AclPlan, plan};
use crate::cli::CHANGES;

/// How long brokers that are starting are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// Reading all ACLs.
const READ: Duration = Duration::from_secs(5);
/// Writing them: in ZooKeeper mode each resource is a write of its own to the ensemble.
const WRITE: Duration = Duration::from_secs(20);

/// Which document, and whether only to look.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct AclArguments {
    /// A document in the form of kafka/acls.yml
    pub file: PathBuf,

    /// Says what would change, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What became of ACLs.
type Outcomes = BTreeMap<Acl, Result<(), KafkaError>>;

/// Compares, prints what differs, one line each, and changes it unless told not to.
///
/// What is missing is added before anything is removed, and where that fails nothing is, so that nobody is
/// without a right in between.
/// Running it again is safe, after a failure too.
///
/// # Errors
/// The document is wrong, no broker answered within 30 s, Kafka refused, or some changes failed.
pub async fn run(kafka: &KafkaSettings, arguments: &AclArguments) -> anyhow::Result<ExitCode> {
    let document = read(&arguments.file)?;
    let cluster = KafkaCluster::connect(kafka.connection()?)?;
    let present = listing(&cluster).await.map_err(explain)?;
    let plan = plan(&document, &present);
    for line in left_alone(&plan) {
        println!("{line}");
    }
    if plan.is_empty() {
        println!("no change");
        return Ok(ExitCode::SUCCESS);
    }
    let (create, delete) = (to_vec(&plan.create), to_vec(&plan.delete));
    if arguments.dry_run {
        for acl in &create {
            println!("would create: {acl}");
        }
        for acl in &delete {
            println!("would remove: {acl}");
        }
        return Ok(ExitCode::from(CHANGES));
    }
    let created = cluster.create_acls(&create, WRITE).await.map_err(explain)?;
    if !report("created", &created) {
        bail!("some ACLs could not be created, so none was removed");
    }
    let deleted = cluster.delete_acls(&delete, WRITE).await.map_err(explain)?;
    if !report("removed", &deleted) {
        bail!("some ACLs could not be removed");
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<AclDocument> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    AclDocument::parse(&text).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}: {}", path.display(), lines.join("\n  "))
    })
}

/// All ACLs of the cluster, as soon as it answers.
async fn listing(cluster: &KafkaCluster) -> Result<AclListing, KafkaError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let remaining = end.saturating_duration_since(Instant::now());
        match cluster.acls(READ.min(remaining)).await {
            Err(error) if error.retriable() && Instant::now() + PAUSE < end => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// What is not touched, one line each.
fn left_alone(plan: &AclPlan) -> Vec<String> {
    let not_named = plan.not_named.iter().map(|(principal, count)| {
        format!("left alone, not in the document: {principal} (ACLs: {count})")
    });
    let unknown = plan.unknown.iter().map(|(principal, count)| {
        format!("left alone, of a kind not known here: {principal} (ACLs: {count})")
    });
    not_named.chain(unknown).collect()
}

/// Prints what was done, and what was not to standard error; returns whether all was.
fn report(done: &str, outcomes: &Outcomes) -> bool {
    for (acl, outcome) in outcomes {
        match outcome {
            Ok(()) => println!("{done}: {acl}"),
            Err(error) => eprintln!("not {done}: {acl}: {error}"),
        }
    }
    outcomes.values().all(Result::is_ok)
}

/// Puts what to do about it before what Kafka said.
fn explain(error: KafkaError) -> anyhow::Error {
    let advice = match (error.code, error.kind) {
        (codes::SECURITY_DISABLED, _) => {
            "the brokers keep no ACLs and let everybody do everything: their setting \
             authorizer.class.name is missing (kafka.security.authorizer.AclAuthorizer with ZooKeeper, \
             org.apache.kafka.metadata.authorizer.StandardAuthorizer with KRaft)"
        }
        (_, ErrorKind::Denied) => {
            "reading and changing ACLs is for super users (the brokers' setting super.users): connect as one"
        }
        (_, ErrorKind::Unauthenticated) => {
            "the brokers did not take who we say we are: look at the Kafka properties"
        }
        (_, ErrorKind::Unreachable | ErrorKind::TimedOut) => {
            "no broker answered: look at the bootstrap servers, and at security.protocol and the \
             credentials among the Kafka properties"
        }
        (_, ErrorKind::OutcomeUnknown) => "it is not known what was changed: run it again",
        _ => "Kafka refused",
    };
    anyhow::Error::new(error).context(advice)
}

fn to_vec(acls: &BTreeSet<Acl>) -> Vec<Acl> {
    acls.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Command;
    use crate::settings::Settings;

    #[test]
    fn the_command_takes_a_file_and_whether_only_to_look() {
        let parse = |arguments: &[&str]| {
            let all = [&["kafka-admin-service", "acls"], arguments].concat();
            Settings::try_parse_from(all).map(|settings| settings.command)
        };
        let of = |dry_run| {
            let file = PathBuf::from("kafka/acls.yml");
            Some(Command::Acls(AclArguments { file, dry_run }))
        };
        assert_eq!(parse(&["kafka/acls.yml"]).unwrap(), of(false));
        assert_eq!(parse(&["--dry-run", "kafka/acls.yml"]).unwrap(), of(true));
        assert!(parse(&[]).is_err());
    }

    fn advice(code: i32) -> String {
        format!(
            "{:#}",
            explain(KafkaError::of_read("DescribeAcls", code, ""))
        )
    }

    #[test]
    fn the_broker_setting_that_is_missing_is_named() {
        let told = advice(codes::SECURITY_DISABLED);
        assert!(told.contains("authorizer.class.name is missing"), "{told}");
        assert!(told.contains("(SECURITY_DISABLED)"), "{told}");
        let told = advice(codes::CLUSTER_AUTHORIZATION_FAILED);
        assert!(told.contains("super.users"), "{told}");
        let told = advice(codes::LOCAL_TIMED_OUT);
        assert!(told.starts_with("no broker answered"), "{told}");
    }

    #[test]
    fn only_what_passes_by_itself_is_waited_for() {
        let retried = |code| KafkaError::of_read("DescribeAcls", code, "").retriable();
        assert!(retried(codes::LOCAL_TIMED_OUT) && retried(codes::LOCAL_TRANSPORT));
        assert!(!retried(codes::SECURITY_DISABLED));
        assert!(!retried(codes::CLUSTER_AUTHORIZATION_FAILED));
    }

    #[test]
    fn what_is_left_alone_is_told_by_principal() {
        let plan = AclPlan {
            not_named: BTreeMap::from([("User:c".to_owned(), 2)]),
            unknown: BTreeMap::from([("User:a".to_owned(), 1)]),
            ..AclPlan::default()
        };
        assert_eq!(
            left_alone(&plan),
            [
                "left alone, not in the document: User:c (ACLs: 2)",
                "left alone, of a kind not known here: User:a (ACLs: 1)",
            ]
        );
    }

    #[test]
    fn a_failure_among_outcomes_is_seen() {
        let acl = Acl::allow(
            "User:a",
            kafka_cluster::AclOperation::Read,
            kafka_cluster::AclResourceType::Topic,
            "orders",
        );
        let error = KafkaError::of_write("CreateAcls", codes::INVALID_REQUEST, "no");
        assert!(report("created", &BTreeMap::from([(acl.clone(), Ok(()))])));
        assert!(!report("created", &BTreeMap::from([(acl, Err(error))])));
    }

    #[test]
    fn a_document_with_mistakes_is_refused_with_all_of_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "principals:\n  - {name: \"\", reason: \"\", rights: []}\n",
        )
        .unwrap();
        let told = format!("{:#}", read(file.path()).unwrap_err());
        assert!(told.contains("name must not be empty"), "{told}");
        assert!(told.contains("reason must not be empty"), "{told}");
        let missing = format!("{:#}", read(Path::new("no/such/file")).unwrap_err());
        assert!(missing.contains("no/such/file"), "{missing}");
    }
}
