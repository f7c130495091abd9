//! How connections are secured, in words.

use jiff::Timestamp;

use crate::snapshot::Snapshot;

/// How this service is connected, and how long certificates last.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityReport {
    /// Towards the brokers: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    #[schema(example = "SASL_SSL")]
    pub brokers: String,
    /// How this service logs in to brokers; null where it does not.
    #[schema(required = true, example = "SCRAM-SHA-512")]
    pub mechanism: Option<String>,
    /// Towards ZooKeeper: `PLAINTEXT` or `SSL`; null where none is configured.
    #[schema(required = true, example = "SSL")]
    pub zookeeper: Option<&'static str>,
    /// The certificates that nodes show, and those of the CA and of this service itself, the one that ends
    /// first at the top; empty where connections are plain text.
    pub certificates: Vec<CertificateReport>,
}

/// One certificate.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateReport {
    /// Whose it is: a node's, the CA's or this service's own.
    #[schema(example = "broker 1")]
    pub holder: String,
    /// When it ends.
    #[serde(with = "service_kit::time::millis")]
    pub not_after: Timestamp,
    /// Whole days until then; negative once it has ended.
    pub days_left: i64,
    /// When it was shown, or read from its file.
    #[serde(with = "service_kit::time::millis")]
    pub observed_at: Timestamp,
}

impl SecurityReport {
    pub(super) fn new(snapshot: &Snapshot, now: Timestamp) -> Self {
        let shown = snapshot.certificates.iter();
        let mut certificates: Vec<_> = shown
            .map(|(holder, certificate)| CertificateReport {
                holder: holder.clone(),
                not_after: certificate.not_after,
                days_left: days(certificate.not_after, now),
                observed_at: certificate.at.time(),
            })
            .collect();
        certificates.sort_by_key(|certificate| certificate.not_after);
        let connections = &snapshot.connections;
        let zookeeper = connections
            .zookeeper_encrypted
            .map(|encrypted| match encrypted {
                true => "SSL",
                false => "PLAINTEXT",
            });
        Self {
            brokers: connections.brokers.clone(),
            mechanism: connections.mechanism.clone(),
            zookeeper,
            certificates,
        }
    }
}

fn days(until: Timestamp, now: Timestamp) -> i64 {
    (until.as_second() - now.as_second()).div_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use crate::snapshot::Certificate;

    #[test]
    fn the_certificate_that_ends_first_is_told_first_with_the_days_that_are_left() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let mut snapshot = Snapshot::default();
        for (holder, seconds) in [
            ("broker 1", 86_400 * 30),
            ("broker 2", 86_399),
            ("broker 3", -1),
        ] {
            let certificate = Certificate {
                not_after: Timestamp::from_second(now.as_second() + seconds).unwrap(),
                at: Moment::now(),
            };
            snapshot.certificates.insert(holder.to_owned(), certificate);
        }
        let report = SecurityReport::new(&snapshot, now);
        let told: Vec<_> = report
            .certificates
            .iter()
            .map(|certificate| (certificate.holder.as_str(), certificate.days_left))
            .collect();
        assert_eq!(told, [("broker 3", -1), ("broker 2", 0), ("broker 1", 30)]);
    }
}
