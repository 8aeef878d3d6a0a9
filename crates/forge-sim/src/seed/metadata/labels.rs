//! Labels and milestones.

use chrono::TimeDelta;

use super::Grower;
use crate::seed::{day, words};
use crate::world::{IssueState, Label, Milestone};

impl Grower<'_> {
    pub(super) fn labels(&mut self) -> Vec<Label> {
        (0..self.recipe.labels)
            .map(|index| {
                let created_at = day(0, &mut self.random);
                Label {
                    id: self.world.next_id(),
                    name: match index {
                        0 => "bug".to_owned(),
                        1 => "good first issue".to_owned(),
                        _ => format!("{}/{index}", words::word(&mut self.random)),
                    },
                    color: format!("{:06x}", self.random.u32(0..0x0100_0000)),
                    description: self.random.bool().then(|| words::title(&mut self.random)),
                    default: index < 2,
                    created_at,
                    updated_at: created_at,
                }
            })
            .collect()
    }

    pub(super) fn milestones(&mut self) -> Vec<Milestone> {
        (1..=self.recipe.milestones)
            .map(|number| {
                let created_at = day(1, &mut self.random);
                let closed = number % 2 == 0;
                Milestone {
                    id: self.world.next_id(),
                    number,
                    title: format!("{} {number}", words::title(&mut self.random)),
                    description: self.random.bool().then(|| words::text(&mut self.random)),
                    state: if closed {
                        IssueState::Closed
                    } else {
                        IssueState::Open
                    },
                    creator_id: self.contributors.pick(&mut self.random),
                    created_at,
                    updated_at: created_at,
                    due_on: self.random.bool().then(|| created_at + TimeDelta::days(30)),
                    closed_at: closed.then_some(created_at),
                }
            })
            .collect()
    }
}
