//! The faults: how each is made, from when it counts, by what health tells it, and how it ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local_cluster::NodeId;

use super::scene::Scene;
use super::watch::{Answer, Reason, Report};
use super::{PATIENCE, Round, traffic};

/// What can happen to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    BrokerKilled,
    BrokerStopped,
    BrokerPaused,
    ControllerKilled,
    ZookeeperKilled,
    TwoZookeepersKilled,
    ConsumerStopped,
    ConsumerSlowed,
    LeaderLost,
    WritesBlocked,
    RollingRestart,
}

/// How a fault stands in the table.
pub struct Told {
    pub what: &'static str,
    pub counts_from: &'static str,
    pub by: &'static str,
}

/// Of a broker that is away: it, what hangs on it, and consumer groups while their coordinator moves.
const AWAY: [&str; 7] = [
    "broker_down",
    "controller_down",
    "broker_apart",
    "leaders_silent",
    "partitions_without_leader",
    "partitions_under_replicated",
    "group_lag_incomplete",
];

/// What a group of the traffic is called.
const GROUP: &str = "readers";
/// Records a second that are sent while a consumer is looked at.
const RATE: u32 = 500;
/// Records a second that a slowed consumer reads.
const SLOW: u32 = 50;
/// After the end of a fault false alarms are looked for as long.
const AFTERWARDS: Duration = Duration::from_secs(3);
/// A paused broker is left so, to see how answers are meanwhile.
const PAUSE: Duration = Duration::from_secs(20);

impl Fault {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::BrokerKilled,
        Self::BrokerStopped,
        Self::BrokerPaused,
        Self::ControllerKilled,
        Self::ZookeeperKilled,
        Self::TwoZookeepersKilled,
        Self::ConsumerStopped,
        Self::ConsumerSlowed,
        Self::LeaderLost,
        Self::WritesBlocked,
        Self::RollingRestart,
    ];

    /// Its name on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// How it stands in the table.
    pub fn told(self) -> Told {
        let (what, counts_from, by) = match self {
            Self::BrokerKilled => ("broker killed", "SIGKILL", "broker_down"),
            Self::BrokerStopped => ("broker stopped", "its port refuses", "broker_down"),
            Self::BrokerPaused => ("broker paused (SIGSTOP)", "SIGSTOP", "broker_down"),
            Self::ControllerKilled => ("controller killed", "SIGKILL", "broker_down"),
            Self::ZookeeperKilled => ("ZooKeeper node killed", "SIGKILL", "zookeeper_node_down"),
            Self::TwoZookeepersKilled => (
                "two ZooKeeper nodes killed",
                "SIGKILL",
                "zookeeper_quorum_lost",
            ),
            Self::ConsumerStopped => ("consumer stopped", "it left its group", "class stopped"),
            Self::ConsumerSlowed => ("consumer slowed", "it reads a tenth", "class growing"),
            Self::LeaderLost => (
                "partition left without leader",
                "metadata shows none",
                "partitions_offline",
            ),
            Self::WritesBlocked => (
                "writes blocked by min-ISR",
                "metadata shows too few in sync",
                "writesBlocked",
            ),
            Self::RollingRestart => ("rolling restart", "-", "-"),
        };
        Told {
            what,
            counts_from,
            by,
        }
    }

    /// Makes it once and undoes it.
    ///
    /// # Errors
    /// It is not told within the limit, or the cluster does not become whole.
    pub async fn inject(self, scene: &Scene, round: u32) -> Result<Round> {
        let broker = u16::try_from(round % 3)? + 1;
        match self {
            Self::BrokerKilled => broker_killed(scene, broker).await,
            Self::ControllerKilled => broker_killed(scene, scene.controller().await?).await,
            Self::BrokerStopped => broker_stopped(scene, broker).await,
            Self::BrokerPaused => broker_paused(scene, broker).await,
            Self::ZookeeperKilled => zookeepers_killed(scene, &[broker]).await,
            Self::TwoZookeepersKilled => zookeepers_killed(scene, &[broker, broker % 3 + 1]).await,
            Self::ConsumerStopped => consumer_behind(scene, round, None, "stopped").await,
            Self::ConsumerSlowed => consumer_behind(scene, round, Some(SLOW), "growing").await,
            Self::LeaderLost => leader_lost(scene, round).await,
            Self::WritesBlocked => writes_blocked(scene, round, broker).await,
            Self::RollingRestart => rolling_restart(scene).await,
        }
    }
}

/// A fault from its beginning to its end, for what both sides of it have in common.
struct Course<'a> {
    scene: &'a Scene,
    /// Reasons that belong to it, by code and the beginning of their subject.
    own: Vec<(&'static str, String)>,
}

