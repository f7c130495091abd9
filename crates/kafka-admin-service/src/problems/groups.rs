//! What a caller is told when a call about a consumer group failed.

use axum::http::StatusCode;
use kafka_cluster::{ErrorKind, KafkaError, codes};
use service_kit::Problem;

use crate::groups::GroupError;

/// A failed call about the group `id`.
#[must_use]
pub fn of_group(error: GroupError, id: &str) -> Problem {
    match error {
        GroupError::NotFound => group_not_found(id),
        GroupError::HasMembers { members } => has_members(id).with("members", members),
        GroupError::Busy => {
            let detail = format!("another change to group \"{id}\" is still under way");
            Problem::unavailable("group_busy", detail).retry_after_s(1)
        }
        GroupError::NothingKept => {
            let detail = format!("no change to the offsets of group \"{id}\" is kept");
            Problem::not_found("nothing_to_undo", detail)
        }
        GroupError::NotKept(reason) => Problem::internal(format!(
            "the offsets of group {id:?} could not be kept: {reason}"
        )),
        GroupError::Kafka(error) => of_kafka(error, id),
    }
}

/// No partition is meant.
#[must_use]
pub fn nothing_to_change(id: &str) -> Problem {
    let detail = format!("group \"{id}\" has no commit that is meant");
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "nothing_to_change",
        detail,
    )
}

fn of_kafka(error: KafkaError, id: &str) -> Problem {
    match error.code {
        codes::NON_EMPTY_GROUP | codes::GROUP_SUBSCRIBED_TO_TOPIC | codes::UNKNOWN_MEMBER_ID => {
            has_members(id)
        }
        _ => match error.kind {
            ErrorKind::NotFound => group_not_found(id),
            ErrorKind::OutcomeUnknown => {
                Problem::from(error).with("check", format!("GET /api/groups/{id}"))
            }
            _ => error.into(),
        },
    }
}

fn group_not_found(id: &str) -> Problem {
    Problem::not_found("group_not_found", format!("group \"{id}\" not found"))
}

fn has_members(id: &str) -> Problem {
    let detail = format!("group \"{id}\" has members: stop them first");
    Problem::conflict("group_has_members", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_read_right_now_is_a_conflict_whoever_says_so() {
        let members = vec!["reader at /127.0.0.1".to_owned()];
        let json = of_group(GroupError::HasMembers { members }, "g").to_json();
        assert_eq!(
            (&json["status"], &json["code"]),
            (&409.into(), &"group_has_members".into())
        );
        assert_eq!(json["members"][0], "reader at /127.0.0.1");
        let error = KafkaError::of_write("DeleteGroups", codes::NON_EMPTY_GROUP, "");
        assert_eq!(of_group(error.into(), "g").code, "group_has_members");
    }

    #[test]
    fn one_whose_turn_did_not_come_is_told_when_to_come_back() {
        let problem = of_group(GroupError::Busy, "g");
        assert_eq!(
            (problem.code, problem.status.as_u16(), problem.retry_after_s),
            ("group_busy", 503, Some(1))
        );
    }

    #[test]
    fn a_lost_answer_names_the_call_that_checks() {
        let error = KafkaError::of_write("DeleteGroups", codes::LOCAL_TIMED_OUT, "no answer");
        let json = of_group(error.into(), "g").to_json();
        assert_eq!(
            (&json["code"], &json["check"]),
            (&"outcome_unknown".into(), &"GET /api/groups/g".into())
        );
    }

    #[test]
    fn a_group_that_is_gone_is_not_found() {
        let error = KafkaError::of_write("DeleteGroups", codes::GROUP_ID_NOT_FOUND, "");
        assert_eq!(of_group(error.into(), "g").code, "group_not_found");
        assert_eq!(
            of_group(GroupError::NothingKept, "g").code,
            "nothing_to_undo"
        );
    }
}
