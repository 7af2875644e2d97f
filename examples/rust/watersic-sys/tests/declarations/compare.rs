// SPDX-License-Identifier: MIT
//! What differs between both sides.
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use super::read::{c_declaration, c_type, header_names, rust_names, signature, Names};
use super::Sources;

/// One line for each difference; none if the declarations are the same.
pub fn check(sources: &Sources) -> Vec<String> {
    let (c, rust) = (header_names(&sources.headers), rust_names(&sources.rust));
    let mut problems = Vec::new();
    compare_keys("function", &c.functions, &rust.functions, &mut problems);
    compare_keys("constant", &c.constants, &rust.constants, &mut problems);
    compare_keys("struct", &c.structs, &rust.structs, &mut problems);
    compare_keys("callback", &c.callbacks, &rust.callbacks, &mut problems);
    for (name, members) in &c.structs {
        let count = rust.structs.get(name).map_or(0, Vec::len);
        if count != members.len() {
            problems.push(format!("{name}: {} members in C, {count} in Rust", members.len()));
        }
    }
    problems.extend(compile(&program(&rust), &sources.flags));
    problems
}

fn compare_keys<V>(
    kind: &str,
    c: &BTreeMap<String, V>,
    rust: &BTreeMap<String, V>,
    problems: &mut Vec<String>,
) {
    problems.extend(
        c.keys().filter(|k| !rust.contains_key(*k)).map(|k| format!("{kind} {k}: only in C")),
    );
    problems.extend(
        rust.keys().filter(|k| !c.contains_key(*k)).map(|k| format!("{kind} {k}: only in Rust")),
    );
}

/// The declarations of Rust in C, behind the headers.
fn program(rust: &Names) -> String {
    let mut out = String::from("#include <stddef.h>\n#include <watersic/watersic.h>\n");
    for (name, text) in &rust.functions {
        let (arguments, result) = signature(text);
        out += &format!("extern {} {name}({arguments});\n", c_type(&result));
    }
    for (name, text) in &rust.callbacks {
        let mirror = c_declaration(&format!("mirror_{name}"), text);
        out += &format!("typedef {mirror};\n{}", same_type(&format!("mirror_{name}"), name, name));
    }
    for (name, value) in &rust.constants {
        out += &constant(name, value);
    }
    for (name, members) in rust.structs.iter().filter(|(_, members)| !members.is_empty()) {
        out += &structure(name, members);
    }
    out
}

fn constant(name: &str, value: &str) -> String {
    match value.strip_prefix('"') {
        Some(text) => {
            let text = text.trim_end_matches('"');
            format!(
                "_Static_assert(sizeof {name} == {}, \"{name}\");\n\
                 static const char mirror_{name}[__builtin_strcmp({name}, \"{text}\") ? -1 : 1];\n",
                text.len() + 1
            )
        }
        None => {
            // Rust divides long numbers by underscores.
            let number = value.replace("1_000_000", "1000000").replace("1_000", "1000");
            format!("_Static_assert({name} == {number}, \"{name} is {number} in Rust\");\n")
        }
    }
}

/// A struct of the same members has the same size, and each member has the same type and place.
fn structure(name: &str, members: &[String]) -> String {
    let mut fields = String::new();
    let mut checks = String::new();
    for member in members {
        let (field, rust) = member.split_once(':').expect("a member and its type");
        let field = field.trim_start_matches("r#");
        fields += &format!("    {};\n", c_declaration(field, rust));
        checks += &same_type(
            &format!("__typeof__(((struct mirror_{name} *)0)->{field})"),
            &format!("__typeof__((({name} *)0)->{field})"),
            &format!("{name}.{field}"),
        );
        checks += &format!(
            "_Static_assert(offsetof(struct mirror_{name}, {field}) == offsetof({name}, {field}), \
             \"{name}.{field} is elsewhere\");\n"
        );
    }
    format!(
        "struct mirror_{name} {{\n{fields}}};\n{checks}_Static_assert(sizeof(struct mirror_{name}) \
         == sizeof({name}), \"{name} has another size\");\n"
    )
}

fn same_type(mirror: &str, real: &str, what: &str) -> String {
    format!(
        "_Static_assert(__builtin_types_compatible_p({mirror}, {real}), \
         \"{what} has another type\");\n"
    )
}

/// The errors of the C compiler.
fn compile(program: &str, flags: &[String]) -> Vec<String> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut words = compiler.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("cc"))
        .args(words)
        .args(["-std=c11", "-fsyntax-only", "-Werror=incompatible-pointer-types", "-xc", "-"])
        .args(flags)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    child.stdin.take().unwrap().write_all(program.as_bytes()).expect("the compiler reads");
    let answer = child.wait_with_output().expect("the compiler ends");
    let text = String::from_utf8_lossy(&answer.stderr);
    let errors: Vec<String> =
        text.lines().filter(|line| line.contains("error:")).map(String::from).collect();
    assert!(answer.status.success() || !errors.is_empty(), "{compiler}: {text}");
    errors
}
