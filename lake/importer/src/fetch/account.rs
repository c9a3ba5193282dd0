//! One account's turn.

use std::time::{Duration, Instant};

use cauce_ledger::{Fetched, LedgerError, Pause, Slots};
use cauce_model::{AccountId, AccountResult, AccountStatus, AccountTerms, Fetching, RunId};
use cauce_normalize::{TradeSource, trades};
use cauce_protocols::brokers::{Ask, Begin, Connector, Login, Reply, Session, Trouble, find_connector};
use cauce_raw::{ACCOUNT_HEADER, Bundle, Envelope, Request, kind};
use cauce_sources::{HttpAnswer, HttpRequest, full_jitter};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{Common, FetchError, Fetcher, Outcome, ServerSettings, not_asked, tally::Tally};
use crate::ImportError;

/// An account whose turn it is.
pub(super) struct AccountFetch<'a> {
    pub(super) fetcher: &'a Fetcher,
    pub(super) id: &'a AccountId,
    pub(super) fetching: &'a Fetching,
    pub(super) known: Option<&'a Fetched>,
    pub(super) run_id: RunId,
    pub(super) until: Instant,
    pub(super) common: &'a Common,
}

/// Why a connector was not heard to its end.
enum Ended {
    /// This account only.
    Here(Trouble),
    /// All of them.
    Everywhere(FetchError),
}

impl From<LedgerError> for Ended {
    fn from(error: LedgerError) -> Self {
        Self::Everywhere(error.into())
    }
}

impl From<ImportError> for Ended {
    fn from(error: ImportError) -> Self {
        Self::Everywhere(error.into())
    }
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Here(trouble)
    }
}

/// What one connector has said, on its way into the lake.
struct Collected {
    name: &'static str,
    bundle: Bundle,
    pages: Vec<cauce_normalize::Trades>,
    objects: u32,
}

