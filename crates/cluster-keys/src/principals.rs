//! Who logs in to a secured cluster, in both modes.

/// Whom the brokers are: for each other, and for ZooKeeper.
pub const BROKER: &str = "kafka-broker";
/// Whom the brokers log in to each other as in turn: one name gets its new password while nobody uses it.
pub const BROKER_LOGINS: [&str; 2] = [BROKER, "kafka-broker-alternate"];
/// Who may do everything, for emergencies.
pub const SUPER: &str = "super";
/// The health service, which shows ZooKeeper a certificate of its own.
pub const HEALTH: &str = "kafka-health-service";
/// Who has a password; beside the first three all are in `kafka/acls.yml`.
pub const PRINCIPALS: [&str; 9] = [
    BROKER_LOGINS[0],
    BROKER_LOGINS[1],
    SUPER,
    "kafka-admin-service",
    HEALTH,
    "load-test-service",
    "log-processor",
    "kafka-ui",
    "operator",
];
