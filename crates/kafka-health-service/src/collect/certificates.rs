//! Looks when certificates end, before they do: those that brokers and ZooKeepers show, since what a node
//! shows may be older than what lies in its files, and those in this service's own files.

use std::collections::BTreeMap;
use std::path::PathBuf;
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
    /// Files of certificates by whose they are; read again each time.
    pub own: BTreeMap<String, PathBuf>,
}

impl Doors {
    /// Whether there is any certificate to be seen.
    pub fn any(&self) -> bool {
        self.brokers.is_some() || self.zookeepers.is_some()
    }
}

/// The files of one kind, towards brokers and towards ZooKeepers: one holder where they are the same.
pub(super) fn own(
    holder: &str,
    brokers: Option<PathBuf>,
    zookeepers: Option<PathBuf>,
) -> Vec<(String, PathBuf)> {
    let of = |file| (holder.to_owned(), file);
    match (brokers, zookeepers) {
        (Some(brokers), Some(zookeepers)) if brokers != zookeepers => {
            vec![
                of(brokers),
                (format!("{holder} towards ZooKeeper"), zookeepers),
            ]
        }
        (brokers, zookeepers) => brokers.or(zookeepers).map(of).into_iter().collect(),
    }
}

pub(super) async fn run(context: Context, doors: Doors) {
    let attempt = || async {
        let own_complete = read_own(&context, &doors).await;
        // A broker whose address no metadata gave yet has to wait for the next look.
        let brokers = context.store.read().brokers.clone();
        let mut complete = own_complete && brokers.values().all(|broker| broker.address.is_some());
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

/// Whether each of the files could be read. One that could not is told by who connects with it.
async fn read_own(context: &Context, doors: &Doors) -> bool {
    let mut complete = true;
    for (holder, file) in &doors.own {
        let not_after = secure_stream::not_after(file).await.ok();
        match not_after.and_then(|end| certificate(end, Moment::now())) {
            Some(certificate) => context.store.update(|snapshot| {
                snapshot.certificates.insert(holder.clone(), certificate);
            }),
            None => complete = false,
        }
    }
    complete
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
    let shown = tokio::time::timeout(DEADLINE, tls.peer_not_after(host, port)).await;
    certificate(shown.ok()?.ok()?, at)
}

fn certificate(not_after: i64, at: Moment) -> Option<Certificate> {
    let not_after = Timestamp::from_second(not_after).ok()?;
    Some(Certificate { not_after, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_once_and_two_that_differ_each_by_a_name_of_its_own() {
        let file = |name: &str| Some(PathBuf::from(name));
        let told = |brokers, zookeepers| {
            let own = own("CA", brokers, zookeepers).into_iter();
            own.map(|(holder, _)| holder).collect::<Vec<_>>()
        };
        assert_eq!(told(file("ca.pem"), file("ca.pem")), ["CA"]);
        assert_eq!(told(None, file("ca.pem")), ["CA"]);
        assert_eq!(told(None, None), [""; 0]);
        assert_eq!(
            told(file("ca.pem"), file("other.pem")),
            ["CA", "CA towards ZooKeeper"]
        );
    }
}
