//! Which metrics an expression of Prometheus reads. Not a parser of PromQL: enough of one to find
//! the names, so that a rule or a panel that names what nothing exports is found.

use std::collections::BTreeSet;

/// Words that are followed by a list of labels.
const TAKE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// Words between two expressions or in place of a number.
const WORDS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "inf", "nan"];

/// The names of the metrics that `expression` reads.
#[must_use]
pub fn metric_names(expression: &str) -> BTreeSet<String> {
    let tokens = tokens(expression);
    let mut names = BTreeSet::new();
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let next = tokens.get(index + 1).map(String::as_str);
        index += 1;
        if TAKE_LABELS.contains(&token.as_str()) {
            if next == Some("(") {
                let rest = tokens.iter().skip(index);
                index += rest.take_while(|token| *token != ")").count();
            }
            continue;
        }
        let function = next == Some("(") || matches!(next, Some("by" | "without"));
        let word = WORDS.contains(&token.to_lowercase().as_str());
        if token.starts_with(is_name) && !token.starts_with(char::is_numeric) && !function && !word
        {
            names.insert(token.clone());
        }
    }
    names
}

/// Names, numbers and single signs; what stands in quotes, braces and brackets is left out.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    let mut depth = 0;
    while let Some(sign) = rest.next() {
        match sign {
            '"' | '\'' => while rest.next().is_some_and(|inside| inside != sign) {},
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if depth > 0 || sign.is_whitespace() => {}
            _ if is_name(sign) => {
                let mut name = String::from(sign);
                while let Some(more) = rest.next_if(|more| is_name(*more) || *more == '.') {
                    name.push(more);
                }
                tokens.push(name);
            }
            _ => tokens.push(sign.to_string()),
        }
    }
    tokens
}

fn is_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_' || sign == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expression: &str) -> Vec<String> {
        metric_names(expression).into_iter().collect()
    }

    #[test]
    fn functions_labels_strings_and_numbers_are_no_metrics() {
        assert_eq!(
            names("histogram_quantile(0.99, sum by (instance, le) (rate(a_bucket{b=\"c\"}[1m])))"),
            ["a_bucket"]
        );
        assert_eq!(
            names("a:b:rate1m{x=~\".+\"} / on (y) group_left (z) (c > 1e3)"),
            ["a:b:rate1m", "c"]
        );
    }

    #[test]
    fn every_operand_counts() {
        assert_eq!(
            names("absent(a) or b{s='or c'} == 1 unless d offset 5m"),
            ["a", "b", "d"]
        );
        assert_eq!(names("topk(10, max by (t) (a)) - time()"), ["a"]);
        assert_eq!(names("sum(a) without (x)"), ["a"]);
    }
}
