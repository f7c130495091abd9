//! ACLs: who may do what, as the cluster's authorizer keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::native;
use crate::{AclOperation, AclPattern, AclPermission, AclResourceType, KafkaCluster, KafkaError};

/// One rule of the authorizer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// Whom it is about: kind and name, such as `User:alice`.
    pub principal: String,
    /// The address that the principal comes from, or [`Acl::ANY`].
    pub host: String,
    /// What kind of resource it is about.
    pub resource_type: AclResourceType,
    /// The resource's name, [`Acl::ANY`], or what names begin with; of the cluster [`Acl::CLUSTER`].
    pub resource_name: String,
    /// How `resource_name` is compared.
    pub pattern: AclPattern,
    /// What is done.
    pub operation: AclOperation,
    /// Whether it may be done.
    pub permission: AclPermission,
}

impl Acl {
    /// The name that stands for every resource of a type, and the host that stands for every one.
    pub const ANY: &'static str = "*";
    /// The only name of a cluster.
    /// Source: Kafka, `org.apache.kafka.common.resource.Resource.CLUSTER_NAME`.
    pub const CLUSTER: &'static str = "kafka-cluster";

    /// Allows a principal, from any host, an operation on the resource of this name.
    #[must_use]
    pub fn allow(
        principal: impl Into<String>,
        operation: AclOperation,
        resource_type: AclResourceType,
        resource_name: impl Into<String>,
    ) -> Self {
        Self {
            principal: principal.into(),
            host: Self::ANY.to_owned(),
            resource_type,
            resource_name: resource_name.into(),
            pattern: AclPattern::Literal,
            operation,
            permission: AclPermission::Allow,
        }
    }

    /// The same for every resource whose name begins so.
    #[must_use]
    pub fn prefixed(self) -> Self {
        Self {
            pattern: AclPattern::Prefixed,
            ..self
        }
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            principal,
            host,
            resource_type,
            resource_name,
            pattern,
            operation,
            permission,
        } = self;
        write!(
            f,
            "{principal} {permission} {operation} on {resource_type} {pattern} {resource_name}"
        )?;
        if host != Self::ANY {
            write!(f, " from {host}")?;
        }
        Ok(())
    }
}

/// The ACLs of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclListing {
    /// Those that this crate has words for.
    pub acls: BTreeSet<Acl>,
    /// How many others each principal has: librdkafka does not tell what they are about.
    pub unknown: BTreeMap<String, usize>,
}

impl AclListing {
    /// Whether the cluster has none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.acls.is_empty() && self.unknown.is_empty()
    }
}

/// What became of each ACL.
type Outcomes = BTreeMap<Acl, Result<(), KafkaError>>;

impl KafkaCluster {
    /// All ACLs, as the controller's authorizer has them. Takes `Describe` on the cluster.
    ///
    /// librdkafka 2.12.1 drops the error of `DescribeAcls` and gives an empty list instead
    /// (`rd_kafka_DescribeAclsResponse_parse`): a cluster without an authorizer, or one that does not
    /// let us look, would pass for one without ACLs. So an empty list is believed only once the cluster
    /// would also have us remove ACLs: where there are none, whoever may see that may do so, being a
    /// super user, or everybody being allowed everything.
    ///
    /// # Errors
    /// [`codes::SECURITY_DISABLED`](crate::codes::SECURITY_DISABLED) where brokers have no authorizer;
    /// `Denied`; otherwise as Kafka answers.
    pub async fn acls(&self, deadline: Duration) -> Result<AclListing, KafkaError> {
        let end = Instant::now() + deadline;
        let listing = native::describe_acls(&self.native, deadline).await?;
        if listing.is_empty() {
            let remaining = end.saturating_duration_since(Instant::now());
            native::probe_acls(&self.native, remaining).await?;
        }
        Ok(listing)
    }

    /// Adds ACLs; one that is there already is no error. Takes `Alter` on the cluster.
    ///
    /// The controller's authorizer has them when this returns, other brokers' a moment later.
    ///
    /// # Errors
    /// The outer error: no answer at all, or `OutcomeUnknown`. An inner one: that ACL's.
    pub async fn create_acls(
        &self,
        acls: &[Acl],
        deadline: Duration,
    ) -> Result<Outcomes, KafkaError> {
        if acls.is_empty() {
            return Ok(Outcomes::new());
        }
        let outcomes = native::create_acls(&self.native, acls, deadline).await?;
        Ok(acls.iter().cloned().zip(outcomes).collect())
    }

    /// Removes exactly these ACLs; one that is not there is no error. Takes `Alter` on the cluster.
    ///
    /// # Errors
    /// As [`KafkaCluster::create_acls`].
    pub async fn delete_acls(
        &self,
        acls: &[Acl],
        deadline: Duration,
    ) -> Result<Outcomes, KafkaError> {
        if acls.is_empty() {
            return Ok(Outcomes::new());
        }
        let outcomes = native::delete_acls(&self.native, acls, deadline).await?;
        Ok(acls.iter().cloned().zip(outcomes).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acl_reads_as_a_sentence_in_kafkas_words() {
        let acl = Acl::allow(
            "User:a",
            AclOperation::DescribeConfigs,
            AclResourceType::Topic,
            "load-test-",
        );
        assert_eq!(
            acl.clone().prefixed().to_string(),
            "User:a Allow DescribeConfigs on Topic Prefixed load-test-"
        );
        let denied = Acl {
            permission: AclPermission::Deny,
            host: "10.0.0.1".to_owned(),
            ..acl
        };
        assert_eq!(
            denied.to_string(),
            "User:a Deny DescribeConfigs on Topic Literal load-test- from 10.0.0.1"
        );
    }

    #[test]
    fn acls_are_in_order_of_principal_and_resource() {
        let acl = |principal: &str, name: &str| {
            let (read, topic) = (AclOperation::Read, AclResourceType::Topic);
            Acl::allow(principal, read, topic, name)
        };
        let sorted = BTreeSet::from([acl("User:b", "a"), acl("User:a", "c"), acl("User:a", "b")]);
        let names: Vec<_> = sorted
            .iter()
            .map(|acl| acl.resource_name.as_str())
            .collect();
        assert_eq!(names, ["b", "c", "a"]);
    }
}
