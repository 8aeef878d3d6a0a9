use super::*;

#[test]
fn each_role_may_do_what_those_before_it_may() {
    assert!(MemberRole::ALL.is_sorted());
    for role in MemberRole::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    assert!("Owner".parse::<MemberRole>().is_err());
}

#[test]
fn a_theme_is_one_of_three() {
    for theme in Theme::ALL {
        assert_eq!(theme.as_str().parse(), Ok(theme));
    }
    assert!("blue".parse::<Theme>().is_err());
}

#[test]
fn an_address_is_known_in_whatever_case_it_is_typed() {
    let email: Email = " Ada@Example.COM ".parse().unwrap();
    assert_eq!(email.as_str(), "ada@example.com");
    for good in ["a+b@x.example", "a@localhost", "o_o@a-b.example"] {
        assert!(good.parse::<Email>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "a@b@example.com",
        "ada@example..com",
        "ada@-x.example",
        "ada@example.com\r\nbcc: x@example.com",
        "<script>@example.com",
        "ada\u{0}@example.com",
        &format!("{}@example.com", "x".repeat(65)),
        &"x".repeat(10_000),
    ] {
        let refused = bad.parse::<Email>().unwrap_err();
        assert!(refused.0.len() < 100, "{refused}");
    }
}

#[test]
fn a_persons_name_is_a_line_that_can_be_seen() {
    for good in ["Ada", "Ángel Núñez", "李小龙", "O'Brien <the second>"] {
        assert_eq!(good.parse::<PersonName>().unwrap().as_str(), good);
    }
    for bad in ["", "  ", "a\nb", "a\u{202e}b", "a\u{0}", &"x".repeat(101)] {
        assert!(bad.parse::<PersonName>().is_err(), "{bad:?}");
    }
}
