//! Leases that are not settled.

use chrono::{DateTime, Utc};

use super::ledger::BucketId;

/// A lease's number: proof that a request may leave, to be settled once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    number: u64,
    place: u32,
}

impl Ticket {
    /// Later leases have greater numbers.
    pub(super) fn number(self) -> u64 {
        self.number
    }
}

/// What was leased.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leased {
    pub(super) bucket: BucketId,
    pub(super) account: Option<usize>,
    pub(super) lane: usize,
    pub(super) points: u32,
    pub(super) at: DateTime<Utc>,
    /// Whether it was taken out of a granted share.
    pub(super) is_covered: bool,
}

/// Leases by number: places are used again, numbers are not.
#[derive(Debug, Clone, Default)]
pub(super) struct Outstanding {
    places: Vec<Option<(u64, Leased)>>,
    free: Vec<u32>,
    next: u64,
}

impl Outstanding {
    pub(super) fn add(&mut self, leased: Leased) -> Ticket {
        let number = self.next;
        self.next += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(slot) = self.places.get_mut(place as usize) {
            *slot = Some((number, leased));
        }
        Ticket { number, place }
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Leased> {
        let slot = self.places.get(ticket.place as usize)?.as_ref();
        slot.filter(|(number, _)| *number == ticket.number)
            .map(|(_, leased)| leased)
    }

    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Leased> {
        self.get(ticket)?;
        let slot = self.places.get_mut(ticket.place as usize)?;
        self.free.push(ticket.place);
        slot.take().map(|(_, leased)| leased)
    }

    /// The number of the next lease.
    pub(super) fn next(&self) -> u64 {
        self.next
    }
}
