//! Gives every build of the decision a number: a hash of its sources. State that was written by one
//! build is read by the same one only.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "runs while the crate is built, not in it; cargo reads what it prints"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What decides how state is laid out and what it leads to.
const SOURCES: [&str; 3] = ["src", "../mmbot-book/src", "../mmbot-types/src"];
/// Versions of what others wrote; absent where only the crates are there.
const LOCK: &str = "../../Cargo.lock";

fn main() -> Result<(), Box<dyn Error>> {
    let mut hash = fnv(0xcbf2_9ce4_8422_2325, env!("CARGO_PKG_VERSION").as_bytes());
    for root in SOURCES {
        println!("cargo:rerun-if-changed={root}");
        let mut files = Vec::new();
        collect(Path::new(root), &mut files)?;
        files.sort();
        for file in files {
            hash = fnv(hash, file.to_string_lossy().as_bytes());
            hash = fnv(hash, &fs::read(file)?);
        }
    }
    if Path::new(LOCK).exists() {
        println!("cargo:rerun-if-changed={LOCK}");
        hash = fnv(hash, &fs::read(LOCK)?);
    }
    println!("cargo:rustc-env=MMBOT_STATE_BUILD={hash:016x}");
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// FNV-1a.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(hash, step)
}
