//! Says each trouble once: when it begins, when it becomes another, and when it is over.

/// Remembers what was said last.
#[derive(Debug, Default)]
pub struct SaidOnce {
    last: Option<String>,
}

impl SaidOnce {
    /// Whether this trouble is news, and should be said.
    pub fn is_news(&mut self, trouble: &str) -> bool {
        let news = self.last.as_deref() != Some(trouble);
        if news {
            self.last = Some(trouble.to_owned());
        }
        news
    }

    /// Whether a trouble is over by this, and that should be said.
    pub fn is_over(&mut self) -> bool {
        self.last.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_said_when_it_begins_changes_and_ends() {
        let mut said = SaidOnce::default();
        assert!(!said.is_over());
        assert!(said.is_news("down"));
        assert!(!said.is_news("down"));
        assert!(said.is_news("denied"));
        assert!(said.is_over());
        assert!(!said.is_over());
        assert!(said.is_news("down"));
    }
}
