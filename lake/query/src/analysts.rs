//! SQL of people who only read, with limits: on time, memory, rows, on how many ask at once, and on how deep a question is.

use std::{sync::Arc, time::Duration};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::{DataFusionError, plan_err, tree_node::TreeNodeRecursion},
    execution::{
        SendableRecordBatchStream, disk_manager::DiskManagerBuilder, memory_pool::FairSpillPool,
        object_store::ObjectStoreUrl, runtime_env::RuntimeEnvBuilder, session_state::SessionStateBuilder,
    },
    prelude::SessionContext,
    sql::sqlparser::{
        dialect::GenericDialect,
        keywords::Keyword,
        tokenizer::{Token, Tokenizer},
    },
};
use futures::{Stream, StreamExt};
use thiserror::Error;
use tokio::{
    sync::{Mutex, OnceCell, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{Lake, QueryError, lake::READING, provider::STORE_URL};

/// What one who asks in SQL may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlLimits {
    /// From the question to the last row.
    pub time: Duration,
    /// Bytes that all who ask share; what needs more spills to disk, as far as it can.
    pub memory: usize,
    /// Rows of an answer.
    pub rows: usize,
    /// Questions at once.
    pub at_once: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(25), memory: 512 << 20, rows: 1_000_000, at_once: 4 }
    }
}

/// Why a question is not answered.
#[derive(Debug, Error)]
pub enum SqlRefused {
    /// All turns are taken.
    #[error("{at_once} questions are being answered, which is the most at once")]
    Busy {
        /// How many.
        at_once: usize,
    },
    /// It took too long.
    #[error("the answer takes longer than {} s", limit.as_secs())]
    TooLong {
        /// The limit.
        limit: Duration,
    },
    /// It has too many rows.
    #[error("the answer has more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// It needs too much memory.
    #[error("the answer needs more memory than there is for it: {0}")]
    TooMuchMemory(String),
    /// It can't be asked, or failed.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl From<DataFusionError> for SqlRefused {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(why) => {
                Self::TooMuchMemory(why.lines().next().unwrap_or(why).to_owned())
            }
            _ => Self::Query(error.into()),
        }
    }
}

/// Answers in SQL. Clones share turns and memory.
#[derive(Clone)]
pub struct Analysts {
    lake: Lake,
    limits: SqlLimits,
    turns: Arc<Semaphore>,
    context: Arc<OnceCell<SessionContext>>,
}

impl std::fmt::Debug for Analysts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analysts")
            .field("lake", &self.lake)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Rows as they come. Who drops it stops the query.
pub struct SqlAnswer {
    /// The columns.
    pub schema: SchemaRef,
    running: Arc<Mutex<Option<Running>>>,
    limits: SqlLimits,
    until: Instant,
    count: usize,
}

/// What a question holds for as long as it is being answered.
struct Running {
    rows: SendableRecordBatchStream,
    _turn: OwnedSemaphorePermit,
}

impl std::fmt::Debug for SqlAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlAnswer").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Analysts {
    /// Functions that make large values of small ones, past all accounting of memory.
    const INFLATING: [&str; 12] = [
        "repeat",
        "lpad",
        "rpad",
        "replace",
        "regexp_replace",
        "translate",
        "overlay",
        "array_repeat",
        "array_resize",
        "array_concat",
        "generate_series",
        "range",
    ];
    /// Bytes of a question.
    pub const LONGEST: usize = 64 << 10;
    /// Operators and joins of a question. Each may be a level of its plan, and plans are walked by recursion.
    const DEEPEST: usize = 500;
    /// Stack of the thread that plans.
    const STACK: usize = 128 << 20;
    /// Bytes that may be spilled to disk.
    const SPILLED: u64 = 4 << 30;

    /// Asks `lake`.
    pub fn of(lake: Lake, limits: SqlLimits) -> Self {
        Self { lake, limits, turns: Arc::new(Semaphore::new(limits.at_once)), context: Arc::default() }
    }

    /// What may be used.
    pub fn limits(&self) -> SqlLimits {
        self.limits
    }

    /// Begins to answer. Only one statement, and only one that reads the lake's tables and views.
    pub async fn ask(&self, question: &str) -> Result<SqlAnswer, SqlRefused> {
        is_shallow(question)?;
        let until = Instant::now() + self.limits.time;
        let at_once = self.limits.at_once;
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| SqlRefused::Busy { at_once })?;
        let context = self.context.get_or_try_init(|| self.make_context()).await?.clone();
        let planned = self.plan(context, question.to_owned(), turn);
        let too_long = |_| SqlRefused::TooLong { limit: self.limits.time };
        let (rows, turn) = tokio::time::timeout_at(until, planned).await.map_err(too_long)??;
        let schema = rows.schema();
        let running = Arc::new(Mutex::new(Some(Running { rows, _turn: turn })));
        // Who reads slowly, or not at all, must not keep its turn beyond its time.
        let held = Arc::downgrade(&running);
        tokio::spawn(async move {
            tokio::time::sleep_until(until).await;
            if let Some(running) = held.upgrade() {
                running.lock().await.take();
            }
        });
        Ok(SqlAnswer { schema, running, limits: self.limits, until, count: 0 })
    }

    /// Plans on a thread with a large stack. It can't be stopped, so it keeps its turn until it ends.
    async fn plan(
        &self,
        context: SessionContext,
        question: String,
        turn: OwnedSemaphorePermit,
    ) -> Result<(SendableRecordBatchStream, OwnedSemaphorePermit), SqlRefused> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let planning = move || {
            let planned = runtime.block_on(async {
                let frame = context.sql_with_options(&question, *READING).await?;
                let mut steps = 0_usize;
                frame.logical_plan().apply_with_subqueries(|_| {
                    steps += 1;
                    Ok(TreeNodeRecursion::Continue)
                })?;
                if steps > Self::DEEPEST {
                    return plan_err!(
                        "a question has {} steps at most, and this one has {steps}",
                        Self::DEEPEST
                    );
                }
                frame.execute_stream().await
            });
            // Nobody may be waiting any more.
            let _ = send.send((planned, turn));
        };
        let failed = |error: &dyn std::fmt::Display| {
            QueryError::Failed(Box::new(DataFusionError::Execution(format!("planning stopped: {error}"))))
        };
        std::thread::Builder::new()
            .name("sql".to_owned())
            .stack_size(Self::STACK)
            .spawn(planning)
            .map_err(|error| failed(&error))?;
        let (planned, turn) = receive.await.map_err(|error| failed(&error))?;
        Ok((planned?, turn))
    }

    /// The lake's tables and views, with memory of its own.
    async fn make_context(&self) -> Result<SessionContext, QueryError> {
        let spilling = DiskManagerBuilder::default().with_max_temp_directory_size(Self::SPILLED);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(self.limits.memory)))
            .with_disk_manager_builder(spilling)
            .build_arc()?;
        let state = self.lake.context().await?.state();
        let context = SessionContext::new_with_state(
            SessionStateBuilder::new_from_existing(state).with_runtime_env(runtime).build(),
        );
        let store = ObjectStoreUrl::parse(STORE_URL)?;
        context.register_object_store(store.as_ref(), Arc::clone(self.lake.store()));
        for name in Self::INFLATING {
            context.deregister_udf(name);
        }
        Ok(context)
    }
}

