"""The registry of error codes: what each one means and what the operator does about it.

A code is never renamed and never used for anything else. `tests/tidy` fails when the library names
a code that is not here. Codes starting with ``W_`` are warnings: printed, never raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ERROR_CODES", "ErrorCode"]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code: `meaning` in half a sentence, `remedy` as an instruction."""

    meaning: str
    remedy: str


_CONFIG = {
    "E_CFG_PARSE": ErrorCode(
        "a configuration file is not valid YAML or JSON", "correct the file at the position named"
    ),
    "E_CFG_MISSING": ErrorCode("a file or required key is missing", "create it or give its path"),
    "E_CFG_UNKNOWN_KEY": ErrorCode("a key is not in the schema", "correct its spelling"),
    "E_CFG_TYPE": ErrorCode("a value has the wrong type or form", "give it in the form named"),
    "E_CFG_RANGE": ErrorCode("a value is outside its range", "choose a value inside the range"),
    "E_CFG_UNIT": ErrorCode("a numeric key has no unit suffix", "add the suffix of its unit"),
    "E_CFG_CONFLICT": ErrorCode("two keys or layers contradict each other", "remove one of them"),
    "E_CFG_INVARIANT": ErrorCode("keys do not fit each other", "change one of the keys named"),
    "E_CFG_IMMUTABLE": ErrorCode("a fixed key was to be changed at run time", "restart with it"),
    "E_CFG_SECRET": ErrorCode(
        "a secret is missing or stands in a file", "give it by environment or secret file"
    ),
    "E_CFG_THROTTLE": ErrorCode("throttle settings do not fit each other", "correct the key named"),
    "E_CFG_RUNTIME_OVERRIDES": ErrorCode(
        "the runtime overrides cannot be read", "correct or remove the file or variable"
    ),
    "E_CFG_ARTIFACTS_DIR": ErrorCode(
        "the artifacts directory cannot be written", "free it or set ARTIFACTS_DIR"
    ),
    "E_PROFILE_NOT_FOUND": ErrorCode("there is no profile of that name", "choose one that exists"),
    "E_PROFILE_PARSE": ErrorCode("a profile file cannot be read", "correct the file"),
    "E_PROFILE_KEY": ErrorCode("a profile sets a key it may not set", "remove the key"),
    "E_PROFILE_AMBIGUOUS": ErrorCode("two profiles match the name", "give the full name"),
    "W_CFG_LEGACY": ErrorCode("a key has an old name", "use the new name"),
}

_DATA = {
    "E_MD_FRAME": ErrorCode("a market data frame or row is malformed", "import the data again"),
    "E_MD_GAP": ErrorCode("updates of a book are missing", "none: the book waits for a snapshot"),
    "E_MD_CROSSED": ErrorCode("best bid is not below best ask", "none: the book is rebuilt"),
    "E_MD_STALE": ErrorCode("a book has not been updated for too long", "check the connection"),
    "E_MD_CLOCK": ErrorCode("time moved backwards", "check the clock and the order of the files"),
    "E_REC_WRITE": ErrorCode("recorded data cannot be written", "free space; data stays queued"),
    "E_REC_IMPORT": ErrorCode(
        "an imported line is unusable", "see the quarantine file for the lines and reasons"
    ),
    "E_REC_FRAMES": ErrorCode(
        "a capture of frames cannot be read", "name a directory or a segment that was recorded"
    ),
    "E_SUM_VERSION": ErrorCode(
        "an hourly summary has an unknown schema version", "upgrade mmbot or leave the file out"
    ),
    "E_SUM_WINDOW": ErrorCode(
        "an hourly summary does not say its hour", "set hour_utc in the file"
    ),
    "E_SUM_INVALID": ErrorCode(
        "an hourly summary breaks its schema", "see `mmbot data summaries validate` for all errors"
    ),
    "E_SUM_LOCK": ErrorCode(
        "another writer holds the lock of a summary", "stop it, or remove the lock if it is dead"
    ),
    "E_BT_SOURCE": ErrorCode("the backtest has no usable data source", "give exactly one source"),
    "E_BT_LOADER": ErrorCode("an input line of the backtest is bad", "correct or skip the line"),
    "E_BT_ARGS": ErrorCode("the options of a run do not fit together", "change the option named"),
    "E_BT_BAD_RANGE": ErrorCode("the time range is empty or reversed", "give from before to"),
    "E_BT_NO_DATA": ErrorCode("there is no data in the time range", "choose another range"),
    "E_BT_NONDETERMINISTIC": ErrorCode(
        "two equal runs differ", "report it with the command: this is a defect"
    ),
    "E_BT_WF_ARGS": ErrorCode(
        "the lengths of walk-forward windows are not positive", "give lengths above 0"
    ),
    "E_BT_WF_NO_WINDOWS": ErrorCode(
        "no walk-forward window fits into the data", "shorten train or test, or give more data"
    ),
    "E_TUNE_GRID": ErrorCode("a parameter grid is unusable", "correct the key named"),
    "E_CALIB_KEY": ErrorCode("a calibration parameter has an unknown name", "correct its name"),
    "E_CALIB_RANGE": ErrorCode("a calibration parameter is out of range", "correct its value"),
    "E_EDGE_IO": ErrorCode("an input of the edge report cannot be read", "check the path"),
}

