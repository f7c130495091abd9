//! The certificates that nodes show; nothing where connections are plain text.

use prometheus::proto::MetricType;

use super::{Family, Sample};

pub(super) const FAMILIES: &[Family] = &[Family {
    name: "certificate_not_after_timestamp_seconds",
    help: "When the certificate ends that the broker or ZooKeeper shows (when connections are encrypted).",
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
