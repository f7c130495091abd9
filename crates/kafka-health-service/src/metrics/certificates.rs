//! The certificates that nodes show, and those in this service's files; nothing where connections are plain
//! text.

use prometheus::proto::MetricType;

use super::{Family, Sample};

pub(super) const FAMILIES: &[Family] = &[Family {
    name: "certificate_not_after_timestamp_seconds",
    help: "When the certificate ends that the broker or ZooKeeper shows, or that this service or its CA has on file (when connections are encrypted).",
    kind: MetricType::GAUGE,
    labels: &["holder"],
    samples: |view| {
        let certificates = view.snapshot.certificates.iter();
        certificates
            .map(|(holder, certificate)| {
                Sample::of(holder, certificate.not_after.as_second() as f64)
            })
            .collect()
    },
}];