_RUNTIME = {
    "E_ADMIN_REQUEST": ErrorCode(
        "a request to the admin API is refused; the detail is the reason in its answer",
        "correct the field that the reason names",
    ),
    "E_STORE_NONFINITE": ErrorCode(
        "a value to be stored is NaN or infinite", "report it with the path: this is a defect"
    ),
    "E_STORE_TYPE": ErrorCode(
        "a value cannot be stored in this form", "report it with the path: this is a defect"
    ),
    "E_STORE_DISK": ErrorCode("a file cannot be read or written", "free space or permissions"),
    "E_STORE_LAG": ErrorCode(
        "the store is too far behind the journal; quoting pauses until it has caught up",
        "look after the database that storage.url names",
    ),
    "E_ALLOC_INPUT": ErrorCode(
        "the allocator was given a value it cannot use", "correct what feeds it; the last one holds"
    ),
    "E_STORE_JOURNAL": ErrorCode(
        "a journal is damaged or cannot be written",
        "keep the file named; start a new session when the disk is well",
    ),
    "E_STORE_BUDGET": ErrorCode(
        "the rate budget shared through Redis cannot be reached; own share is used",
        "bring Redis back; nothing is lost meanwhile",
    ),
    "E_STORE_SCHEMA": ErrorCode(
        "the tables of the SQL store are of another version; the detail is theirs and ours",
        "run `mmbot db upgrade`, or update mmbot if the store is newer",
    ),
    "E_STORE_SQL": ErrorCode(
        "the SQL store cannot be reached, or refuses",
        "see that the database runs and storage.url is right; nothing is lost, journals keep it",
    ),
    "E_FINOPS_LEDGER_INPUT": ErrorCode(
        "a line of trades, prices or cash flows is unusable; the detail is file and line",
        "correct the line; nothing was written",
    ),
    "E_FINOPS_LEDGER_REBATE_SIGN": ErrorCode(
        "a rebate is negative; the detail is the line",
        "give rebates as credits of 0 or more, a negative fee_bps for a rebate instead of a fee",
    ),
    "E_FINOPS_LEDGER_IDENTITY": ErrorCode(
        "cash and marked positions do not add up to the equity of the ledger",
        "report it with the input: this is a defect",
    ),
    "E_WHY_MISMATCH": ErrorCode(
        "replaying the journal leads to another request than the one that was sent",
        "run `mmbot replay`; keep the journal and report it with the version that wrote it",
    ),
    "E_EXEC_FATAL": ErrorCode(
        "an invariant of the core is broken; quoting has stopped", "keep the journal, report it"
    ),
    "E_EXEC_REJECTS": ErrorCode(
        "the venue refuses orders of a symbol again and again for one reason; it is parked",
        "look the venue's code up and remove its cause; one order a minute tries again",
    ),
    "E_EXEC_STOP_ORDERS": ErrorCode(
        "orders could not be confirmed gone at the stop",
        "look at the venue; `mmbot reconcile` shows them, a new session cancels them",
    ),
    "E_OPS_LIVE_REFUSED": ErrorCode(
        "live trading is not started; the detail says why",
        "give --i-understand-live, or stop the session that runs",
    ),
    "E_OPS_NO_SESSION": ErrorCode("there is no running session of that kind", "see `mmbot status`"),
    "E_STORE_POSITION_MISMATCH": ErrorCode(
        "the venue's position is not the sum of fills; the symbol is paused",
        "see `mmbot reconcile`, book the difference with --apply",
    ),
    "E_EXEC_STRATEGY": ErrorCode("a user's strategy failed", "correct it at the line named"),
    "E_RISK_KILL": ErrorCode("the kill switch is on", "find the cause before resuming"),
    "E_SIM_CANARY": ErrorCode(
        "a planted defect was not found: the fault world is blind", "report it with the command"
    ),
    "E_SIM_IDENTITY": ErrorCode(
        "engine and exchange disagree about money or position", "report it with the command"
    ),
    "E_VENUE_ACCOUNT": ErrorCode(
        "the account is set up in a way that cannot be traded", "change its settings at the venue"
    ),
    "E_VENUE_CALL": ErrorCode(
        "a call to the venue failed; the detail is its code or how it ended",
        "see the code in the venue's documentation",
    ),
    "E_VENUE_FOREIGN": ErrorCode(
        "an order of somebody else was to be touched", "check MM_ENV and ha_failover.lock_key"
    ),
    "E_VENUE_GRID": ErrorCode(
        "a price or quantity of the venue is off its own grid", "load the instruments again"
    ),
    "E_VENUE_INCOMPLETE": ErrorCode(
        "an answer of the venue did not come to an end", "report it with the exchange's name"
    ),
    "E_VENUE_SYMBOL": ErrorCode(
        "the venue does not trade this symbol", "see the venue's list; check the market type"
    ),
    "E_VENUE_PORT": ErrorCode("the local exchange's port is in use", "choose another port"),
}

_SOAK = {
    "E_SOAK_ARGS": ErrorCode("the options of a soak run do not fit", "change the option named"),
    "E_SOAK_LOCKED": ErrorCode("another soak run is going on", "wait for it, or stop it"),
    "E_SOAK_ENGINE": ErrorCode(
        "the engine of a soak run failed twice in a row", "see its journal; --resume goes on"
    ),
    "E_SOAK_AUDIT_NO_DATA": ErrorCode("no iteration was recorded", "give the run's directory"),
    "E_SOAK_RADAR_BUCKET": ErrorCode(
        "the buckets of a report have another width", "make the report with --bucket-min"
    ),
    "E_ADMIN_PORT": ErrorCode("the port is in use", "choose another with --port"),
    "E_SOAK_ROLLUP_NO_DATA": ErrorCode("there is no daily report", "run soak daily-report first"),
}

ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType({**_CONFIG, **_DATA, **_RUNTIME, **_SOAK})
