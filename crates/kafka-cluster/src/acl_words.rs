//! Kafka's words for what an ACL is made of, with the numbers that its protocol has for them.
//!
//! Kafka knows a few more (delegation tokens and users as resources, creating and describing tokens),
//! which librdkafka does not carry: see [`AclListing::unknown`](crate::AclListing::unknown).

use std::fmt;
use std::str::FromStr;

/// A text that is none of Kafka's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: give one of {known}")]
pub struct UnknownAclWord {
    text: String,
    what: &'static str,
    known: String,
}

/// Declares words with their numbers. Names are read without regard to case, as Kafka's tools do.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($word:ident = $code:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "Kafka's own names")]
        pub enum $name {
            $($word,)*
        }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$word,)*];

            /// Kafka's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$word => stringify!($word),)*
                }
            }

            /// The number in Kafka's protocol, which is librdkafka's too.
            pub(crate) fn code(self) -> i32 {
                match self {
                    $(Self::$word => $code,)*
                }
            }

            pub(crate) fn from_code(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$word),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownAclWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let named = |word: &&Self| word.name().eq_ignore_ascii_case(text);
                Self::ALL.iter().find(named).copied().ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|word| word.name()).collect();
                    UnknownAclWord {
                        text: text.to_owned(),
                        what: $what,
                        known: known.join(", "),
                    }
                })
            }
        }
    };
}

words! {
    /// What an ACL is about.
    /// Source: Kafka, `org.apache.kafka.common.resource.ResourceType`.
    AclResourceType, "resource":
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
}

words! {
    /// How the name of an ACL is compared with that of a resource.
    /// Source: Kafka, `org.apache.kafka.common.resource.PatternType`.
    AclPattern, "pattern":
    Literal = 3,
    Prefixed = 4,
}

words! {
    /// What an ACL is about doing. Kafka's authorizers take an allowed `Read`, `Write`, `Delete` or
    /// `Alter` for an allowed `Describe`, and `AlterConfigs` for `DescribeConfigs`.
    /// Source: Kafka, `org.apache.kafka.common.acl.AclOperation`; `AclAuthorizer`.
    AclOperation, "operation":
    All = 2,
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
}

words! {
    /// Whether an ACL allows or denies. What is denied stays so whatever else allows it.
    /// Source: Kafka, `org.apache.kafka.common.acl.AclPermissionType`.
    AclPermission, "permission":
    Deny = 2,
    Allow = 3,
}

impl AclResourceType {
    /// The operations that some call of Kafka asks for on such a resource; an ACL of another one is
    /// stored and never asked for.
    /// Source: Kafka 3.9, `org.apache.kafka.security.authorizer.AclEntry.supportedOperations`.
    #[must_use]
    pub fn operations(self) -> &'static [AclOperation] {
        use AclOperation as Op;
        match self {
            Self::Topic => &[
                Op::All,
                Op::Read,
                Op::Write,
                Op::Create,
                Op::Delete,
                Op::Alter,
                Op::Describe,
                Op::DescribeConfigs,
                Op::AlterConfigs,
            ],
            Self::Group => &[Op::All, Op::Read, Op::Delete, Op::Describe],
            Self::Cluster => &[
                Op::All,
                Op::Create,
                Op::Alter,
                Op::Describe,
                Op::ClusterAction,
                Op::DescribeConfigs,
                Op::AlterConfigs,
                Op::IdempotentWrite,
            ],
            Self::TransactionalId => &[Op::All, Op::Write, Op::Describe],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas_and_read_without_regard_to_case() {
        assert_eq!(AclResourceType::TransactionalId.name(), "TransactionalId");
        assert_eq!(
            "transactionalId".parse(),
            Ok(AclResourceType::TransactionalId)
        );
        for operation in AclOperation::ALL {
            assert_eq!(operation.name().parse(), Ok(*operation));
            assert_eq!(operation.to_string().to_lowercase().parse(), Ok(*operation));
        }
    }

    #[test]
    fn a_text_that_is_no_word_is_told_with_those_that_are() {
        let told = "Prefix".parse::<AclPattern>().unwrap_err().to_string();
        assert_eq!(
            told,
            "\"Prefix\" is no pattern: give one of Literal, Prefixed"
        );
    }

    #[test]
    fn numbers_lead_back_to_their_words_and_others_to_none() {
        for operation in AclOperation::ALL {
            assert_eq!(AclOperation::from_code(operation.code()), Some(*operation));
        }
        assert_eq!(AclOperation::from_code(0), None, "unknown to librdkafka");
        assert_eq!(AclOperation::from_code(13), None, "CreateTokens");
        assert_eq!(AclResourceType::from_code(6), None, "DelegationToken");
        assert_eq!(AclPattern::from_code(2), None, "Match, of filters only");
    }

    #[test]
    fn every_resource_has_its_operations() {
        let has = |kind: AclResourceType, op| kind.operations().contains(&op);
        for kind in AclResourceType::ALL {
            assert!(has(*kind, AclOperation::All) && has(*kind, AclOperation::Describe));
        }
        assert!(!has(AclResourceType::Group, AclOperation::Write));
        assert!(!has(AclResourceType::Topic, AclOperation::IdempotentWrite));
    }
}