impl AccountFetch<'_> {
    /// Bytes of answers that become one raw object, before they are compressed.
    const FLUSH: usize = 4 << 20;
    /// A broker that asks for more patience than this is not waited for within a cycle.
    const LONGEST_WAIT: Duration = Duration::from_secs(60);
    /// Questions that had to be asked anew at once, before it is believed that they always will.
    const MOST_AGAIN: u32 = 8;

    pub(super) async fn run(self) -> Result<Outcome, FetchError> {
        let begun = Instant::now();
        let end = self.until.min(begun + self.fetcher.settings.account_time);
        let mut tally = Tally::default();
        if begun >= self.until {
            let why = "the cycle's time was over; it comes first in the next one".to_owned();
            return Ok(Outcome { result: not_asked(self.id, why), tally });
        }
        Fetched::note(&*self.fetcher.ledger, self.id, Utc::now(), None).await?;
        let (mut errors, mut heard, mut status) = (Vec::new(), false, None);
        match self.fetcher.logins.login(self.fetching).await {
            Err(why) => errors.push(why),
            Ok(login) => {
                for name in &self.fetching.from {
                    match self.connector(name, &login, end, &mut tally).await {
                        Ok(problems) => {
                            heard = true;
                            errors.extend(problems);
                        }
                        Err(Ended::Everywhere(error)) => return Err(error),
                        Err(Ended::Here(trouble)) => {
                            errors.push(format!("{name}: {trouble}"));
                            status = match trouble {
                                Trouble::KeyRevoked(_) => Some(AccountStatus::KeyRevoked),
                                Trouble::KeyNotPermitted(_) => Some(AccountStatus::KeyNotPermitted),
                                _ => status,
                            };
                            if status.is_some() {
                                break;
                            }
                        }
                    }
                }
            }
        }
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        let status = match status {
            Some(status) => {
                self.pause(status, error.clone().unwrap_or_default()).await?;
                status
            }
            None if error.is_none() => AccountStatus::Imported,
            None if heard || tally.told() > 0 => AccountStatus::Partial,
            None => AccountStatus::Failed,
        };
        let duration_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let result = AccountResult { status, error, duration_ms, ..not_asked(self.id, String::new()) };
        Ok(Outcome { result, tally })
    }

    /// Nobody asks for the account until somebody says that its key is right.
    async fn pause(&self, status: AccountStatus, reason: String) -> Result<(), FetchError> {
        let pause = Pause { account_id: self.id.clone(), status, reason, since: Utc::now() };
        Ok(pause.set(&*self.fetcher.ledger).await?)
    }

    /// Hears one connector to its end. Answers what could not be had though the rest could.
    async fn connector(
        &self,
        name: &str,
        login: &Login,
        end: Instant,
        tally: &mut Tally,
    ) -> Result<Vec<String>, Ended> {
        let refused = |why: String| Ended::Here(Trouble::Refused(why));
        let connector =
            find_connector(name).ok_or_else(|| refused("there is no such connector".to_owned()))?;
        let cursor = self.known.and_then(|known| known.cursors.get(connector.name()));
        let server = self.fetcher.settings.servers.get(connector.name());
        let begin = Begin {
            login,
            cursor,
            symbols: &self.fetching.symbols,
            weight_per_minute: server
                .map_or(connector.weight_per_minute(), |server| server.weight_per_minute),
            now: Utc::now(),
        };
        let mut session = connector.session(begin).map_err(refused)?;
        let mut collected = self.collected(connector);
        let heard = self.hear(&mut *session, &mut collected, end, tally).await;
        // What was heard before it ended is kept.
        self.flush(&*session, &mut collected, tally).await?;
        heard?;
        let problem = |problem: &String| format!("{name}: {problem}");
        Ok(session.problems().iter().map(problem).collect())
    }

    async fn hear(
        &self,
        session: &mut dyn Session,
        collected: &mut Collected,
        end: Instant,
        tally: &mut Tally,
    ) -> Result<(), Ended> {
        let (mut again, mut waits) = (0, full_jitter(self.fetcher.settings.tries));
        loop {
            // Signed when its time has come: a signature is good for seconds.
            let Some(wanted) = session.next(Utc::now()) else { return Ok(()) };
            let server = self.server(&wanted)?;
            self.wait_for_slot(&wanted, server, end).await?;
            let Some(ask) = session.next(Utc::now()) else { return Ok(()) };
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
                            if let Some(rest) = heard.rest {
                                self.postpone(&ask, rest).await?;
                            }
                            if heard.has_trades {
                                self.collect(collected, &ask, server, &answer)?;
                            }
                            if collected.bundle.len() >= Self::FLUSH {
                                self.flush(session, collected, tally).await?;
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
                    self.postpone(&ask, *wait).await?;
                    let backoff = waits.next().ok_or_else(|| trouble.clone())?;
                    if *wait > Self::LONGEST_WAIT {
                        return Err(trouble.into());
                    }
                    backoff.max(*wait)
                }
                _ => return Err(trouble.into()),
            };
            if Instant::now() + wait >= end {
                return Err(trouble.into());
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn server(&self, ask: &Ask) -> Result<&ServerSettings, Trouble> {
        let server = self.fetcher.settings.servers.get(ask.server);
        server.ok_or_else(|| Trouble::Refused(format!("the server {} has no address", ask.server)))
    }

    /// Every request reserves its share of what the server takes in a minute, for all who ask from here.
    async fn wait_for_slot(&self, ask: &Ask, server: &ServerSettings, end: Instant) -> Result<(), Ended> {
        let interval = TimeDelta::milliseconds(
            i64::from(ask.weight) * 60_000 / i64::from(server.weight_per_minute.max(1)),
        );
        let now = Utc::now();
        let slot = Slots::reserve(&*self.fetcher.ledger, &slots(ask), interval, now).await?;
        let wait = (slot - now).to_std().unwrap_or_default();
        if Instant::now() + wait >= end {
            let why = format!(
                "its time was over before {} could be asked; it goes on in the next cycle",
                ask.server
            );
            return Err(Trouble::Passing(why).into());
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn postpone(&self, ask: &Ask, by: Duration) -> Result<(), LedgerError> {
        let until = Utc::now() + TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        Slots::postpone(&*self.fetcher.ledger, &slots(ask), until).await
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
        let cell =
            self.common.lock().await.entry(format!("{} {}", ask.server, ask.path)).or_default().clone();
        // An answer that is none is nobody else's.
        let kept = cell.get_or_try_init(async || match send().await {
            Ok(answer) if answer.status == 200 => Ok(answer),
            other => Err(other),
        });
        match kept.await {
            Ok(answer) => Ok(answer.clone()),
            Err(other) => other,
        }
    }

    fn collected(&self, connector: &dyn Connector) -> Collected {
        Collected { name: connector.name(), bundle: self.bundle(), pages: Vec::new(), objects: 0 }
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
    ) -> Result<(), Ended> {
        let source = TradeSource { account: self.id.clone(), files: AccountTerms::default() };
        let request = Request {
            method: "GET".to_owned(),
            url: format!("{}{}", server.base_url, ask.shown),
            body: None,
        };
        let mut envelope = Envelope::bare(answer.body.to_vec(), Utc::now());
        envelope.run_id = Some(self.run_id);
        envelope.request = Some(serde_json::to_string(&request).map_err(ImportError::from)?.into());
        envelope.status = Some(answer.status);
        let header = serde_json::to_string(&source).map_err(ImportError::from)?;
        envelope.headers.insert(ACCOUNT_HEADER.to_owned(), header);
        envelope.headers.extend(
            answer.headers.get_key_value("content-type").map(|(name, value)| (name.clone(), value.clone())),
        );
        let position = i32::try_from(collected.pages.len()).unwrap_or(i32::MAX);
        let read = trades(position, &envelope).map_err(Trouble::Refused)?;
        collected.bundle.push(&envelope).map_err(ImportError::from)?;
        collected.pages.push(read);
        Ok(())
    }

    /// Keeps what was collected, and then notes where it goes on.
    async fn flush(
        &self,
        session: &dyn Session,
        collected: &mut Collected,
        tally: &mut Tally,
    ) -> Result<(), Ended> {
        let now: DateTime<Utc> = Utc::now();
        if !collected.bundle.is_empty() {
            let bundle = std::mem::replace(&mut collected.bundle, self.bundle());
            let name = format!("{}-{}", collected.name, collected.objects);
            let object = bundle.seal(&name).map_err(ImportError::from)?;
            self.fetcher.importer.raw.put(&object).await.map_err(ImportError::from)?;
            collected.objects += 1;
            for trades in collected.pages.drain(..) {
                tally.add(trades, &object.id, now);
            }
        }
        let cursor: Value = session.cursor();
        Fetched::note(&*self.fetcher.ledger, self.id, now, Some((collected.name, &cursor))).await?;
        Ok(())
    }
}

/// Where slots of a server are reserved.
fn slots(ask: &Ask) -> String {
    format!("broker/{}", ask.server)
}
