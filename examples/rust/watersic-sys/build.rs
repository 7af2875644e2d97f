// SPDX-License-Identifier: MIT
//! Asks the command pkg-config where libwatersic is.
use std::env;
use std::process::Command;

fn main() {
    for name in ["PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".into());
    let answer = Command::new(&program)
        .args(["--libs", "watersic"])
        .output()
        .unwrap_or_else(|error| panic!("{program}, which says where libwatersic is: {error}"));
    if !answer.status.success() {
        panic!("{program} --libs watersic: {}", String::from_utf8_lossy(&answer.stderr));
    }
    for flag in String::from_utf8_lossy(&answer.stdout).split_whitespace() {
        match flag.split_at(flag.len().min(2)) {
            ("-L", folder) => println!("cargo:rustc-link-search=native={folder}"),
            ("-l", name) => println!("cargo:rustc-link-lib={name}"),
            _ => println!("cargo:rustc-link-arg={flag}"),
        }
    }
}
