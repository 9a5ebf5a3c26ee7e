//! The thin part around the core: what turns rows into decisions, decisions into rows, and rows into mail.
//!
//! Three steps, each callable alone so that the simulator, the demo, the command line and the
//! daemon's tasks run the same code: `engine` decides, `sender` hands mail over, `receiver` takes it in.

pub mod alarm;
mod carry;
pub mod compose;
pub mod confine;
pub mod control;
pub mod doubt;
pub mod edge;
pub mod engine;
pub mod guard;
pub mod health;
pub mod housekeeping;
pub mod inbound;
pub mod lock;
pub mod notify;
mod pace;
pub mod ports;
pub mod receiver;
pub mod rehearsal;
pub mod reload;
mod rows;
pub mod run;
pub mod sender;
pub mod trouble;
pub mod verify;
pub mod watch;

pub use compose::{ComposeError, Composer, LOCAL_FOR_PLUS, Sender};
pub use engine::{Engine, EngineError, Kit, Story};
pub use ports::{Clock, Ids, Incoming, Outgoing, SentMail, Shared, shared};
pub use receiver::receiver_step;
pub use sender::{Crew, Pace, SenderStep, sender_step};
pub use verify::Prover;
