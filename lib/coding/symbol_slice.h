/* SPDX-License-Identifier: MIT */
/* Symbols of many codes at once: of eight columns and some rows, eight bytes to a row. */
#ifndef WSIC_CODING_SYMBOL_SLICE_H
#define WSIC_CODING_SYMBOL_SLICE_H

#include "base/cpu.h"
#include "coding/form.h"

enum { WSIC_SLICE_COLUMNS = 8, WSIC_SLICE_ROWS = 64 };

/* The symbols of a form for WSIC_SLICE_ROWS rows of eight columns of codes, or of tokens: row by
 * row. Those of tokens count on from the symbols of the contexts before their own. Returns whether
 * the form has no symbol for some code: its symbol is that of the escape then. */
typedef bool wsic_symbol_slice(const int16_t *const columns[WSIC_SLICE_COLUMNS],
                               const wsic_form *form, bool tokens, uint8_t *symbols);

/* The fastest of a choice of instructions. */
wsic_symbol_slice *wsic_symbol_slice_kernel(int32_t kernels);

wsic_symbol_slice wsic_symbol_slice_c;
#if WSIC_X86
wsic_symbol_slice wsic_symbol_slice_avx2;
#endif

#endif
