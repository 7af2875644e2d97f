// SPDX-License-Identifier: MIT
//! Codes, weights and products of a layer agree with the formulas in `watersic/layer.h`.
use crate::data::{Data, COLUMNS, ROWS, TOKENS};
use std::ops::ControlFlow;
use watersic::{Bf16, Encoder, Layer, Matrix, MatrixMut, MomentKind, Parameter, Stats, F16};

fn codes_of(layer: &Layer<'_>) -> Vec<i32> {
    let mut codes = vec![0i32; ROWS * COLUMNS];
    layer.codes(0, MatrixMut::new(&mut codes, ROWS, COLUMNS).unwrap()).unwrap();
    codes
}

#[test]
fn weights_are_scaled_codes() {
    let layer = Data::new().layer();
    let codes = codes_of(&layer);
    let mut weights = vec![0f32; ROWS * COLUMNS];
    layer.dequantize(0, MatrixMut::new(&mut weights, ROWS, COLUMNS).unwrap()).unwrap();
    for (i, row) in weights.chunks(COLUMNS).enumerate() {
        for (j, weight) in row.iter().enumerate() {
            let scaled = layer.column_scales()[j] * codes[i * COLUMNS + j] as f32;
            assert_eq!(*weight, layer.row_scales()[i] * scaled);
        }
    }
}

/// Y of the header, one fused multiply-add after the other.
fn product(layer: &Layer<'_>, x: &[f32]) -> Vec<f32> {
    let codes = codes_of(layer);
    (0..ROWS)
        .map(|i| {
            let sum = layer.column_order().iter().fold(0f32, |sum, &j| {
                let j = j as usize;
                (codes[i * COLUMNS + j] as f32).mul_add(layer.column_scales()[j] * x[j], sum)
            });
            layer.row_scales()[i] * sum
        })
        .collect()
}

#[test]
fn products_are_those_of_the_formula() {
    let data = Data::new();
    let layer = data.layer();
    let x = &data.activations[..3 * COLUMNS];
    let mut y = vec![0f32; 3 * ROWS];
    layer
        .matmul(0, Matrix::new(x, 3, COLUMNS).unwrap(), MatrixMut::new(&mut y, 3, ROWS).unwrap())
        .unwrap();
    for t in 0..3 {
        let expected = product(&layer, &x[t * COLUMNS..(t + 1) * COLUMNS]);
        assert_eq!(y[t * ROWS..(t + 1) * ROWS], expected[..]);
        let mut single = vec![0f32; ROWS];
        layer.matvec(&x[t * COLUMNS..(t + 1) * COLUMNS], &mut single).unwrap();
        assert_eq!(single, expected);
    }
}

#[test]
fn products_take_bfloat16_and_ranges_of_rows() {
    let layer = Data::new().layer();
    let x: Vec<Bf16> = (0..COLUMNS).map(|j| Bf16((0x3f80 + j) as u16)).collect();
    let floats: Vec<f32> = x.iter().map(|&x| x.into()).collect();
    let mut y = vec![-1f32; 12];
    let range = MatrixMut::with_stride(&mut y, 1, 10, 11).unwrap();
    layer.matmul(7, Matrix::new(&x, 1, COLUMNS).unwrap(), range).unwrap();
    assert_eq!(y[..10], product(&layer, &floats)[7..17]);
    assert_eq!(y[10..], [-1.0, -1.0], "what is behind the range");
}

