//! Which demands cannot be met, by a maximum flow from demands to capacities (Dinic, 1970).

use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    room: u64,
}

/// A network of residual edges: each is followed by the one back.
#[derive(Debug, Default)]
struct Network {
    edges: Vec<Edge>,
    from: Vec<Vec<usize>>,
}

/// The demands on the near side of a minimum cut: those that what they may use does not suffice for. Nothing if all are met.
pub(super) fn unmet(demands: &[u64], edges: &[Vec<usize>], capacities: &[u64]) -> Vec<usize> {
    let (source, sink) = (0, 1);
    let demand_node = |demand: usize| 2 + demand;
    let capacity_node = |capacity: usize| 2 + demands.len() + capacity;
    let mut network = Network {
        edges: Vec::new(),
        from: vec![Vec::new(); 2 + demands.len() + capacities.len()],
    };
    for (demand, requests) in demands.iter().enumerate() {
        network.connect(source, demand_node(demand), *requests);
        for capacity in edges.get(demand).into_iter().flatten() {
            network.connect(demand_node(demand), capacity_node(*capacity), u64::MAX / 4);
        }
    }
    for (capacity, room) in capacities.iter().enumerate() {
        network.connect(capacity_node(capacity), sink, *room);
    }
    loop {
        let levels = network.levels(source);
        if levels.get(sink).is_none_or(Option::is_none) {
            let is_met = network.is_spent(source);
            let near = |demand: &usize| {
                !is_met
                    && levels
                        .get(demand_node(*demand))
                        .is_some_and(Option::is_some)
            };
            return (0..demands.len()).filter(near).collect();
        }
        let mut next = vec![0; network.from.len()];
        while network.push(source, sink, u64::MAX, &levels, &mut next) > 0 {}
    }
}

impl Network {
    fn connect(&mut self, one: usize, other: usize, room: u64) {
        for (from, to, room) in [(one, other, room), (other, one, 0)] {
            if let Some(list) = self.from.get_mut(from) {
                list.push(self.edges.len());
            }
            self.edges.push(Edge { to, room });
        }
    }

    fn is_spent(&self, node: usize) -> bool {
        let edges = self.from.get(node).into_iter().flatten();
        edges
            .filter_map(|edge| self.edges.get(*edge))
            .all(|edge| edge.room == 0)
    }

    /// How far each node is from one, over edges with room.
    fn levels(&self, from: usize) -> Vec<Option<usize>> {
        let mut levels: Vec<Option<usize>> = vec![None; self.from.len()];
        if let Some(level) = levels.get_mut(from) {
            *level = Some(0);
        }
        let mut open = VecDeque::from([(from, 0)]);
        while let Some((node, level)) = open.pop_front() {
            for edge in self.from.get(node).into_iter().flatten() {
                let Some(edge) = self.edges.get(*edge).filter(|edge| edge.room > 0) else {
                    continue;
                };
                if let Some(slot) = levels.get_mut(edge.to).filter(|slot| slot.is_none()) {
                    *slot = Some(level + 1);
                    open.push_back((edge.to, level + 1));
                }
            }
        }
        levels
    }

    /// Pushes as much as one path holds; answers how much.
    fn push(
        &mut self,
        node: usize,
        sink: usize,
        most: u64,
        levels: &[Option<usize>],
        next: &mut [usize],
    ) -> u64 {
        if node == sink {
            return most;
        }
        let level = levels.get(node).copied().flatten();
        while let Some(at) = next.get(node).copied()
            && let Some(index) = self.from.get(node).and_then(|edges| edges.get(at)).copied()
            && let Some(edge) = self.edges.get(index).copied()
        {
            let is_onward = levels.get(edge.to).copied().flatten() == level.map(|level| level + 1);
            if is_onward && edge.room > 0 {
                let pushed = self.push(edge.to, sink, most.min(edge.room), levels, next);
                if pushed > 0 {
                    self.shift(index, pushed);
                    return pushed;
                }
            }
            if let Some(at) = next.get_mut(node) {
                *at += 1;
            }
        }
        0
    }

    fn shift(&mut self, index: usize, by: u64) {
        if let Some(edge) = self.edges.get_mut(index) {
            edge.room = edge.room.saturating_sub(by);
        }
        if let Some(back) = self.edges.get_mut(index ^ 1) {
            back.room = back.room.saturating_add(by);
        }
    }
}