impl Course<'_> {
    /// Waits for the service to tell it, undoes it, and waits until all is well.
    async fn run(
        &self,
        counts_from: Instant,
        told: impl Fn(&Report) -> bool,
        undo: impl Future<Output = Result<()>>,
    ) -> Result<Round> {
        let watch = &self.scene.watch;
        let detected = watch.first(counts_from, PATIENCE, told).await?;
        undo.await?;
        let whole = self.scene.whole().await?;
        let healthy = |report: &Report| report.status == "HEALTHY";
        // It may say so while the witness is still looking.
        let from = whole
            .checked_sub(Duration::from_millis(100))
            .unwrap_or(whole);
        let cleared = watch.first(from, PATIENCE, healthy).await?;
        tokio::time::sleep(AFTERWARDS).await;
        Ok(Round {
            detected_s: Some((detected - counts_from).as_secs_f64()),
            cleared_s: Some(cleared.saturating_duration_since(whole).as_secs_f64()),
            held_back_by: self.reasons_between(whole, cleared),
            ..self.seen(counts_from)
        })
    }

    /// What was answered since.
    fn seen(&self, since: Instant) -> Round {
        let answers = self.scene.watch.since(since);
        let reports = || answers.iter().filter_map(|answer| answer.report.as_ref());
        let mut false_alarms: Vec<String> = reports()
            .flat_map(|report| &report.reasons)
            .filter(|reason| !self.is_own(reason))
            .map(|reason| format!("{} {}", reason.code, reason.subject))
            .collect();
        false_alarms.sort_unstable();
        false_alarms.dedup();
        Round {
            false_alarms,
            critical: reports()
                .filter(|report| report.status == "CRITICAL")
                .count(),
            answers_ms: answers.iter().map(took).collect(),
            ..Round::default()
        }
    }

    /// Why it did not say HEALTHY, each with how long it said so.
    fn reasons_between(&self, whole: Instant, cleared: Instant) -> Vec<String> {
        let mut last = BTreeMap::new();
        for answer in self.scene.watch.since(whole) {
            let reasons = answer.report.iter().flat_map(|report| &report.reasons);
            for reason in reasons.filter(|_| answer.at < cleared) {
                let name = format!("{} {}", reason.code, reason.subject);
                last.insert(name, answer.at - whole);
            }
        }
        let told = last.into_iter();
        told.map(|(name, until)| format!("{name} until {:.1} s", until.as_secs_f64()))
            .collect()
    }

    fn is_own(&self, reason: &Reason) -> bool {
        let mut own = self.own.iter();
        own.any(|(code, subject)| *code == reason.code && reason.subject.starts_with(subject))
    }
}

fn took(answer: &Answer) -> (super::Page, f64) {
    (answer.page, answer.took.as_secs_f64() * 1e3)
}

fn subject(broker: u16) -> String {
    format!("broker {broker} ")
}

/// What a broker that is away brings with it.
fn of_broker(broker: u16) -> Vec<(&'static str, String)> {
    let about = |code: &&'static str| match *code {
        "broker_down" | "broker_apart" => (*code, subject(broker)),
        code => (code, String::new()),
    };
    AWAY.iter().map(about).collect()
}

async fn broker_killed(scene: &Scene, broker: u16) -> Result<Round> {
    let began = Instant::now();
    scene.cluster.kill(NodeId::broker(broker)).await?;
    broker_away(scene, broker, began, Duration::ZERO).await
}

async fn broker_stopped(scene: &Scene, broker: u16) -> Result<Round> {
    let node = NodeId::broker(broker);
    let refuses = scene.refuses(node);
    scene.cluster.stop(node).await?;
    broker_away(scene, broker, refuses.await?, Duration::ZERO).await
}

async fn broker_paused(scene: &Scene, broker: u16) -> Result<Round> {
    let began = Instant::now();
    scene.cluster.pause(NodeId::broker(broker)).await?;
    broker_away(scene, broker, began, PAUSE).await
}

/// A broker does not answer since `began`; once that was told it is left so for `longer`.
async fn broker_away(
    scene: &Scene,
    broker: u16,
    began: Instant,
    longer: Duration,
) -> Result<Round> {
    let course = Course {
        scene,
        own: of_broker(broker),
    };
    let told = |report: &Report| report.tells("broker_down", &subject(broker));
    let undo = async {
        tokio::time::sleep(longer).await;
        Ok(scene.cluster.start_node(NodeId::broker(broker)).await?)
    };
    course.run(began, told, undo).await
}

async fn zookeepers_killed(scene: &Scene, numbers: &[u16]) -> Result<Round> {
    let nodes: Vec<_> = numbers
        .iter()
        .map(|number| NodeId::zookeeper(*number))
        .collect();
    let mut own: Vec<_> = nodes
        .iter()
        .map(|node| ("zookeeper_node_down", scene.address(*node)))
        .collect();
    let several = nodes.len() > 1;
    if several {
        // The third one does not serve without the others.
        own.push(("zookeeper_node_down", String::new()));
        own.push(("zookeeper_quorum_lost", String::new()));
    }
    let course = Course { scene, own };
    let began = Instant::now();
    for node in &nodes {
        scene.cluster.kill(*node).await?;
    }
    let (code, about) = if several {
        ("zookeeper_quorum_lost", String::new())
    } else {
        ("zookeeper_node_down", scene.address(nodes[0]))
    };
    let told = |report: &Report| report.tells(code, &about);
    let undo = async {
        // Side by side: one alone is no quorum to be ready with.
        let started = nodes.iter().map(|node| scene.cluster.start_node(*node));
        for started in futures_util::future::join_all(started).await {
            started?;
        }
        Ok(())
    };
    course.run(began, told, undo).await
}

