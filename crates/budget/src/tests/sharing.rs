use super::*;

fn exchange(ledger: &mut Ledger, seconds: i64) -> Exchange {
    let mut exchanges = ledger.draw(at(seconds));
    assert_eq!(exchanges.len(), 1, "{exchanges:?}");
    exchanges.remove(0)
}

fn grant(granted: u32) -> Grant {
    Grant {
        key: key(1),
        resource: Resource::core(),
        granted,
        reading: None,
        backoff: None,
        sharers: 1,
        others: None,
    }
}

/// A ledger that shares a bucket of which it knows what is left.
fn sharing(remaining: u32) -> Ledger {
    let mut ledger = Ledger::new(Sharing::Shared);
    ledger.open(&key(1), 0);
    ledger.learn(&key(1), &Resource::core(), reading(remaining, 3600), at(0));
    ledger
}

#[test]
fn nothing_is_spent_that_was_not_granted() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(0))), Why::Drawing);
    assert_eq!(ledger.exchange_due_at(at(0)), Some(at(0)));
    assert_eq!(exchange(&mut ledger, 0).want, 10);
    assert_eq!(ledger.exchange_due_at(at(0)), None);
    ledger.grant(&grant(2), at(0));
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_ok());
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_ok());
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(0))), Why::Drawing);
}

#[test]
fn shares_are_drawn_ahead_of_the_need() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(10), at(0));
    assert!(ledger.exchange_due_at(at(0)).is_none_or(|due| due > at(0)));
    for _ in 0..6 {
        assert!(lease(&mut ledger, 1, &demand, at(0)).is_ok());
    }
    assert_eq!(
        ledger.exchange_due_at(at(0)),
        Some(at(0)),
        "four left, and no request waits yet"
    );
}

#[test]
fn what_was_spent_is_told_within_two_seconds() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(40), at(0));
    let ticket = lease(&mut ledger, 1, &demand, at(1)).unwrap();
    ledger.settle(ticket, core(reading(79, 3600)), at(1));
    assert_eq!(ledger.exchange_due_at(at(1)), Some(at(3)));
    let told = exchange(&mut ledger, 3);
    assert_eq!((told.spent, told.reading), (1, Some(reading(79, 3600))));
}

#[test]
fn a_back_off_is_told_at_once_and_heard_of() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(40), at(0));
    let ticket = lease(&mut ledger, 1, &demand, at(1)).unwrap();
    ledger.settle(ticket, slow(60), at(1));
    assert_eq!(ledger.exchange_due_at(at(1)), Some(at(1)));
    let told = exchange(&mut ledger, 1);
    assert_eq!(told.backoff, Some((at(61), "slow".to_owned())));

    let mut other = sharing(80);
    let heard = Grant {
        backoff: told.backoff,
        ..grant(5)
    };
    other.grant(&heard, at(1));
    assert_eq!(
        lease(&mut other, 1, &demand, at(1)).unwrap_err().until,
        Some(at(61))
    );
}

#[test]
fn others_may_hold_what_is_left() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(0), at(0));
    let held = lease(&mut ledger, 1, &demand, at(0)).unwrap_err();
    assert_eq!((held.why, held.until), (Why::NoShare, Some(at(1))));
    assert_eq!(ledger.exchange_due_at(at(0)), Some(at(1)), "it asks again");
}

#[test]
fn waiting_for_those_who_share_is_not_waiting_for_quota() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    let lost = exchange(&mut ledger, 0);
    ledger.undo(&lost, at(0));
    let held = lease(&mut ledger, 1, &demand, at(0)).unwrap_err();
    assert_eq!((&held.why, held.until), (&Why::CutOff, None));
    assert!(!held.why.is_throttle());

    exchange(&mut ledger, 1);
    ledger.grant(&grant(0), at(1));
    assert!(lease(&mut ledger, 1, &demand, at(1)).is_err());
    exchange(&mut ledger, 1);
    ledger.grant(&grant(40), at(1));
    lease(&mut ledger, 1, &demand, at(1)).unwrap();
}

#[test]
fn a_share_that_lies_idle_goes_back() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(10), at(0));
    let ticket = lease(&mut ledger, 1, &demand, at(1)).unwrap();
    ledger.settle(ticket, core(reading(79, 3600)), at(1));
    exchange(&mut ledger, 3);
    ledger.grant(&grant(0), at(3));
    assert_eq!(ledger.exchange_due_at(at(3)), Some(at(11)));
    let told = exchange(&mut ledger, 11);
    assert!(told.returned && told.want == 0);
}

#[test]
fn a_share_that_nobody_came_for_goes_back() {
    let mut ledger = sharing(80);
    assert!(lease(&mut ledger, 1, &Demand::rest("issues"), at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(10), at(0));
    let told = exchange(&mut ledger, 10);
    assert_eq!((told.spent, told.want, told.returned), (0, 0, true));
}

#[test]
fn at_the_end_everything_goes_back() {
    let mut ledger = sharing(80);
    let demand = Demand::rest("issues");
    assert!(lease(&mut ledger, 1, &demand, at(0)).is_err());
    exchange(&mut ledger, 0);
    ledger.grant(&grant(10), at(0));
    let ticket = lease(&mut ledger, 1, &demand, at(1)).unwrap();
    ledger.settle(ticket, core(reading(79, 3600)), at(1));
    let told = ledger.give_back(at(2)).remove(0);
    assert_eq!((told.spent, told.want, told.returned), (1, 0, true));
}
