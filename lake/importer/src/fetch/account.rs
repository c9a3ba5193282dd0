//! One account's turn.

use std::time::{Duration, Instant};

use cauce_ledger::{Fetched, KeyTag, LedgerError, Pause, Slots};
use cauce_model::{AccountId, AccountResult, AccountStatus, AccountTerms, Fetching, RunId};
use cauce_normalize::{TradeSource, Trades, trades};
use cauce_protocols::brokers::{Ask, Begin, Connector, Login, Reply, Session, Trouble, find_connector};
use cauce_raw::{ACCOUNT_HEADER, Bundle, Envelope, Request, kind};
use cauce_sources::{HttpAnswer, HttpRequest, full_jitter};
use cauce_telemetry::ACCOUNTS_PAUSED;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Fetcher, Outcome, ServerSettings, Shared, not_asked, tally::Tally};

/// An account whose turn it is.
pub(super) struct AccountFetch<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) id: &'a AccountId,
    pub(super) fetching: &'a Fetching,
    pub(super) known: Option<&'a Fetched>,
    pub(super) run_id: RunId,
    pub(super) until: Instant,
    pub(super) shared: &'a Shared,
}

/// What the lake's own store or ledger says is this account's trouble only: the others may fare better.
fn own(error: impl std::fmt::Display) -> Trouble {
    Trouble::Passing(format!("the lake can't keep it: {error}"))
}

/// What one connector has said, on its way into the lake.
struct Collected {
    name: &'static str,
    bundle: Bundle,
    /// What stands in each of its lines; or why it can't be read, which the normalizer says, too.
    pages: Vec<Result<Trades, String>>,
    objects: u32,
    /// An answer that was heard could not be added: where the session goes on is not noted.
    is_lossy: bool,
}

