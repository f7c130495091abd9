//! What the JMX agent of a broker said.

use crate::moment::Moment;

/// One agent.
#[derive(Debug, Clone, Default)]
pub struct Agent {
    /// The newest check that ended.
    pub latest: Option<AgentCheck>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCheck {
    /// When it ended.
    pub at: Moment,
    /// What the agent said, or why it said nothing.
    pub outcome: Result<AgentFigures, String>,
}

/// What an agent said; `None`: it does not export it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentFigures {
    /// Its broker takes itself for the controller.
    pub active_controller: Option<bool>,
    /// Partitions that its broker leads and that lack replicas.
    pub under_replicated: Option<u64>,
    /// Partitions that its broker leads.
    pub leaders: Option<u64>,
}
