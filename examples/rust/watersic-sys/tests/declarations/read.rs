// SPDX-License-Identifier: MIT
//! The names that either side declares, and the declarations of Rust as C.
use std::collections::BTreeMap;

/// Names, and what belongs to each: a signature, a value, or the members of a struct.
#[derive(Default)]
pub struct Names {
    pub functions: BTreeMap<String, String>,
    pub constants: BTreeMap<String, String>,
    pub structs: BTreeMap<String, Vec<String>>,
    pub callbacks: BTreeMap<String, String>,
}

/// C without comments of either kind.
pub fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("/*") {
        out.push_str(&rest[..begin]);
        let end = rest[begin..].find("*/").map_or(rest.len(), |n| begin + n + 2);
        rest = &rest[end..];
    }
    out + rest
}

/// The pieces of `text` behind `begin`, each up to the next `end`.
fn pieces<'t>(text: &'t str, begin: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(begin).skip(1).filter_map(move |piece| piece.split(end).next())
}

/// The first word of C's or Rust's letters.
fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// One line with single spaces.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn header_names(text: &str) -> Names {
    let mut names = Names::default();
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#define WSIC_") {
            // Version numbers count; attributes of functions and guards of headers do not.
            let name = format!("WSIC_{}", word(rest));
            if name.contains("VERSION") || name.contains("NUMBER") {
                names.constants.insert(name, String::new());
            }
        } else if line.starts_with("WSIC_") && line.contains(" = ") {
            names.constants.insert(word(line), String::new());
        }
    }
    for piece in pieces(text, "WSIC_API ", ";") {
        let head = piece.split('(').next().unwrap_or("");
        let name = head.rsplit(|c: char| c.is_whitespace() || c == '*').next().unwrap_or("");
        // Others follow the definitions of WSIC_API itself.
        if name.starts_with("wsic_") {
            names.functions.insert(name.into(), String::new());
        }
    }
    for piece in pieces(text, "typedef struct wsic_", ";\n") {
        let name = format!("wsic_{}", word(piece));
        let begin = format!("typedef struct {name} {{");
        let body = pieces(text, &begin, "\n}").next();
        let members = body.map_or(Vec::new(), |body| {
            body.split(';').map(joined).filter(|member| !member.is_empty()).collect()
        });
        names.structs.insert(name, members);
    }
    for piece in pieces(text, "(*wsic_", ")") {
        names.callbacks.insert(format!("wsic_{piece}"), String::new());
    }
    names
}

pub fn rust_names(text: &str) -> Names {
    let mut names = Names::default();
    for piece in pieces(text, "pub const ", ";") {
        let value = piece.split('=').nth(1).unwrap_or("");
        names.constants.insert(word(piece), joined(value));
    }
    for piece in pieces(text, "pub fn ", ";") {
        names.functions.insert(word(piece), joined(&piece[word(piece).len()..]));
    }
    for piece in pieces(text, "opaque!(", ")") {
        if piece.starts_with("wsic_") {
            names.structs.insert(piece.into(), Vec::new());
        }
    }
    for piece in pieces(text, "pub struct wsic_", "\n}") {
        let body = piece.split_once('{').map_or("", |(_, body)| body);
        let members = body.split("pub ").skip(1).map(|m| joined(m).trim_end_matches(',').into());
        names.structs.insert(format!("wsic_{}", word(piece)), members.collect());
    }
    for piece in pieces(text, "pub type ", ";") {
        if piece.contains("fn(") {
            let (_, signature) = piece.split_once('=').unwrap_or(("", ""));
            names.callbacks.insert(word(piece), joined(signature));
        }
    }
    names
}

/// `c_declaration("x", "*const f64")` is `const double *x`.
pub fn c_declaration(name: &str, rust: &str) -> String {
    let rust = rust.trim();
    if rust.contains("fn(") {
        let (arguments, result) = signature(&rust[rust.find("fn").unwrap() + 2..]);
        return format!("{} (*{name})({arguments})", c_type(&result));
    }
    format!("{} {name}", c_type(rust))
}

/// Arguments and result in C of `(a: i32, b: f64) -> i32`, whatever follows.
pub fn signature(rust: &str) -> (String, String) {
    let (inside, rest) = in_parentheses(rust);
    let arguments: Vec<String> = at_commas(inside)
        .iter()
        .filter_map(|argument| argument.split_once(':'))
        .map(|(name, rust)| c_declaration(name.trim(), rust))
        .collect();
    let arguments = if arguments.is_empty() { "void".into() } else { arguments.join(", ") };
    let result = rest.trim().strip_prefix("->").map_or("c_void", str::trim);
    (arguments, result.trim_end_matches([',', '>']).trim().into())
}

/// What is in the parentheses that `text` begins with, and what is behind them.
fn in_parentheses(text: &str) -> (&str, &str) {
    let begin = text.find('(').expect("an argument list");
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        depth += (letter == '(') as i32 - (letter == ')') as i32;
        if letter == ')' && depth == 0 {
            return (&text[begin + 1..at], &text[at + 1..]);
        }
    }
    panic!("unbalanced parentheses: {text}")
}

/// Parts between commas that are in no parentheses.
fn at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        depth += (letter == '(') as i32 - (letter == ')') as i32;
        if letter == ',' && depth == 0 {
            parts.push(&text[begin..at]);
            begin = at + 1;
        }
    }
    parts.push(&text[begin..]);
    parts
}

pub fn c_type(rust: &str) -> String {
    let rust = rust.trim();
    if let Some(target) = rust.strip_prefix("*const ") {
        return format!("{} const *", c_type(target));
    }
    if let Some(target) = rust.strip_prefix("*mut ") {
        return format!("{} *", c_type(target));
    }
    match rust {
        "usize" => "size_t".into(),
        "i8" | "i32" | "i64" => format!("int{}_t", &rust[1..]),
        "u8" | "u32" | "u64" => format!("uint{}_t", &rust[1..]),
        "f64" => "double".into(),
        "f32" => "float".into(),
        "c_void" => "void".into(),
        "c_char" => "char".into(),
        name if name.starts_with("wsic_") => name.into(),
        other => panic!("no type of C is known for '{other}'"),
    }
}
