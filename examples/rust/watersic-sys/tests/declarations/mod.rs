// SPDX-License-Identifier: MIT
//! Reading declarations in Rust and in C, and having them compared by the C compiler.
mod compare;
mod read;

pub use compare::check;
pub use read::rust_names;

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

/// The text of both sides.
pub struct Sources {
    pub rust: String,
    /// All headers, without comments, one after the other.
    pub headers: String,
    /// What the C compiler needs to find them.
    pub flags: Vec<String>,
}

impl Sources {
    pub fn read() -> io::Result<Sources> {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rust = fs::read_to_string(crate_root.join("src/lib.rs"))?
            + &fs::read_to_string(crate_root.join("src/making.rs"))?
            + &fs::read_to_string(crate_root.join("src/reading.rs"))?;
        let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
        let answer = Command::new(program).args(["--cflags", "watersic"]).output()?;
        let flags: Vec<String> =
            String::from_utf8_lossy(&answer.stdout).split_whitespace().map(String::from).collect();
        let folder = flags.iter().find_map(|f| f.strip_prefix("-I")).unwrap_or("/usr/include");
        let mut names: Vec<_> = fs::read_dir(Path::new(folder).join("watersic"))?
            .map(|entry| entry.map(|e| e.path()))
            .collect::<Result<_, _>>()?;
        names.sort();
        let mut headers = String::new();
        for name in names.iter().filter(|n| n.extension().map_or(false, |e| e == "h")) {
            headers.push_str(&read::without_comments(&fs::read_to_string(name)?));
        }
        Ok(Sources { rust, headers, flags })
    }
}
