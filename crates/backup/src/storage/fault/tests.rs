use std::io::{Error as Io, ErrorKind as Kind};

use super::*;

#[test]
fn lack_of_room_and_absence_are_told_apart() {
    for (kind, full, unreachable) in [
        (Kind::StorageFull, true, false),
        (Kind::QuotaExceeded, true, false),
        (Kind::PermissionDenied, false, true),
        (Kind::ReadOnlyFilesystem, false, true),
        (Kind::BrokenPipe, false, false),
    ] {
        let error = Error::from(Fault::file("/backups", &Io::from(kind)));
        let Error::Storage {
            detail,
            full: is_full,
            unreachable: is_unreachable,
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*is_full, *is_unreachable), (full, unreachable), "{kind:?}");
        assert!(detail.contains("/backups"), "{detail}");
    }
}

#[test]
fn the_cause_survives_the_engine() {
    let newest = Newest::default();
    let direct = newest.report(Fault::full("s3:bucket"));
    let wrapped = RusticError::with_source(ErrorKind::Internal, "a thread ended", direct);
    assert_eq!(
        newest.explain("Writing", &wrapped),
        Fault::full("s3:bucket").into()
    );
    let unrelated = RusticError::new(ErrorKind::Internal, "sending failed");
    assert_eq!(
        newest.explain("Writing", &unrelated),
        Fault::full("s3:bucket").into()
    );
    newest.clear();
    assert_eq!(
        newest.explain("Writing", &unrelated),
        Error::storage("Writing failed: sending failed.")
    );
}
