// SPDX-License-Identifier: MIT
//! Tests of the safe interface. They are one program, so that they are built once.
mod archives;
mod bad_input;
mod callbacks;
mod data;
mod layers;
mod reference;
mod threads;