impl AccountFetch<'_> {
    /// Bytes of answers that become one raw object, before they are compressed.
    const FLUSH: usize = 4 << 20;
    /// A broker that asks for more patience than this is not waited for within a cycle.
    const LONGEST_WAIT: Duration = Duration::from_secs(60);
    /// Questions that had to be asked anew at once, before it is believed that they always will.
    const MOST_AGAIN: u32 = 8;

    pub(super) async fn run(self) -> Outcome {
        let begun = Instant::now();
        let end = self.until.min(begun + self.fetcher.settings.account_time);
        let mut tally = Tally::default();
        if begun >= self.until {
            let why = "the cycle's time was over; it comes first in the next one".to_owned();
            return Outcome { result: not_asked(self.id, why), tally };
        }
        let (status, errors) = match self.ask(end, &mut tally).await {
            Ok(asked) => asked,
            Err(why) => (AccountStatus::Failed, vec![why]),
        };
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        if matches!(status, AccountStatus::KeyRevoked | AccountStatus::KeyNotPermitted) {
            self.pause(status, error.as_deref().unwrap_or_default()).await;
        }
        let duration_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let result = AccountResult { status, error, duration_ms, ..not_asked(self.id, String::new()) };
        Outcome { result, tally }
    }

    /// Asks one connector after the other. Answers what became of the account, and what could not be had.
    async fn ask(&self, end: Instant, tally: &mut Tally) -> Result<(AccountStatus, Vec<String>), String> {
        let login = self.fetcher.logins.login(self.fetching).await?;
        let key = KeyTag::of(&login.key);
        self.note(&key, None).await.map_err(|error| own(error).to_string())?;
        let (mut errors, mut heard, mut refused) = (Vec::new(), false, None);
        for name in &self.fetching.from {
            match self.connector(name, &login, &key, end, tally).await {
                Ok(problems) => {
                    heard = true;
                    errors.extend(problems);
                }
                Err(trouble) => {
                    errors.push(format!("{name}: {trouble}"));
                    match trouble {
                        Trouble::KeyRevoked(_) => return Ok((AccountStatus::KeyRevoked, errors)),
                        // It may read what others have.
                        Trouble::KeyNotPermitted(_) => refused = Some(AccountStatus::KeyNotPermitted),
                        _ => {}
                    }
                }
            }
        }
        let status = match refused {
            _ if errors.is_empty() => AccountStatus::Imported,
            _ if heard || tally.told() > 0 => AccountStatus::Partial,
            Some(refused) => refused,
            None => AccountStatus::Failed,
        };
        Ok((status, errors))
    }

    /// Nobody asks for the account until somebody says that its key is right.
    async fn pause(&self, status: AccountStatus, reason: &str) {
        ACCOUNTS_PAUSED.count(1);
        tracing::error!(account = %self.id, %status, reason, "the account is paused until its key is right; then: cauce account resume");
        let pause =
            Pause { account_id: self.id.clone(), status, reason: reason.to_owned(), since: Utc::now() };
        if let Err(error) = pause.set(&*self.fetcher.ledger).await {
            tracing::error!(account = %self.id, %error, "it could not be paused, and is asked again");
        }
    }

    async fn note(&self, key: &KeyTag, goes_on: Option<(&str, &Value)>) -> Result<(), LedgerError> {
        Fetched::note(&*self.fetcher.ledger, self.id, key, Utc::now(), goes_on).await
    }

    /// Hears one connector to its end. Answers what could not be had though the rest could.
    async fn connector(
        &self,
        name: &str,
        login: &Login,
        key: &KeyTag,
        end: Instant,
        tally: &mut Tally,
    ) -> Result<Vec<String>, Trouble> {
        let connector =
            find_connector(name).ok_or_else(|| Trouble::Refused("there is no such connector".to_owned()))?;
        // Ids are counted by account: where one with another key left off says nothing of this one.
        let known = self.known.filter(|known| known.key == *key);
        let server = self.fetcher.settings.servers.get(connector.name());
        let begin = Begin {
            login,
            cursor: known.and_then(|known| known.cursors.get(connector.name())),
            symbols: &self.fetching.symbols,
            weight_per_minute: server
                .map_or(connector.weight_per_minute(), |server| server.weight_per_minute),
            now: Utc::now(),
        };
        let mut session = connector.session(begin).map_err(Trouble::Refused)?;
        let mut collected = self.collected(connector);
        let mut problems = Vec::new();
        let heard = loop {
            match self.hear(&mut *session, &mut collected, end).await {
                Ok(is_over) => {
                    // What can't be kept is not noted as had, and ends it.
                    self.flush(&*session, &mut collected, key, tally, &mut problems).await?;
                    if is_over {
                        break Ok(());
                    }
                }
                Err(trouble) => {
                    // What was heard before is kept.
                    self.flush(&*session, &mut collected, key, tally, &mut problems).await?;
                    break Err(trouble);
                }
            }
        };
        heard?;
        problems.extend(session.problems().iter().cloned());
        Ok(problems.into_iter().map(|problem| format!("{name}: {problem}")).collect())
    }

    /// Hears so much that it is to be kept, or to the end. Answers whether that was it.
    async fn hear(
        &self,
        session: &mut dyn Session,
        collected: &mut Collected,
        end: Instant,
    ) -> Result<bool, Trouble> {
        let (mut again, mut waits) = (0, full_jitter(self.fetcher.settings.tries));
        loop {
            // Signed when its time has come: a signature is good for seconds.
            let Some(wanted) = session.next(Utc::now()) else { return Ok(true) };
            let server = self.server(&wanted)?;
            self.wait_for_slot(&wanted, server, end).await?;
            let Some(ask) = session.next(Utc::now()) else { return Ok(true) };
            let sent_at = Utc::now();
            let trouble = match self.send(&ask, server, end).await {
                Err(trouble) => trouble,
                Ok(answer) => {
                    let reply = Reply {
                        status: answer.status,
                        headers: &answer.headers,
                        body: &answer.body,
                        sent_at,
                        received_at: Utc::now(),
                    };
                    match session.hear(&reply) {
                        Ok(heard) => {
                            // First of all: what it said of where it goes on counts on it.
                            if heard.has_trades {
                                let added = self.collect(collected, &ask, server, &answer);
                                collected.is_lossy |= added.is_err();
                                added?;
                            }
                            if let Some(rest) = heard.rest {
                                self.leave_alone(&ask, rest).await;
                            }
                            if collected.bundle.len() >= Self::FLUSH {
                                return Ok(false);
                            }
                            (again, waits) = (0, full_jitter(self.fetcher.settings.tries));
                            continue;
                        }
                        Err(trouble) => trouble,
                    }
                }
            };
            let wait = match &trouble {
                Trouble::Again(_) if again < Self::MOST_AGAIN => {
                    again += 1;
                    Duration::ZERO
                }
                Trouble::Passing(_) => waits.next().ok_or_else(|| trouble.clone())?,
                Trouble::Wait { wait, .. } => {
                    self.leave_alone(&ask, *wait).await;
                    let backoff = waits.next().ok_or_else(|| trouble.clone())?;
                    if *wait > Self::LONGEST_WAIT {
                        return Err(trouble);
                    }
                    backoff.max(*wait)
                }
                _ => return Err(trouble),
            };
            if Instant::now() + wait >= end {
                return Err(trouble);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn server(&self, ask: &Ask) -> Result<&ServerSettings, Trouble> {
        let server = self.fetcher.settings.servers.get(ask.server);
        server.ok_or_else(|| Trouble::Refused(format!("the server {} has no address", ask.server)))
    }

    /// Every request reserves its share of what the server takes in a minute, for all who ask from here.
    async fn wait_for_slot(&self, ask: &Ask, server: &ServerSettings, end: Instant) -> Result<(), Trouble> {
        let interval = TimeDelta::milliseconds(
            i64::from(ask.weight) * 60_000 / i64::from(server.weight_per_minute.max(1)),
        );
        loop {
            let now = Utc::now();
            let slot =
                Slots::reserve(&*self.fetcher.ledger, &slots(ask), interval, now).await.map_err(own)?;
            let wait = (slot - now).to_std().unwrap_or_default();
            if Instant::now() + wait >= end {
                let why = "its time was over before it could be asked; it goes on in the next cycle";
                return Err(Trouble::Passing(why.to_owned()));
            }
            tokio::time::sleep(wait).await;
            // Somebody may have heard meanwhile that it wants to be left alone: then this slot is not used.
            if !self.shared.is_left_alone(ask.server) {
                return Ok(());
            }
        }
    }

    /// Nobody asks the server for so long, here and elsewhere.
    async fn leave_alone(&self, ask: &Ask, wait: Duration) {
        self.shared.leave_alone(ask.server, wait);
        let until = Utc::now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        if let Err(error) = Slots::postpone(&*self.fetcher.ledger, &slots(ask), until).await {
            tracing::warn!(server = ask.server, %error, "others are not told to leave it alone");
        }
    }

    async fn send(&self, ask: &Ask, server: &ServerSettings, end: Instant) -> Result<HttpAnswer, Trouble> {
        let send = async || {
            let request = HttpRequest {
                method: "GET",
                url: format!("{}{}", server.base_url, ask.path),
                headers: ask.headers.clone(),
                body: None,
            };
            let timeout = server.timeout.min(end.saturating_duration_since(Instant::now()));
            let sent = self.fetcher.transport.send(request, timeout).await;
            sent.map_err(|failure| Trouble::Passing(failure.to_string()))
        };
        if !ask.is_common {
            return send().await;
        }
        let cell = self
            .shared
            .common
            .lock()
            .await
            .entry(format!("{} {}", ask.server, ask.path))
            .or_default()
            .clone();
        // An answer that is none is nobody else's.
        let kept = cell.get_or_try_init(async || match send().await {
            Ok(mut answer) if answer.status == 200 => {
                // What it cost is said once, and not to everybody who is answered from here.
                answer.headers.retain(|name, _| name == "content-type");
                Ok(answer)
            }
            other => Err(other),
        });
        match kept.await {
            Ok(answer) => Ok(answer.clone()),
            Err(other) => other,
        }
    }

    fn collected(&self, connector: &dyn Connector) -> Collected {
        Collected {
            name: connector.name(),
            bundle: self.bundle(),
            pages: Vec::new(),
            objects: 0,
            is_lossy: false,
        }
    }

    fn bundle(&self) -> Bundle {
        let day = self.run_id.started_at().date_naive();
        Bundle::new(self.id.as_str(), kind::TRADES, day, &self.run_id.to_string())
    }

    /// Adds an answer as it came, with what is needed to read it ever after.
    fn collect(
        &self,
        collected: &mut Collected,
        ask: &Ask,
        server: &ServerSettings,
        answer: &HttpAnswer,
    ) -> Result<(), Trouble> {
        let source = TradeSource { account: self.id.clone(), files: AccountTerms::default() };
        let url = format!("{}{}", server.base_url, ask.shown);
        let request = Request { method: "GET".to_owned(), url, body: None };
        let mut envelope = Envelope::bare(answer.body.to_vec(), Utc::now());
        envelope.run_id = Some(self.run_id);
        envelope.request = Some(serde_json::to_string(&request).map_err(own)?.into());
        envelope.status = Some(answer.status);
        envelope.headers.insert(ACCOUNT_HEADER.to_owned(), serde_json::to_string(&source).map_err(own)?);
        envelope.headers.extend(
            answer.headers.get_key_value("content-type").map(|(name, value)| (name.clone(), value.clone())),
        );
        collected.bundle.push(&envelope).map_err(own)?;
        let position = i32::try_from(collected.pages.len()).unwrap_or(i32::MAX);
        collected.pages.push(trades(position, &envelope));
        Ok(())
    }

    /// Keeps what was collected, and only then notes where it goes on. After an error nothing more is noted.
    async fn flush(
        &self,
        session: &dyn Session,
        collected: &mut Collected,
        key: &KeyTag,
        tally: &mut Tally,
        problems: &mut Vec<String>,
    ) -> Result<(), Trouble> {
        let now: DateTime<Utc> = Utc::now();
        if !collected.bundle.is_empty() {
            let bundle = std::mem::replace(&mut collected.bundle, self.bundle());
            let name = format!("{}-{}", collected.name, collected.objects);
            let object = bundle.seal(&name).map_err(own)?;
            self.fetcher.importer.raw.put(&object).await.map_err(own)?;
            collected.objects += 1;
            for page in collected.pages.drain(..) {
                match page {
                    Ok(trades) => tally.add(trades, &object.id, now),
                    Err(why) => problems.push(format!("an answer is kept, and can't be read: {why}")),
                }
            }
        }
        if collected.is_lossy {
            return Ok(());
        }
        self.note(key, Some((collected.name, &session.cursor()))).await.map_err(own)
    }
}

/// Where slots of a server are reserved.
fn slots(ask: &Ask) -> String {
    format!("broker/{}", ask.server)
}
