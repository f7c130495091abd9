//! The flags of the plan: one for each field of `POST /api/loadtest/run`, made from its documentation.

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command};

use crate::plan_fields::{FieldKind, PlanField, plan_fields};

/// The flags that were given, by field.
#[derive(Debug, Clone, Default)]
pub struct PlanFlags(Vec<(String, String)>);

impl PlanFlags {
    /// Names and values, as they would stand in the query.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// `eventCount` is `--event-count`.
pub fn flag_of(field: &str) -> String {
    let mut flag = "--".to_owned();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(letter.to_ascii_lowercase());
    }
    flag
}

impl clap::Args for PlanFlags {
    fn augment_args(command: Command) -> Command {
        let fields = plan_fields();
        command.args(fields.iter().map(|field| flag(field, &fields)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for PlanFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for PlanField { name, .. } in plan_fields() {
            let given = matches
                .try_get_one::<String>(&name)
                .map_err(|error| clap::Error::raw(ErrorKind::InvalidValue, error))?;
            self.0.extend(given.map(|value| (name, value.clone())));
        }
        Ok(())
    }
}

/// Whether a required one is there is the plan's own rule: its message names all that is wrong.
fn flag(field: &PlanField, all: &[PlanField]) -> Arg {
    let arg = Arg::new(field.name.clone())
        .long(flag_of(&field.name).trim_start_matches('-').to_owned())
        .help(with_flags(&field.description, all))
        .help_heading("Plan")
        // Negative numbers are values, so that they are refused by the field's own rule.
        .allow_hyphen_values(field.kind != FieldKind::Flag);
    match &field.kind {
        // `--verify` alone is true.
        FieldKind::Flag => arg
            .num_args(0..=1)
            .default_missing_value("true")
            .value_name("BOOL"),
        FieldKind::Number => arg.value_name("N"),
        FieldKind::Text => arg.value_name("TEXT"),
        FieldKind::Choice(values) => arg.value_name(values.join("|")),
    }
}

/// The documentation names fields; on the command line they are flags.
fn with_flags(description: &str, all: &[PlanField]) -> String {
    let flags = all.iter().fold(description.to_owned(), |text, field| {
        text.replace(&format!("`{}`", field.name), &flag_of(&field.name))
    });
    flags.replace('`', "")
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;
    use crate::plan::Plan;

    fn read(arguments: &[&str]) -> Result<Plan, String> {
        let command = PlanFlags::augment_args(Command::new("run"));
        let matches = command
            .try_get_matches_from([&["run"], arguments].concat())
            .map_err(|error| error.to_string())?;
        let flags = <PlanFlags as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        service_kit::input::read_pairs(flags.pairs()).map_err(|problem| problem.detail.clone())
    }

    #[test]
    fn a_flag_without_a_value_is_true_wherever_it_stands() {
        for flags in [
            "--verify --topic x",
            "--topic x --verify",
            "--verify true --topic x",
        ] {
            let flags: Vec<_> = flags.split(' ').chain(["--event-count", "1"]).collect();
            let plan = read(&flags).unwrap();
            assert!(plan.verify && plan.topic == "x", "{flags:?}");
        }
        let off = read(&["--verify", "false", "--topic", "x", "--event-count", "1"]);
        assert!(!off.unwrap().verify);
    }

    #[test]
    fn the_flags_are_the_fields_of_the_request() {
        let flags = [
            "--event-count",
            "10",
            "--topic",
            "log-events",
            "--rate=5",
            "--label",
            "a b",
        ];
        let plan = read(&flags).unwrap();
        assert_eq!((plan.event_count, plan.rate), (10, Some(5)));
        assert_eq!(plan.label.as_deref(), Some("a b"));
    }

    #[test]
    fn they_are_refused_by_the_same_rules() {
        let refused = read(&["--event-count", "-1", "--topic", "log-events"]).unwrap_err();
        assert!(refused.contains("eventCount must be between"), "{refused}");
        let unknown = read(&["--colour", "red"]).unwrap_err();
        assert!(unknown.contains("--colour"), "{unknown}");
    }

    #[test]
    fn each_flag_says_what_it_is() {
        let command = PlanFlags::augment_args(Command::new("run"));
        for arg in command.get_arguments() {
            assert!(
                arg.get_help()
                    .is_some_and(|help| !help.to_string().is_empty()),
                "{arg:?}"
            );
        }
        assert_eq!(flag_of("eventCount"), "--event-count");
        let text = with_flags("either this or `eventCount`; `a / b`", &plan_fields());
        assert_eq!(text, "either this or --event-count; a / b");
    }
}
