use chrono::TimeDelta;

use super::*;

/// RFC 6238, appendix B: the seed "12345678901234567890" at second 59 gives 94287082, of which six digits count.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

#[test]
fn a_code_of_the_rfc_belongs_to_its_step() {
    assert_eq!(step_of(&Secret::new(SEED), "287 082", at(59)), Some(1));
}

#[test]
fn a_code_is_good_one_step_around_its_time_and_no_longer() {
    let seed = new_seed().unwrap();
    let code = codes(&seed).build().unwrap().generate(30_000).to_string();
    let made = at(30_000);
    for (offset, good) in [
        (-31, false),
        (-30, true),
        (0, true),
        (59, true),
        (60, false),
    ] {
        let step = step_of(&seed, &code, made + TimeDelta::seconds(offset));
        assert_eq!(step.is_some(), good, "{offset} s");
    }
}

#[test]
fn what_is_no_code_belongs_to_no_step() {
    for code in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
        assert_eq!(step_of(&Secret::new(SEED), code, at(59)), None, "{code}");
    }
    assert_eq!(step_of(&Secret::new("not base32!"), "287082", at(59)), None);
}

#[test]
fn a_recovery_code_may_be_typed_in_any_way() {
    let codes = recovery_codes().unwrap();
    let code = codes.first().unwrap().expose();
    assert_eq!(
        recovery_hash(code),
        recovery_hash(&code.to_uppercase().replace('-', " "))
    );
    assert_ne!(
        recovery_hash(code),
        recovery_hash(codes.last().unwrap().expose())
    );
}

#[test]
fn the_address_names_holdfast_and_the_person() {
    let email = "ada@example.com".parse().unwrap();
    let address = address(&Secret::new(SEED), &email).unwrap();
    assert!(
        address.starts_with("otpauth://totp/Holdfast:ada%40example.com?"),
        "{address}"
    );
    assert!(address.contains(SEED), "{address}");
}