async fn leader_lost(scene: &Scene, round: u32) -> Result<Round> {
    let topic = format!("one-copy-{round}");
    scene.topic(&topic, 1, "1").await?;
    let shown = scene.client.topic(&topic, PATIENCE).await?;
    let leader = shown.partitions[0].leader.context("a leader")?;
    let broker = u16::try_from(leader)?;
    let node = NodeId::broker(broker);
    let mut own = of_broker(broker);
    own.extend(
        ["partitions_offline", "partitions_without_leader"].map(|code| (code, String::new())),
    );
    let course = Course { scene, own };
    let (began, stopped) = tokio::join!(scene.in_sync_at_most(&topic, 0), scene.cluster.stop(node));
    let (began, _) = (began?, stopped?);
    let told = |report: &Report| report.tells("partitions_offline", "");
    let undo = async { Ok(scene.cluster.start_node(node).await?) };
    let round = course.run(began, told, undo).await?;
    scene.client.delete_topic(&topic, PATIENCE).await?;
    Ok(round)
}

async fn writes_blocked(scene: &Scene, round: u32, broker: u16) -> Result<Round> {
    let topic = format!("needs-all-{round}");
    scene.topic(&topic, 3, "3").await?;
    let node = NodeId::broker(broker);
    let mut own = of_broker(broker);
    own.push(("partitions_under_min_isr", String::new()));
    let course = Course { scene, own };
    // What the topic needs is known a moment after it is made.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (began, stopped) = tokio::join!(scene.in_sync_at_most(&topic, 2), scene.cluster.stop(node));
    let (began, _) = (began?, stopped?);
    let told = |report: &Report| report.writes_blocked > 0;
    let undo = async { Ok(scene.cluster.start_node(node).await?) };
    let round = course.run(began, told, undo).await?;
    scene.client.delete_topic(&topic, PATIENCE).await?;
    Ok(round)
}

/// A consumer that keeps up is replaced by none, or by one that reads `slowed` records a second, and then by one
/// like the first; health is to tell that its group is of `class` meanwhile.
async fn consumer_behind(
    scene: &Scene,
    round: u32,
    slowed: Option<u32>,
    class: &str,
) -> Result<Round> {
    let (topic, group) = (format!("read-{round}"), format!("{GROUP}-{round}"));
    scene.topic(&topic, 3, "2").await?;
    let bootstrap = scene.cluster.bootstrap();
    let consume = |rate| traffic::consume(&bootstrap, &topic, &group, rate);
    let producing = traffic::produce(&bootstrap, &topic, RATE)?;
    let consuming = consume(None)?;
    let active = |report: &Report| report.class(&group) == "active";
    let watch = &scene.watch;
    watch.first(Instant::now(), PATIENCE, active).await?;
    end(consuming).await?;
    let slow = slowed.map(|rate| consume(Some(rate))).transpose()?;
    let began = Instant::now();
    let told = |report: &Report| report.class(&group) == class;
    let detected = watch.first(began, PATIENCE, told).await?;
    end(slow).await?;
    let again = consume(None)?;
    let returned = Instant::now();
    let cleared = watch.first(returned, PATIENCE, active).await?;
    let seen = Course { scene, own: vec![] }.seen(began);
    end((producing, again)).await?;
    scene.client.delete_topic(&topic, PATIENCE).await?;
    Ok(Round {
        detected_s: Some((detected - began).as_secs_f64()),
        cleared_s: Some((cleared - returned).as_secs_f64()),
        ..seen
    })
}

/// Ends workers, which blocks until they have left.
async fn end(workers: impl Send + 'static) -> Result<()> {
    Ok(tokio::task::spawn_blocking(move || drop(workers)).await?)
}

/// Each broker in turn, the next once all replicas are in sync, as `rolling-restart.sh` does it.
async fn rolling_restart(scene: &Scene) -> Result<Round> {
    let own = (1..=3).flat_map(of_broker).collect();
    let course = Course { scene, own };
    let began = Instant::now();
    for broker in 1..=3 {
        let node = NodeId::broker(broker);
        scene.cluster.stop(node).await?;
        scene.cluster.start_node(node).await?;
        scene.whole().await?;
    }
    let whole = Instant::now();
    let healthy = |report: &Report| report.status == "HEALTHY";
    let cleared = scene.watch.first(whole, PATIENCE, healthy).await?;
    tokio::time::sleep(AFTERWARDS).await;
    Ok(Round {
        detected_s: None,
        cleared_s: Some((cleared - whole).as_secs_f64()),
        ..course.seen(began)
    })
}
