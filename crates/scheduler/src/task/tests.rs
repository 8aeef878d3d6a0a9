use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[tokio::test]
async fn a_failed_round_is_written_down_and_does_not_end_the_task() {
    let (ring, stop, board) = (
        Arc::new(Notify::new()),
        CancellationToken::new(),
        Board::default(),
    );
    let task = Task {
        name: "probe",
        every: Duration::from_hours(1),
        pause: Duration::ZERO,
        ring: ring.clone(),
        stop: stop.clone(),
        board: board.clone(),
        clock: Clock::system(),
    };
    let rounds = AtomicU32::new(0);
    let round = async || {
        let round = rounds.fetch_add(1, Ordering::SeqCst);
        ring.notify_one();
        match round {
            0 => Err(std::io::Error::other("the first round fails")),
            1 => {
                let row = &board.rows()["probe"];
                assert_eq!(row.last_error.as_deref(), Some("the first round fails"));
                assert_eq!(row.last_success_at, None);
                Ok(())
            }
            _ => {
                stop.cancel();
                Ok(())
            }
        }
    };
    task.run(round).await;
    assert!(rounds.load(Ordering::SeqCst) >= 3);
    assert_eq!(board.rows()["probe"].last_error, None);
}
