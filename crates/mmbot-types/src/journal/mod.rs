//! The journal of a trading session: what entered it and what it asked for, as framed records.
//!
//! What it must do: a session that is killed at any instruction leaves a journal from which every
//! acknowledged record is read back; a damaged journal never yields a wrong record. Everything here
//! is bytes in, bytes out; files are somebody else's.
//!
//! [`encode`] and [`decode`] turn a [`Record`] into bytes and back. [`Writer`] numbers records and
//! puts each into a frame with length and checksum; [`Reader`] takes frames apart and tells the
//! torn tail of a crash from damage. Codes and layouts of [`FORMAT_VERSION`] never change: a record
//! that needs another form gets another kind, or the version rises.

mod codes;
mod control;
mod control_codec;
mod decode;
mod encode;
mod error;
mod facts;
mod frame;
mod reader;
mod record;
mod rows;
mod wire;
mod writer;

pub use codes::Coded;
pub use control::{CalibrationOf, Control};
pub use decode::decode;
pub use encode::encode;
pub use error::{Fault, JournalError};
pub use facts::InstrumentFacts;
pub use frame::{FRAME_MAX, Frame};
pub use reader::{Entry, Reader, Tail};
pub use record::{FORMAT_VERSION, Header, Mode, ROWS_MAX, Record, RecordKind};
pub use writer::Writer;
