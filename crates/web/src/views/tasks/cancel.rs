//! Cancelling a task: a question that says what stays, and the act.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::RunId;
use store::RunView;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "tasks/cancel.html")]
struct Question {
    page: Page,
    close: String,
    run: RunView,
}

impl Question {
    /// Repositories whose new snapshots stay.
    fn stored(&self) -> u64 {
        self.run.tally.complete + self.run.tally.complete_with_omissions
    }
}

pub(super) async fn ask(
    member: Member,
    Path((_, id)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    let run = member.scoped.run(id).await?.ok_or(Error::NotFound)?;
    let close = member.url(format!("tasks/{id}"));
    if run.state.is_final() {
        return page::go(&close);
    }
    page::show(&Question {
        page: Page::new(&member, Tab::Tasks, format!("Cancel {}", run.plan_name)),
        close,
        run,
    })
}

pub(super) async fn cancel(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    let back = member.url(format!("tasks/{id}"));
    let run = member.scoped.run(id).await?.ok_or(Error::NotFound)?;
    if run.state.is_final() {
        let sentence = "The task had ended already: nothing was cancelled.";
        return page::go_saying(&console, &back, sentence);
    }
    let state = member.scoped.cancel_run(id).await?;
    let sentence = if state.is_final() {
        "The task is cancelled."
    } else {
        "The task is being cancelled: what it works on now is put down at the next safe point."
    };
    page::go_saying(&console, &back, sentence)
}
