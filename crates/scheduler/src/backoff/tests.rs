use super::*;

#[test]
fn waits_grow_and_are_bounded() {
    assert_eq!(wait(1, 0.0), TimeDelta::seconds(5));
    assert_eq!(wait(2, 0.0), TimeDelta::seconds(20));
    assert_eq!(wait(3, 0.0), TimeDelta::seconds(80));
    assert_eq!(wait(9, 0.0), LONGEST);
    assert_eq!(wait(u32::MAX, 0.0), LONGEST);
}

#[test]
fn jitter_only_shortens() {
    for jitter in [-1.0, 0.0, 0.5, 1.0, 7.0] {
        let wait = wait(2, jitter);
        assert!(wait <= TimeDelta::seconds(20) && wait >= TimeDelta::seconds(15));
    }
}
