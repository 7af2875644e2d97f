// SPDX-License-Identifier: MIT
//! Reading layers: number types, layers, decoding, archives, versions.
use crate::*;
use std::os::raw::{c_char, c_void};

extern "C" {
    // base.h
    pub fn wsic_status_name(status: wsic_status) -> *const c_char;
    pub fn wsic_status_text(status: wsic_status) -> *const c_char;
    pub fn wsic_dtype_size(dtype: u32) -> usize;
    pub fn wsic_dtype_name(dtype: u32) -> *const c_char;
    pub fn wsic_matrix_init(
        matrix: *mut wsic_matrix,
        struct_size: usize,
        data: *const c_void,
        dtype: u32,
        rows: usize,
        columns: usize,
        row_stride: usize,
    );

    // layer.h
    pub fn wsic_layer_destroy(layer: *mut wsic_layer);
    pub fn wsic_layer_message(layer: *const wsic_layer) -> *const c_char;
    pub fn wsic_layer_get_info(layer: *const wsic_layer, info: *mut wsic_layer_info)
        -> wsic_status;
    pub fn wsic_layer_get_codes(
        layer: *const wsic_layer,
        first_row: usize,
        codes: *mut wsic_matrix,
    ) -> wsic_status;
    pub fn wsic_layer_get_codes_flat(
        layer: *const wsic_layer,
        first_row: usize,
        data: *mut c_void,
        dtype: u32,
        rows: usize,
        row_stride: usize,
    ) -> wsic_status;
    pub fn wsic_layer_get_code_range(
        layer: *const wsic_layer,
        least: *mut i32,
        greatest: *mut i32,
    ) -> wsic_status;
    pub fn wsic_layer_row_scales(layer: *const wsic_layer) -> *const f32;
    pub fn wsic_layer_column_scales(layer: *const wsic_layer) -> *const f32;
    pub fn wsic_layer_dequantize(
        layer: *const wsic_layer,
        first_row: usize,
        weights: *mut wsic_matrix,
    ) -> wsic_status;
    pub fn wsic_layer_dequantize_flat(
        layer: *const wsic_layer,
        first_row: usize,
        data: *mut c_void,
        dtype: u32,
        rows: usize,
        row_stride: usize,
    ) -> wsic_status;
    pub fn wsic_layer_matmul(
        layer: *const wsic_layer,
        first_row: usize,
        x: *const wsic_matrix,
        y: *mut wsic_matrix,
    ) -> wsic_status;
    pub fn wsic_layer_matmul_flat(
        layer: *const wsic_layer,
        first_row: usize,
        rows: usize,
        tokens: usize,
        x: *const c_void,
        x_dtype: u32,
        x_row_stride: usize,
        y: *mut f32,
        y_row_stride: usize,
    ) -> wsic_status;
    pub fn wsic_layer_matvec(layer: *const wsic_layer, x: *const f32, y: *mut f32) -> wsic_status;
    pub fn wsic_layer_column_order(layer: *const wsic_layer) -> *const u32;
    pub fn wsic_layer_create_with_scales(
        layer: *const wsic_layer,
        row_scales: *const f32,
        column_scales: *const f32,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_layer_get_bytes(
        layer: *const wsic_layer,
        bytes: *mut *const c_void,
        size: *mut usize,
    ) -> wsic_status;
    pub fn wsic_layer_create(
        context: *mut wsic_context,
        bytes: *const c_void,
        size: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_layer_create_view(
        context: *mut wsic_context,
        bytes: *const c_void,
        size: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;

    // decode.h
    pub fn wsic_layer_get_workspace_size(
        job: *const wsic_layer_job,
        bytes: *mut usize,
    ) -> wsic_status;
    pub fn wsic_layer_run(
        job: *const wsic_layer_job,
        workspace: *mut c_void,
        bytes: usize,
    ) -> wsic_status;
    pub fn wsic_layers_get_workspace_size(
        context: *mut wsic_context,
        jobs: *const wsic_layer_job,
        count: usize,
        threads: i32,
        bytes: *mut usize,
    ) -> wsic_status;
    pub fn wsic_layers_run(
        context: *mut wsic_context,
        jobs: *const wsic_layer_job,
        count: usize,
        threads: i32,
        workspace: *mut c_void,
        bytes: usize,
    ) -> wsic_status;
    pub fn wsic_layer_visit(
        layer: *const wsic_layer,
        block: usize,
        function: wsic_tile_function,
        user: *mut c_void,
        workspace: *mut c_void,
        bytes: usize,
    ) -> wsic_status;
    pub fn wsic_layer_visit_workspace_size(layer: *const wsic_layer) -> usize;

    // archive.h
    pub fn wsic_archive_writer_create(
        context: *mut wsic_context,
        path: *const c_char,
        out: *mut *mut wsic_archive_writer,
    ) -> wsic_status;
    pub fn wsic_archive_writer_resume(
        context: *mut wsic_context,
        path: *const c_char,
        out: *mut *mut wsic_archive_writer,
    ) -> wsic_status;
    pub fn wsic_archive_writer_set_alignment(
        writer: *mut wsic_archive_writer,
        alignment: u64,
    ) -> wsic_status;
    pub fn wsic_archive_writer_alignment(writer: *const wsic_archive_writer) -> u64;
    pub fn wsic_archive_writer_destroy(writer: *mut wsic_archive_writer);
    pub fn wsic_archive_writer_message(writer: *const wsic_archive_writer) -> *const c_char;
    pub fn wsic_archive_writer_set_metadata(
        writer: *mut wsic_archive_writer,
        key: *const c_char,
        value: *const c_char,
    ) -> wsic_status;
    pub fn wsic_archive_writer_add(
        writer: *mut wsic_archive_writer,
        name: *const c_char,
        layer: *const wsic_layer,
    ) -> wsic_status;
    pub fn wsic_archive_writer_size(
        writer: *const wsic_archive_writer,
        name: *const c_char,
        layer_bytes: u64,
    ) -> u64;
    pub fn wsic_archive_writer_count(writer: *const wsic_archive_writer) -> usize;
    pub fn wsic_archive_writer_name(
        writer: *const wsic_archive_writer,
        index: usize,
    ) -> *const c_char;
    pub fn wsic_archive_writer_load_layer(
        writer: *const wsic_archive_writer,
        index: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_archive_writer_metadata(
        writer: *const wsic_archive_writer,
        key: *const c_char,
    ) -> *const c_char;
    pub fn wsic_archive_writer_finish(writer: *mut wsic_archive_writer) -> wsic_status;
    pub fn wsic_archive_open(
        context: *mut wsic_context,
        path: *const c_char,
        out: *mut *mut wsic_archive,
    ) -> wsic_status;
    pub fn wsic_archive_open_memory(
        context: *mut wsic_context,
        bytes: *const c_void,
        size: usize,
        out: *mut *mut wsic_archive,
    ) -> wsic_status;
    pub fn wsic_archive_close(archive: *mut wsic_archive);
    pub fn wsic_archive_message(archive: *const wsic_archive) -> *const c_char;
    pub fn wsic_archive_size(archive: *const wsic_archive) -> u64;
    pub fn wsic_archive_count(archive: *const wsic_archive) -> usize;
    pub fn wsic_archive_name(archive: *const wsic_archive, index: usize) -> *const c_char;
    pub fn wsic_archive_find(
        archive: *const wsic_archive,
        name: *const c_char,
        index: *mut usize,
    ) -> wsic_status;
    pub fn wsic_archive_load_layer(
        archive: *const wsic_archive,
        index: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_archive_view_layer(
        archive: *mut wsic_archive,
        index: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_archive_get_extent(
        archive: *const wsic_archive,
        index: usize,
        offset: *mut u64,
        size: *mut u64,
    ) -> wsic_status;
    pub fn wsic_archive_alignment(archive: *const wsic_archive) -> u64;
    pub fn wsic_archive_metadata_count(archive: *const wsic_archive) -> usize;
    pub fn wsic_archive_metadata_key(archive: *const wsic_archive, index: usize) -> *const c_char;
    pub fn wsic_archive_metadata(archive: *const wsic_archive, key: *const c_char)
        -> *const c_char;

    // version.h
    pub fn wsic_version() -> *const c_char;
    pub fn wsic_version_number() -> u32;
    pub fn wsic_api_version() -> u32;
}
