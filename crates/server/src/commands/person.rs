//! People who may sign in to the console: for the first one, and for who locked herself out.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use domain::{Email, MemberRole, PersonName, Secret};
use serde_json::json;
use store::{Actor, NewPerson, People, Person};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Table;
use crate::secret_file;

/// What can be done about people.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a person, to the tenant that the command acts for or to none.
    Add {
        /// The address to sign in with.
        email: String,
        /// What others see.
        #[arg(long)]
        name: String,
        /// What the person may do in the tenant: auditor, operator, admin or owner.
        #[arg(long, required_unless_present = "operator")]
        role: Option<String>,
        /// Make the person a service operator, who manages tenants and sees nothing of their backups.
        #[arg(long)]
        operator: bool,
        /// Take the password from this file instead of making one and showing it once.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List the people.
    List,
    /// Give a person a new password: every session ends, and a lock after failed attempts too.
    ResetPassword {
        /// The address that the person signs in with.
        email: String,
        /// Take the password from this file instead of making one and showing it once.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Turn the second factor off too, for who lost the device and the recovery codes.
        #[arg(long)]
        remove_second_factor: bool,
    },
}

pub(crate) async fn execute(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Add {
            email,
            name,
            role,
            operator,
            password_file,
        } => {
            let wanted = Wanted {
                email: email.parse()?,
                name: name.parse()?,
                role: role.map(|role| role.parse()).transpose()?,
                operator,
            };
            add(context, wanted, password_file.as_deref()).await
        }
        Command::List => list(context).await,
        Command::ResetPassword {
            email,
            password_file,
            remove_second_factor,
        } => {
            reset(
                context,
                &email,
                password_file.as_deref(),
                remove_second_factor,
            )
            .await
        }
    }
}

/// A person as asked for, read before anything is stored.
struct Wanted {
    email: Email,
    name: PersonName,
    role: Option<MemberRole>,
    operator: bool,
}

async fn add(
    context: &Context,
    wanted: Wanted,
    password_file: Option<&Path>,
) -> Result<Exit, Error> {
    let people = people(context).await?;
    let membership = match wanted.role {
        Some(role) => Some((context.scoped().await?.tenant_id(), role)),
        None => None,
    };
    let password = Password::given_or_made(password_file)?;
    let new = NewPerson {
        email: wanted.email.clone(),
        name: wanted.name,
        password_hash: password.hash().await?,
    };
    let id = people.add(new, wanted.operator).await?;
    if let Some((tenant, role)) = membership {
        people.enrol(tenant, id, role).await?;
    }
    let document = json!({ "id": id, "email": wanted.email, "password": password.to_show() });
    context.output.answer(&document, || {
        format!("Added {}.{}", wanted.email, password.sentence())
    });
    Ok(Exit::Complete)
}

async fn reset(
    context: &Context,
    email: &str,
    password_file: Option<&Path>,
    remove_second_factor: bool,
) -> Result<Exit, Error> {
    let people = people(context).await?;
    let everybody = people.list().await?;
    let wanted = email.trim().to_lowercase();
    let person = everybody
        .iter()
        .find(|person| person.email.as_str() == wanted)
        .ok_or_else(|| {
            Error::unknown(
                "person",
                email,
                everybody.iter().map(|person| person.email.as_str()),
            )
        })?;
    let password = Password::given_or_made(password_file)?;
    people
        .reset_password(person.id, &password.hash().await?, remove_second_factor)
        .await?;
    let document =
        json!({ "id": person.id, "email": person.email, "password": password.to_show() });
    context.output.answer(&document, || {
        let codes = if person.totp && !remove_second_factor {
            " Signing in still asks for a one-time code: add --remove-second-factor if the device is lost."
        } else {
            ""
        };
        format!(
            "{} has a new password, and was signed out everywhere.{}{codes}",
            person.email,
            password.sentence()
        )
    });
    Ok(Exit::Complete)
}

async fn list(context: &Context) -> Result<Exit, Error> {
    let everybody = people(context).await?.list().await?;
    let document: Vec<_> = everybody
        .iter()
        .map(|person| {
            json!({
                "id": person.id,
                "email": person.email,
                "name": person.name,
                "operator": person.operator,
                "second_factor": person.totp,
            })
        })
        .collect();
    context.output.answer(&document, || {
        let mut table = Table::new(["e-mail", "name", "service operator", "second factor"]);
        for Person {
            email,
            name,
            operator,
            totp,
            ..
        } in &everybody
        {
            table.row([
                email.to_string(),
                name.clone(),
                word(*operator),
                word(*totp),
            ]);
        }
        table.text(
            "Nobody can sign in yet: open the console, or add somebody with holdfast person add.",
        )
    });
    Ok(Exit::Complete)
}

fn word(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

async fn people(context: &Context) -> Result<People, Error> {
    let db = context.db().await?;
    context.tenants(&db.fleet()).await?;
    Ok(db.people().acting(Actor::command_line()))
}

/// A password from a file, or one made here, which is shown once.
struct Password {
    secret: Secret,
    made: bool,
}

impl Password {
    fn given_or_made(file: Option<&Path>) -> Result<Self, Error> {
        let (secret, made) = match file {
            Some(file) => (secret_file::read(file, "password")?, false),
            None => (
                ::web::password::make()
                    .ok_or_else(|| Error::Failed("The system gives no random numbers.".into()))?,
                true,
            ),
        };
        Ok(Self { secret, made })
    }

    async fn hash(&self) -> Result<String, Error> {
        Ok(::web::password::accept(self.secret.clone()).await?)
    }

    fn to_show(&self) -> Option<&str> {
        self.made.then(|| self.secret.expose())
    }

    fn sentence(&self) -> String {
        match self.to_show() {
            Some(password) => format!(
                " The password is {password}: it is not shown again. Change it after signing in."
            ),
            None => String::new(),
        }
    }
}
