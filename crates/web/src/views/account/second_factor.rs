//! Turning the second factor on and off.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Secret;

use super::enrolment::Enrolment;
use super::{AccountPage, PAGE, Panel, check_password, people};
use crate::console::Console;
use crate::error::Error;
use crate::extract::SignedIn;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::second_factor;

/// Where a person takes the seed over to a device.
const ENROL: &str = "/account/second-factor";

pub(super) fn routes() -> Vec<Route> {
    const OWN: Access = Access::SignedIn;
    vec![
        Route::get("/account/second-factor/new", OWN, new),
        Route::post("/account/second-factor/new", OWN, begin),
        Route::get(ENROL, OWN, show),
        Route::post(ENROL, OWN, confirm),
        Route::get("/account/second-factor/remove", OWN, ask),
        Route::post("/account/second-factor/remove", OWN, remove),
        Route::get("/account/recovery-codes", OWN, edit_codes),
        Route::post("/account/recovery-codes", OWN, replace_codes),
    ]
}

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct EnrolPage {
    page: Page,
    fields: Fields,
    enrolment: Enrolment,
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct CodesPage {
    page: Page,
    codes: Vec<Secret>,
}

async fn new(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    let panel = Panel::BeginSecondFactor(Fields::new());
    page::show(&AccountPage::over(&console, &signed_in, "Add a second factor", panel).await?)
}

async fn begin(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    check_password(&console, &signed_in, &mut fields).await?;
    if !fields.is_ok() {
        let panel = Panel::BeginSecondFactor(fields);
        return page::refuse(
            &AccountPage::over(&console, &signed_in, "Add a second factor", panel).await?,
        );
    }
    let seed = second_factor::new_seed()?;
    let begun = people(&console, &signed_in)
        .begin_totp(&console.sealer, signed_in.viewer().person, &seed)
        .await;
    match begun {
        Ok(()) => page::go(ENROL),
        // It was turned on in another window.
        Err(store::Error::Missing { .. }) => page::go(PAGE),
        Err(error) => Err(error.into()),
    }
}

/// The seed that waits to be confirmed.
async fn waiting(console: &Console, signed_in: &SignedIn) -> Result<Option<Secret>, Error> {
    let totp = console
        .db
        .people()
        .totp(&console.sealer, signed_in.viewer().person)
        .await?;
    Ok(totp.filter(|totp| !totp.confirmed).map(|totp| totp.secret))
}

async fn show(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    match waiting(&console, &signed_in).await? {
        Some(seed) => page::show(&form(&signed_in, &seed, Fields::new())?),
        None => page::go(PAGE),
    }
}

fn form(signed_in: &SignedIn, seed: &Secret, fields: Fields) -> Result<EnrolPage, Error> {
    Ok(EnrolPage {
        page: Page::new(signed_in, Tab::Account, "Add a second factor"),
        fields,
        enrolment: Enrolment::new(seed, &signed_in.viewer().email)?,
    })
}

async fn confirm(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    let Some(seed) = waiting(&console, &signed_in).await? else {
        return page::go(PAGE);
    };
    let now = console.clock.now();
    if let Some(step) = second_factor::step_of(&seed, fields.raw("code"), now) {
        let codes = second_factor::recovery_codes()?;
        let hashes = hashes(&codes);
        let confirmed = people(&console, &signed_in)
            .confirm_totp(signed_in.viewer().person, step, &hashes)
            .await?;
        if !confirmed {
            return page::go(PAGE);
        }
        return show_codes(&signed_in, codes);
    }
    fields.fail(
        "code",
        "This is not the code of this moment: type the six digits that your device shows now, and check that its clock is right.",
    );
    page::refuse(&form(&signed_in, &seed, fields)?)
}

fn hashes(codes: &[Secret]) -> Vec<[u8; 32]> {
    codes
        .iter()
        .map(|code| second_factor::recovery_hash(code.expose()))
        .collect()
}

fn show_codes(signed_in: &SignedIn, codes: Vec<Secret>) -> Result<Response, Error> {
    page::show(&CodesPage {
        page: Page::new(signed_in, Tab::Account, "Recovery codes"),
        codes,
    })
}

async fn ask(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    let panel = Panel::RemoveSecondFactor(Fields::new());
    page::show(&AccountPage::over(&console, &signed_in, "Remove the second factor", panel).await?)
}

async fn remove(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    check_password(&console, &signed_in, &mut fields).await?;
    if !fields.is_ok() {
        let panel = Panel::RemoveSecondFactor(fields);
        return page::refuse(
            &AccountPage::over(&console, &signed_in, "Remove the second factor", panel).await?,
        );
    }
    people(&console, &signed_in)
        .remove_totp(signed_in.viewer().person)
        .await?;
    page::go_saying(&console, PAGE, "Signing in asks for your password alone.")
}

async fn edit_codes(
    State(console): State<Console>,
    signed_in: SignedIn,
) -> Result<Response, Error> {
    let panel = Panel::RecoveryCodes(Fields::new());
    page::show(&AccountPage::over(&console, &signed_in, "New recovery codes", panel).await?)
}

async fn replace_codes(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    check_password(&console, &signed_in, &mut fields).await?;
    let viewer = signed_in.viewer();
    let totp = console
        .db
        .people()
        .totp(&console.sealer, viewer.person)
        .await?;
    if !totp.is_some_and(|totp| totp.confirmed) {
        return page::go(PAGE);
    }
    if !fields.is_ok() {
        let panel = Panel::RecoveryCodes(fields);
        return page::refuse(
            &AccountPage::over(&console, &signed_in, "New recovery codes", panel).await?,
        );
    }
    let codes = second_factor::recovery_codes()?;
    people(&console, &signed_in)
        .replace_recovery_codes(viewer.person, &hashes(&codes))
        .await?;
    show_codes(&signed_in, codes)
}
