use super::*;

#[tokio::test]
async fn the_second_of_two_finds_the_answer_of_the_first() {
    let once = Once::default();
    let held = Held::default();
    held.keep(once.turn("a").await);
    let mut second = again(&once);
    assert!(
        futures_util::poll!(&mut second).is_pending(),
        "two have their turn at once"
    );
    held.settle(Some(&HeaderValue::from_static("/made")));
    let answer = second.await;
    assert_eq!(answer.as_ref().unwrap().location, "/made");
}

fn again(once: &Once) -> std::pin::Pin<Box<impl Future<Output = OwnedMutexGuard<Option<Answer>>>>> {
    Box::pin(once.turn("a"))
}

#[tokio::test]
async fn a_form_with_a_mistake_may_be_sent_again() {
    let once = Once::default();
    let held = Held::default();
    held.keep(once.turn("a").await);
    held.settle(None);
    assert!(once.turn("a").await.is_none());
}

#[tokio::test]
async fn the_oldest_marks_give_way() {
    let once = Once::default();
    for number in 0..=REMEMBERED {
        drop(once.turn(&number.to_string()).await);
    }
    let marks = once.0.lock().unwrap();
    assert_eq!(marks.slots.len(), REMEMBERED);
    assert!(!marks.slots.contains_key("0"));
}
