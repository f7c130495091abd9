//! The results of one or several calls, kept in one file: a row that is measured again replaces
//! what the file had of it.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::measured::{Measured, Spread};
use crate::rows::{Client, Kind, Row, Settings};

/// Everything that was measured on one machine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// When the last row was measured.
    pub measured_at: Timestamp,
    /// In the order of the table.
    pub rows: Vec<RowResult>,
}

/// One row.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowResult {
    /// What was measured.
    pub row: Row,
    /// The runs of each side, in the order in which they were made.
    pub runs: Vec<Vec<Measured>>,
}

impl RowResult {
    fn fastest(&self, client: Client) -> Option<Settings> {
        let sides = self.row.sides.iter().zip(&self.runs);
        sides
            .filter(|(side, _)| side.client == client)
            .filter_map(|(side, runs)| {
                Some((side, Spread::of(runs.iter().map(|run| run.throughput))?))
            })
            .max_by(|(_, a), (_, b)| a.median.total_cmp(&b.median))
            .map(|(side, _)| side.settings)
    }
}

impl Results {
    /// What the file has, or nothing yet. Figures of another machine are not mixed in.
    pub fn open(path: Option<&Path>, machine: Machine) -> Self {
        let text = path.and_then(|path| std::fs::read_to_string(path).ok());
        let before = text.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        let rows = before.filter(|before| before.machine == machine);
        Self {
            machine,
            measured_at: Timestamp::now(),
            rows: rows.map(|before| before.rows).unwrap_or_default(),
        }
    }

    /// What the file has.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn load(path: &Path) -> Result<Self> {
        let what = || format!("results {}", path.display());
        let text = std::fs::read_to_string(path).with_context(what)?;
        serde_json::from_str(&text).with_context(what)
    }

    /// The fastest settings of the grid, Kafka's first, where it was measured.
    pub fn best_of_grid(&self) -> Option<[Settings; 2]> {
        let is_grid = |result: &&RowResult| result.row.kind == Kind::Grid;
        let grid = self.rows.iter().find(is_grid)?;
        Some([
            grid.fastest(Client::Kafka)?,
            grid.fastest(Client::LoadTest)?,
        ])
    }

    /// Adds a row, in place of an older one of its name.
    pub fn put(&mut self, result: RowResult) {
        self.measured_at = Timestamp::now();
        let same = |other: &RowResult| other.row.name == result.row.name;
        match self.rows.iter().position(same) {
            Some(place) => self.rows[place] = result,
            None => self.rows.push(result),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn store(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("file {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    #[test]
    fn the_best_of_the_grid_is_the_fastest_of_each_client() {
        let grid = rows::all(None)
            .into_iter()
            .find(|row| row.kind == Kind::Grid)
            .unwrap();
        let run = |throughput| Measured {
            throughput,
            ..Measured::default()
        };
        let runs = (0..grid.sides.len())
            .map(|place| vec![run(place as f64)])
            .collect();
        let expected = [
            grid.sides
                .iter()
                .rfind(|side| side.client == Client::Kafka)
                .unwrap()
                .settings,
            grid.sides
                .iter()
                .rfind(|side| side.client == Client::LoadTest)
                .unwrap()
                .settings,
        ];
        let mut results = Results {
            machine: Machine::unknown(),
            measured_at: Timestamp::UNIX_EPOCH,
            rows: Vec::new(),
        };
        assert_eq!(results.best_of_grid(), None);
        results.put(RowResult { row: grid, runs });
        assert_eq!(results.best_of_grid(), Some(expected));
    }
}
