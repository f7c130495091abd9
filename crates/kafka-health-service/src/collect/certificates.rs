//! Looks at the certificates that brokers and ZooKeepers show, before they end: what a node shows may be
//! older than what lies in its files.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use secure_stream::Tls;

use super::Context;
use super::pace::{Outcome, Pace};
use crate::moment::Moment;
use crate::snapshot::Certificate;

/// They last for months; a renewal shows within a minute.
const INTERVAL: Duration = Duration::from_secs(60);
const AFTER_FAILURE: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(4);

/// How each kind of node is connected to; `None` is plain text.
pub(super) struct Doors {
    pub brokers: Option<Tls>,
    pub zookeepers: Option<Tls>,
}

impl Doors {
    /// Whether there is any certificate to be seen.
    pub fn any(&self) -> bool {
        self.brokers.is_some() || self.zookeepers.is_some()
    }
}

pub(super) async fn run(context: Context, doors: Doors) {
    let attempt = || async {
        // A broker whose address no metadata gave yet has to wait for the next look.
        let brokers = context.store.read().brokers.clone();
        let mut complete = brokers.values().all(|broker| broker.address.is_some());
        for (holder, host, port, tls) in nodes(&context, &doors) {
            match shown(&tls, &host, port).await {
                Some(certificate) => context.store.update(|snapshot| {
                    snapshot.certificates.insert(holder.clone(), certificate);
                }),
                // It is down, or refuses: its own check says so.
                None => complete = false,
            }
        }
        if complete {
            Outcome::Success
        } else {
            Outcome::Failure
        }
    };
    Pace::every(INTERVAL, AFTER_FAILURE)
        .repeat(&context.stop, attempt)
        .await;
}

/// Whom to look at: name, host, port, and how.
fn nodes(context: &Context, doors: &Doors) -> Vec<(String, String, u16, Tls)> {
    let snapshot = context.store.read();
    let brokers: BTreeMap<_, _> = snapshot
        .brokers
        .iter()
        .filter_map(|(id, broker)| Some((*id, broker.address.clone()?)))
        .collect();
    let mut nodes = Vec::new();
    if let Some(tls) = &doors.brokers {
        nodes.extend(brokers.into_iter().map(|(id, address)| {
            let holder = format!("broker {id}");
            (holder, address.host, address.port, tls.clone())
        }));
    }
    if let Some(tls) = &doors.zookeepers {
        nodes.extend(snapshot.zookeeper.keys().filter_map(|address| {
            let (host, port) = address.rsplit_once(':')?;
            let host = host.trim_matches(['[', ']']).to_owned();
            let holder = format!("ZooKeeper {address}");
            Some((holder, host, port.parse().ok()?, tls.clone()))
        }));
    }
    nodes
}

async fn shown(tls: &Tls, host: &str, port: u16) -> Option<Certificate> {
    let at = Moment::now();
    let stream = tokio::time::timeout(DEADLINE, tls.connect(host, port)).await;
    let not_after = stream.ok()?.ok()?.peer_not_after()?;
    let not_after = Timestamp::from_second(not_after).ok()?;
    Some(Certificate { not_after, at })
}