#[test]
fn tiles_hold_all_codes() {
    let layer = Data::new().layer();
    let mut codes = vec![0i32; ROWS * COLUMNS];
    let blocks = ROWS as u64 / layer.info().block_rows.min(ROWS as u64);
    for block in 0..blocks as usize {
        layer
            .visit(block, |tile| {
                for (i, row) in tile.rows().iter().enumerate() {
                    for (j, column) in tile.columns().iter().enumerate() {
                        let at = (tile.first_row() + *row as usize) * COLUMNS + *column as usize;
                        codes[at] = tile.code(i, j);
                    }
                }
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    assert_eq!(codes, codes_of(&layer));
    let (least, greatest) = layer.code_range().unwrap();
    assert_eq!((codes.iter().min(), codes.iter().max()), (Some(&least), Some(&greatest)));
}

#[test]
fn views_and_copies_are_the_same_layer() {
    let layer = Data::new().layer();
    let mut bytes = vec![0xff];
    bytes.extend_from_slice(layer.bytes());
    let view = Layer::view(&bytes[1..]).unwrap();
    assert_eq!(view.bytes().as_ptr(), bytes[1..].as_ptr(), "nothing is copied");
    let copy = Layer::from_bytes(view.bytes()).unwrap();
    assert_eq!(copy.bytes(), layer.bytes());
    assert_eq!(codes_of(&view), codes_of(&layer));
    assert_eq!(codes_of(&copy), codes_of(&layer));
}

#[test]
fn new_scales_keep_the_codes() {
    let layer = Data::new().layer();
    let doubled: Vec<f32> = layer.column_scales().iter().map(|s| 2.0 * s).collect();
    let other = layer.with_scales(None, Some(&doubled)).unwrap();
    assert_eq!(other.column_scales(), doubled);
    assert_eq!(codes_of(&other), codes_of(&layer));
}

#[test]
fn half_precision_is_read_as_what_it_holds() {
    // All of these numbers are exact in every type.
    let exact: Vec<u16> =
        (0..8 * 4).map(|i| [0x3f80, 0x4000, 0xbf80, 0x3f00][(i + i / 9) % 4]).collect();
    let bf16: Vec<Bf16> = exact.iter().map(|&bits| Bf16(bits)).collect();
    let f16: Vec<F16> = bf16
        .iter()
        .map(|&number| match number.0 {
            0x3f80 => F16(0x3c00),
            0x4000 => F16(0x4000),
            0xbf80 => F16(0xbc00),
            _ => F16(0x3800),
        })
        .collect();
    let f64s: Vec<f64> = bf16.iter().map(|&number| f32::from(number).into()).collect();
    let moments: Vec<Vec<f64>> = vec![moment(&bf16), moment(&f16), moment(&f64s)];
    let plain: Vec<f64> = (0..16)
        .map(|at| (0..8).map(|t| f64s[4 * t + at / 4] * f64s[4 * t + at % 4]).sum::<f64>() / 8.0)
        .collect();
    for moment in moments {
        assert!(moment.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-6), "{moment:?}");
    }
}

fn moment<T: watersic::Real>(batch: &[T]) -> Vec<f64> {
    let mut stats = Stats::new(watersic::Context::new().unwrap(), 4).unwrap();
    stats.add(Matrix::new(batch, 8, 4).unwrap()).unwrap();
    let mut values = vec![0f64; 16];
    stats.moment(MomentKind::Input, MatrixMut::new(&mut values, 4, 4).unwrap()).unwrap();
    values
}

#[test]
fn statistics_are_kept_merged_and_saved() {
    let data = Data::new();
    let context = watersic::Context::new().unwrap();
    let file = crate::data::Scratch::new("stats");
    let mut stats = data.stats(&context);
    assert_eq!((stats.columns(), stats.samples()), (COLUMNS, TOKENS as f64));
    stats.save(&file.0).unwrap();
    let loaded = Stats::load(&context, &file.0).unwrap();
    let before = stats.spectrum().unwrap();
    assert!(before.windows(2).all(|pair| pair[0] >= pair[1]));
    stats.merge(&loaded).unwrap();
    assert_eq!(stats.samples(), 2.0 * TOKENS as f64);
    let after = stats.spectrum().unwrap();
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() <= 1e-9 * before[0]));
}

#[test]
fn pairs_are_told_from_plain_inputs() {
    let data = Data::new();
    let mut stats = Stats::new(watersic::Context::new().unwrap(), COLUMNS).unwrap();
    let x = Matrix::new(&data.activations, TOKENS, COLUMNS).unwrap();
    stats.add_pair(x, x, None, Some(&[1.0; TOKENS])).unwrap();
    assert!(stats.has_pairs() && stats.residual_columns() == 0);
    assert_eq!(stats.add(x).unwrap_err().kind(), watersic::ErrorKind::State);
}

#[test]
fn every_parameter_of_the_library_has_a_name_here() {
    let mut encoder = Encoder::new(watersic::Context::new().unwrap()).unwrap();
    let mut known = 0;
    for parameter in Parameter::ALL {
        let text = encoder.get_text(parameter.name()).unwrap();
        if !text.is_empty() && !parameter.summary().is_empty() {
            known += 1;
        }
        assert_eq!(Parameter::named(parameter.name()), Some(*parameter));
    }
    assert_eq!(known, unsafe { watersic_sys::wsic_parameter_count() });
    encoder.set(Parameter::Quantizer, "rdo").unwrap();
    encoder.set(Parameter::Passes, 3).unwrap();
    assert_eq!(encoder.parameters(), "passes=3 quantizer=rdo");
}

#[test]
fn presets_have_names() {
    let mut encoder = Encoder::new(watersic::Context::new().unwrap()).unwrap();
    let names: Vec<&str> = watersic::presets().collect();
    assert!(names.contains(&"paper") && names.contains(&"default"));
    assert!(names.iter().all(|name| encoder.set_preset(name).is_ok()));
}

#[test]
fn limit_is_that_of_white_noise() {
    // Equal eigenvalues: D(R) = σ² 2^(-2R).
    let distortion = watersic::waterfill::distortion(&[1.0; 7], 4.0, 3.0).unwrap();
    assert!((distortion - 4.0 / 64.0).abs() < 1e-12);
    assert!((watersic::waterfill::rate(&[1.0; 7], 4.0, distortion).unwrap() - 3.0).abs() < 1e-9);
}
