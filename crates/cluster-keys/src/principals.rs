//! Who logs in to a secured cluster, in both modes.

/// Whom the brokers are: for each other, and for ZooKeeper.
pub const BROKER: &str = "kafka-broker";
/// Who may do everything, for emergencies.
pub const SUPER: &str = "super";
/// The health service, which shows ZooKeeper a certificate of its own.
pub const HEALTH: &str = "kafka-health-service";
/// Who has a password; beside the first two all are in `kafka/acls.yml`.
pub const PRINCIPALS: [&str; 8] = [
    BROKER,
    SUPER,
    "kafka-admin-service",
    HEALTH,
    "load-test-service",
    "log-processor",
    "kafka-ui",
    "operator",
];
