use super::*;

#[test]
fn the_next_holder_learns_who_was_before_and_nobody_takes_a_place_that_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (first, second) = (WorkerId::new(), WorkerId::new());
    let mut seat = Seat::take(&data).unwrap();
    assert_eq!(seat.predecessor().unwrap(), None);
    seat.sign(first).unwrap();

    let mut beside = Seat::take(&data).unwrap();
    assert_eq!(beside.predecessor().unwrap(), None);
    beside.sign(second).unwrap();
    drop(seat);

    let mut next = Seat::take(&data).unwrap();
    assert_eq!(next.predecessor().unwrap(), Some(first));
    next.sign(second).unwrap();
    drop(next);
    assert_eq!(
        Seat::take(&data).unwrap().predecessor().unwrap(),
        Some(second)
    );
}
