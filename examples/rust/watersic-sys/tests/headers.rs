// SPDX-License-Identifier: MIT
//! The declarations in Rust are those of the headers.
//!
//! What the headers declare is counted in their text. Whether both sides mean the same is decided
//! by the C compiler: it gets every declaration of Rust, put into C, behind the headers. It refuses
//! a function that is declared twice with different types, and it checks constants, types and the
//! layout of structs by static assertions. Further tests change the declarations and see that each
//! change is noticed.
mod declarations;

use declarations::{check, Sources};

fn sources() -> Sources {
    Sources::read().expect("the headers and the sources of this crate")
}

/// The problems after `old` was replaced by `new` in the sources in Rust.
fn after(old: &str, new: &str) -> Vec<String> {
    let mut sources = sources();
    assert!(sources.rust.contains(old), "there is no '{old}' in the sources");
    sources.rust = sources.rust.replacen(old, new, 1);
    check(&sources)
}

/// The problems after `text` was put behind the headers.
fn with_header(text: &str) -> Vec<String> {
    let mut sources = sources();
    sources.headers.push_str(text);
    check(&sources)
}

fn assert_named(problems: &[String], name: &str) {
    assert!(problems.iter().any(|p| p.contains(name)), "'{name}' is not in {problems:#?}");
}

#[test]
fn declarations_are_those_of_the_headers() {
    let problems = check(&sources());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn there_is_something_to_compare() {
    let found = declarations::rust_names(&sources().rust);
    assert!(found.functions.len() > 140 && found.constants.len() > 90);
    assert!(found.structs.len() >= 9 && found.callbacks.len() >= 4);
}

#[test]
fn what_the_headers_add_is_missed() {
    assert_named(&with_header("WSIC_API int32_t wsic_new_function(void);\n"), "wsic_new_function");
    assert_named(&with_header("enum wsic_new {\n    WSIC_NEW_VALUE = 7\n};\n"), "WSIC_NEW_VALUE");
    assert_named(
        &with_header("typedef struct wsic_new {\n    size_t size;\n} wsic_new;\n"),
        "wsic_new",
    );
    assert_named(&with_header("typedef void (*wsic_new_function)(void *user);\n"), "wsic_new");
    assert_named(&with_header("#define WSIC_NEW_NUMBER 3\n"), "WSIC_NEW_NUMBER");
}

#[test]
fn what_rust_adds_is_refused() {
    assert_named(
        &after("pub fn wsic_version()", "pub fn wsic_invented();\n    pub fn wsic_version()"),
        "wsic_invented",
    );
}

#[test]
fn another_type_is_noticed() {
    assert_named(&after("threads: i32", "threads: u32"), "wsic_context_set_threads");
    assert_named(
        &after(
            "wsic_stats_columns(stats: *const wsic_stats) -> usize",
            "wsic_stats_columns(stats: *const wsic_stats) -> f64",
        ),
        "wsic_stats_columns",
    );
    assert_named(&after("level: i32, message", "level: u32, message"), "wsic_log_function");
    assert_named(&after("pub code_dtype: u32", "pub code_dtype: i32"), "code_dtype");
}

#[test]
fn another_layout_is_noticed() {
    let swapped = after(
        "    pub rows: usize,\n    pub columns: usize,\n",
        "    pub columns: usize,\n    pub rows: usize,\n",
    );
    assert_named(&swapped, "wsic_matrix");
    assert_named(&after("    pub dtype: u32,\n    pub reserved: u32,\n", ""), "wsic_matrix");
    assert_named(&after("    pub reserved_2: u32,\n", ""), "wsic_layer_info");
}

#[test]
fn another_number_is_noticed() {
    assert_named(&after("WSIC_RATE: i32 = 100", "WSIC_RATE: i32 = 101"), "WSIC_RATE");
    assert_named(&after("WSIC_VERSION_MINOR: u32 = 1", "WSIC_VERSION_MINOR: u32 = 9"), "MINOR");
}

/// The members that Rust laid out are where the C compiler expects them.
#[test]
fn rust_lays_structs_out_as_c() {
    use std::mem::size_of;
    use watersic_sys::*;

    assert_eq!(size_of::<wsic_matrix>(), 3 * size_of::<usize>() + 2 * size_of::<usize>() + 8);
    assert_eq!(size_of::<wsic_log_function>(), size_of::<usize>());
    let mut matrix = std::mem::MaybeUninit::<wsic_matrix>::zeroed();
    let data = 0x40 as *const std::os::raw::c_void;
    // SAFETY: the call writes the struct, of which zeros are a value, and looks at nothing else.
    let matrix = unsafe {
        wsic_matrix_init(matrix.as_mut_ptr(), size_of::<wsic_matrix>(), data, WSIC_BF16, 3, 5, 7);
        matrix.assume_init()
    };
    assert_eq!(
        (matrix.size, matrix.data as usize, matrix.rows, matrix.columns),
        (size_of::<wsic_matrix>(), 0x40, 3, 5)
    );
    assert_eq!((matrix.row_stride, matrix.dtype, matrix.reserved), (7, WSIC_BF16, 0));
}