impl SqlAnswer {
    /// The next rows; none at the end.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlRefused>> {
        let limits = self.limits;
        let mut running = self.running.lock().await;
        let next = match running.as_mut() {
            Some(Running { rows, .. }) if Instant::now() < self.until => {
                tokio::time::timeout_at(self.until, rows.next()).await.ok()
            }
            _ => None,
        };
        let Some(next) = next else {
            // The turn is free before this is known.
            running.take();
            return Some(Err(SqlRefused::TooLong { limit: limits.time }));
        };
        match next {
            None => None,
            Some(Err(error)) => Some(Err(error.into())),
            Some(Ok(batch)) => {
                self.count += batch.num_rows();
                let is_too_many = self.count > limits.rows;
                Some(if is_too_many {
                    Err(SqlRefused::TooManyRows { limit: limits.rows })
                } else {
                    Ok(batch)
                })
            }
        }
    }

    /// The rows as a stream, up to the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<RecordBatch, SqlRefused>> + Send {
        futures::stream::unfold(Some(self), |answer| async move {
            let mut answer = answer?;
            let next = answer.next().await?;
            let rest = next.is_ok().then_some(answer);
            Some((next, rest))
        })
    }
}

/// Refuses what is too long or too deep to be planned safely, before anything recursive sees it.
fn is_shallow(question: &str) -> Result<(), QueryError> {
    let refused = |why: String| Err(QueryError::Refused(why));
    if question.len() > Analysts::LONGEST {
        return refused(format!("a question has {} bytes at most", Analysts::LONGEST));
    }
    let tokens = match Tokenizer::new(&GenericDialect {}, question).tokenize() {
        Ok(tokens) => tokens,
        Err(error) => return refused(error.to_string()),
    };
    if levels(&tokens) > Analysts::DEEPEST {
        return refused(format!("a question has {} operators and joins at most", Analysts::DEEPEST));
    }
    Ok(())
}

/// What may become a level of the plan: operators, joins, and tables one after another.
fn levels(tokens: &[Token]) -> usize {
    // Of each open parenthesis, whether its commas are between tables.
    let mut are_tables = vec![false];
    let mut levels = 0;
    for token in tokens {
        let (now, depth) = (are_tables.last_mut(), &mut levels);
        match token {
            Token::Word(word) => match word.keyword {
                Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::JOIN
                | Keyword::CASE
                | Keyword::IS
                | Keyword::IN
                | Keyword::AT
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::RLIKE
                | Keyword::REGEXP
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::DIV
                | Keyword::XOR
                | Keyword::OVERLAPS => *depth += 1,
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::SELECT => {
                    *depth += 1;
                    now.into_iter().for_each(|now| *now = false);
                }
                Keyword::FROM => now.into_iter().for_each(|now| *now = true),
                Keyword::WHERE | Keyword::GROUP | Keyword::ORDER | Keyword::HAVING | Keyword::LIMIT => {
                    now.into_iter().for_each(|now| *now = false);
                }
                _ => {}
            },
            Token::Comma => levels += usize::from(now.is_some_and(|now| *now)),
            Token::LParen => are_tables.push(false),
            Token::RParen => drop(are_tables.pop()),
            Token::Whitespace(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Period
            | Token::SemiColon
            | Token::EOF => {}
            _ => levels += 1,
        }
    }
    levels
}
