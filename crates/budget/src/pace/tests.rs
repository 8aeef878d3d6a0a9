use super::*;

const EVEN: Points = Points {
    all: 900,
    at_once: 0,
};
const HALF: Points = Points {
    all: 900,
    at_once: 450,
};

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
}

/// The departures of whoever always has something to send, each answered after a while.
struct Sender {
    pace: Pace,
    answers: VecDeque<i64>,
    left: Vec<i64>,
}

impl Sender {
    fn new() -> Self {
        Self {
            pace: Pace::default(),
            answers: VecDeque::new(),
            left: Vec::new(),
        }
    }

    fn send(&mut self, points: Points, during: std::ops::Range<i64>, answer: i64) {
        let lane = self.pace.lane("issues");
        for millis in during {
            while self.answers.front().is_some_and(|at| *at <= millis) {
                self.answers.pop_front();
                self.pace.arrive(lane, at(millis));
            }
            while self.pace.gap(lane, points, at(millis)) == Gap::Open {
                self.pace.depart(lane, points, at(millis));
                self.left.push(millis);
                self.answers.push_back(millis + answer);
            }
        }
    }

    /// The process dies, and is started anew.
    fn restart(&mut self, millis: i64) {
        self.pace = Pace::default();
        self.pace.begin_evenly(at(millis));
        self.answers.clear();
    }

    /// The most that a host can have counted within a minute.
    fn most_in_a_minute(&self, answer: i64) -> usize {
        let counted = |(index, first): (usize, &i64)| {
            let rest = self.left[index..].iter();
            rest.take_while(|next| **next < first + answer + 60_000)
                .count()
        };
        self.left.iter().enumerate().map(counted).max().unwrap_or(0)
    }
}

#[test]
fn wherever_between_departure_and_answer_they_arrive_no_minute_holds_more() {
    for points in [EVEN, HALF] {
        for answer in [1, 400, 5_000] {
            let mut sender = Sender::new();
            sender.send(points, 0..300_000, answer);
            assert!(sender.most_in_a_minute(answer) <= 900);
            assert!(
                sender.left.len() > 4_100,
                "{} in five minutes",
                sender.left.len()
            );
        }
    }
}

#[test]
fn a_process_that_forgets_what_it_sent_keeps_to_the_limit() {
    for died in [1, 3_000, 31_000, 59_000, 60_500, 95_000] {
        let mut sender = Sender::new();
        sender.send(HALF, 0..died, 1);
        // No process is there again within a second.
        let born = died + 1_200;
        sender.restart(born);
        sender.send(HALF, born..born + 180_000, 1);
        let most = sender.most_in_a_minute(0);
        assert!(most <= 900, "{most} around a death after {died} ms");
    }
}

#[test]
fn half_of_them_may_leave_at_once_and_the_rest_is_spaced() {
    let mut sender = Sender::new();
    sender.send(HALF, 0..1, 100);
    assert_eq!(sender.left.len(), 450 + 8);
    let mut sender = Sender::new();
    sender.send(HALF, 0..59_000, 100);
    let late = sender.left.iter().filter(|left| **left >= 1_000);
    assert_eq!(
        late.count(),
        435,
        "who comes late finds the even part going on"
    );
}

#[test]
fn requests_are_spaced_evenly_where_none_may_leave_at_once() {
    let mut sender = Sender::new();
    let points = Points {
        all: 60,
        at_once: 0,
    };
    sender.send(points, 0..10_000, 100);
    assert_eq!(
        sender.left,
        [
            0, 0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000
        ]
    );
}

#[test]
fn a_wait_ends_when_it_says() {
    for points in [EVEN, HALF] {
        let mut sender = Sender::new();
        sender.send(points, 0..10, 100);
        let lane = sender.pace.lane("issues");
        for millis in [20, 5_000, 59_000, 61_000] {
            sender.send(points, millis..millis + 1, 100);
            let Gap::Until(Some(until)) = sender.pace.gap(lane, points, at(millis)) else {
                panic!("nothing is left to wait for");
            };
            assert!(until > at(millis));
            assert_eq!(sender.pace.gap(lane, points, until), Gap::Open);
        }
    }
}

#[test]
fn endpoints_have_a_pace_each() {
    let one_point = Points { all: 1, at_once: 0 };
    let mut pace = Pace::default();
    let (one, other) = (pace.lane("issues"), pace.lane("labels"));
    pace.depart(one, one_point, at(0));
    assert_eq!(pace.gap(one, one_point, at(0)), Gap::Until(None));
    assert_eq!(pace.gap(other, one_point, at(0)), Gap::Open);
    pace.arrive(one, at(5));
    assert_eq!(
        pace.gap(one, one_point, at(9)),
        Gap::Until(Some(at(60_005)))
    );
}

#[test]
fn an_endpoint_that_the_host_called_full_stays_closed_and_the_others_open() {
    let mut pace = Pace::default();
    let (groups, projects) = (pace.lane("groups"), pace.lane("projects"));
    pace.close(groups, at(30_000));
    pace.close(groups, at(0));
    assert_eq!(pace.gap(groups, EVEN, at(0)), Gap::Until(Some(at(30_000))));
    assert_eq!(pace.gap(groups, EVEN, at(30_000)), Gap::Open);
    assert_eq!(pace.gap(projects, EVEN, at(0)), Gap::Open);
}
