use std::io::{BufRead, IsTerminal};

use anyhow::Context;
use cauce_access::{Password, UserName, Users};
use cauce_world::World;
use chrono::Utc;

use crate::{
    Done,
    args::{User, UserAction},
};

/// People who log in. Whoever has the ledger is trusted: no password is asked for but a new one.
pub(crate) async fn run(world: &World, asked: User) -> anyhow::Result<Done> {
    let (ledger, now) = (&*world.ledger, Utc::now());
    let changed = match asked.action {
        UserAction::Add { name, role } => {
            let password = chosen()?;
            let added = Users::add(ledger, name.clone(), role, password, now).await?;
            let Some(user) = added else {
                anyhow::bail!("there is a user {name}; cauce user password {name} gives a new password")
            };
            println!("{} is {}", user.name, user.role);
            return Ok(Done::Whole);
        }
        UserAction::List { json } => {
            let users = Users::all(ledger).await?;
            if json {
                println!(
                    "{}",
                    serde_json::to_string_pretty(
                        &users.iter().map(cauce_access::User::shown).collect::<Vec<_>>()
                    )?
                );
            } else {
                for user in users {
                    let state = user
                        .disabled_at
                        .map_or_else(|| "may log in".to_owned(), |at| format!("shut out {at}"));
                    println!("{:<30} {:<8} {state}", user.name.as_str(), user.role.name());
                }
            }
            return Ok(Done::Whole);
        }
        UserAction::Remove { name } => {
            return match Users::remove(ledger, &name).await? {
                true => {
                    println!("{name} is gone");
                    Ok(Done::Whole)
                }
                false => Ok(unknown(&name)),
            };
        }
        UserAction::Password { name } => (Users::set_password(ledger, &name, chosen()?).await?, name),
        UserAction::Role { name, role } => (Users::set_role(ledger, &name, role, now).await?, name),
        UserAction::Disable { name } => (Users::set_disabled(ledger, &name, Some(now)).await?, name),
        UserAction::Enable { name } => (Users::set_disabled(ledger, &name, None).await?, name),
    };
    Ok(match changed {
        (Some(user), _) => {
            let state = if user.disabled_at.is_some() { ", and shut out" } else { "" };
            println!("{} is {}{state}", user.name, user.role);
            Done::Whole
        }
        (None, name) => unknown(&name),
    })
}

fn unknown(name: &UserName) -> Done {
    println!("there is no user {name}; cauce user list shows all");
    Done::Not
}

fn chosen() -> anyhow::Result<Password> {
    let text = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("password: ").context("the password can't be read")?;
        let again = rpassword::prompt_password("again: ").context("the password can't be read")?;
        anyhow::ensure!(first == again, "these are two passwords");
        first
    } else {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("the password can't be read from standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    Ok(Password::chosen(text)?)
}
