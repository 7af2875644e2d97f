// SPDX-License-Identifier: MIT
//! Whatever is wrong becomes an error that says what was found. What the types exclude is tested by
//! the examples in the documentation that must not compile.
use crate::data::{Data, COLUMNS, ROWS, TOKENS};
use watersic::{
    Archive, ArchiveWriter, Context, Encoder, Error, ErrorKind, Layer, Matrix, MatrixMut,
    Parameter, Plan, Problem, Share, Stats,
};

fn assert_error<T>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "'{part}' is not in '{error}'");
}

#[test]
fn shapes_of_slices() {
    let numbers = [0f32; 12];
    assert_error(Matrix::new(&numbers, 3, 5), ErrorKind::Shape, "3 x 5 on a slice of 12");
    assert_error(Matrix::new(&numbers, 2, 5), ErrorKind::Shape, "2 x 5 on a slice of 12");
    assert_error(Matrix::new(&numbers, 0, 5), ErrorKind::Shape, "0 x 5");
    assert_error(Matrix::new(&numbers, usize::MAX, 2), ErrorKind::Shape, "on a slice of 12");
    assert_error(Matrix::with_stride(&numbers, 0, 5, 5), ErrorKind::Shape, "0 x 5");
    assert_error(Matrix::with_stride(&numbers, usize::MAX, 2, 9), ErrorKind::Shape, "do not fit");
    assert_error(Matrix::with_stride(&numbers, 2, 5, 4), ErrorKind::Shape, "stride of 4");
    assert_error(Matrix::with_stride(&numbers, 3, 2, 6), ErrorKind::Shape, "slice of 12");
    assert!(Matrix::with_stride(&numbers, 3, 2, 5).is_ok(), "the last row needs no gap");
    let mut numbers = [0i8; 4];
    assert_error(MatrixMut::new(&mut numbers, 2, 3), ErrorKind::Shape, "2 x 3 on a slice of 4");
}

#[test]
fn statistics() {
    let context = Context::new().unwrap();
    let mut stats = Stats::new(&context, 4).unwrap();
    assert_error(Stats::new(&context, 0), ErrorKind::Argument, "columns");
    assert_error(stats.add(Matrix::new(&[0f32; 6], 2, 3).unwrap()), ErrorKind::Shape, "3");
    let batch = [1.0, 2.0, f64::NAN, 4.0];
    assert_error(stats.add(Matrix::new(&batch, 1, 4).unwrap()), ErrorKind::NotFinite, "2");
    let batch = Matrix::new(&[1f32; 8], 2, 4).unwrap();
    assert_error(stats.add_weighted(batch, &[1.0]), ErrorKind::Shape, "1 weights for 2 tokens");
    assert_error(stats.add_weighted(batch, &[1.0, -1.0]), ErrorKind::Argument, "-1");
    assert_error(stats.spectrum(), ErrorKind::NoSamples, "");
    assert_eq!(stats.samples(), 0.0, "nothing of all this was added");
    assert_error(stats.save("no/such/folder/file"), ErrorKind::Io, "no/such/folder");
    assert_error(stats.save("nul\0inside"), ErrorKind::Argument, "NUL at byte 3");
    assert_error(Stats::load(&context, "/dev/null"), ErrorKind::Io, "/dev/null");
}

#[test]
fn encoders() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (stats, mut encoder) = (data.stats(&context), Encoder::new(&context).unwrap());
    assert_error(encoder.report(), ErrorKind::State, "");
    assert_error(encoder.run(&stats, data.weights()), ErrorKind::State, "");
    assert_error(encoder.set(Parameter::Rate, -1.0), ErrorKind::Argument, "rate");
    assert_error(encoder.set(Parameter::Passes, 2.5), ErrorKind::Argument, "passes");
    assert_error(encoder.set(Parameter::Quantizer, "vector"), ErrorKind::Argument, "vector");
    assert_error(encoder.set_text("ratio", "1"), ErrorKind::NotFound, "ratio");
    assert_error(encoder.set_preset("best"), ErrorKind::NotFound, "best");
    encoder.set(Parameter::Rate, 2.0).unwrap();
    let narrow = Matrix::new(&data.weights, ROWS * 2, COLUMNS / 2).unwrap();
    assert_error(encoder.run(&stats, narrow), ErrorKind::Shape, "32");
    let empty = Stats::new(&context, COLUMNS).unwrap();
    assert_error(encoder.run(&empty, data.weights()), ErrorKind::NoSamples, "");
    context.set_memory_limit(Some(1000)).unwrap();
    assert_error(encoder.run(&stats, data.weights()), ErrorKind::MemoryLimit, "1000");
    context.set_memory_limit(None).unwrap();
    assert!(encoder.run(&stats, data.weights()).is_ok());
}

#[test]
fn a_target_that_cannot_be_reached_is_told() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let mut encoder = Encoder::new(&context).unwrap();
    encoder.set(Parameter::Rate, 0.05).unwrap();
    let encoded = encoder.run(&data.stats(&context), data.weights()).unwrap();
    let notice = encoded.notice.expect("the headers alone take more");
    assert!(notice.contains("0.05"), "{notice}");
    // A step is used as it is.
    encoder.set(Parameter::Rate, 0.0).unwrap();
    encoder.set(Parameter::Step, 0.01).unwrap();
    assert!(encoder.run(&data.stats(&context), data.weights()).unwrap().notice.is_none());
}

#[test]
fn plans_and_problems() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let stats = data.stats(&context);
    let mut plan = Plan::new(&context).unwrap();
    assert!(plan.is_empty());
    assert_error(plan.solve_rate(2.0), ErrorKind::State, "");
    plan.add(&stats, data.weights()).unwrap();
    assert_error(plan.layer(0), ErrorKind::State, "");
    assert_error(plan.solve_budget(Share::Equal, 3), ErrorKind::Range, "");
    plan.solve_rate(2.0).unwrap();
    assert_error(plan.layer(1), ErrorKind::Argument, "1");
    assert_error(plan.column_rates(7), ErrorKind::Argument, "7");
    assert_eq!(plan.column_rates(0).unwrap().len(), COLUMNS);
    assert_error(plan.divergence(), ErrorKind::State, "");

    let other = Context::new().unwrap();
    let mut problem = Problem::new(&other, &stats, data.weights()).unwrap();
    assert_error(plan.add_problem(&mut problem), ErrorKind::Argument, "context");
    assert_error(problem.set_dead_rows(&[ROWS]), ErrorKind::Argument, "48");
    assert_error(problem.set_mix(2.0, 0.0), ErrorKind::Argument, "");
    let outputs = data.stats(&other);
    assert_error(problem.set_outputs(&outputs), ErrorKind::Shape, "");
    assert_error(problem.set_output_diagonal(&[1.0]), ErrorKind::Shape, "1");
    assert_error(problem.set_output_diagonal(&[-1.0; ROWS]), ErrorKind::Argument, "");
}

#[test]
fn layers() {
    let layer = Data::new().layer();
    let mut weights = vec![0f32; ROWS * COLUMNS];
    assert_error(
        layer.dequantize(1, MatrixMut::new(&mut weights, ROWS, COLUMNS).unwrap()),
        ErrorKind::Argument,
        "1",
    );
    assert_error(
        layer.dequantize(0, MatrixMut::new(&mut weights, COLUMNS, ROWS).unwrap()),
        ErrorKind::Shape,
        "48",
    );
    assert_error(layer.matvec(&[0.0; 3], &mut weights[..ROWS]), ErrorKind::Shape, "x has 3");
    let x = Matrix::new(&[0f32; 2 * COLUMNS], 2, COLUMNS).unwrap();
    let mut y = [0f32; 3 * ROWS];
    assert_error(
        layer.matmul(0, x, MatrixMut::new(&mut y, 3, ROWS).unwrap()),
        ErrorKind::Shape,
        "3",
    );
    assert_error(layer.with_scales(Some(&[1.0]), None), ErrorKind::Shape, "1 row scales");
    let nan = [f32::NAN; COLUMNS];
    assert_error(layer.with_scales(None, Some(&nan)), ErrorKind::NotFinite, "");
    assert_error(Layer::from_bytes(b""), ErrorKind::Truncated, "");
    assert_error(Layer::from_bytes(&[7; 500]), ErrorKind::Format, "");
    for length in (0..layer.bytes().len()).step_by(7) {
        assert!(Layer::view(&layer.bytes()[..length]).is_err());
    }
    assert!(layer.visit(1000, |_| std::ops::ControlFlow::Continue(())).is_err());
}

#[test]
fn archives() {
    let context = Context::new().unwrap();
    assert_error(Archive::open("no/such/file"), ErrorKind::Io, "no/such/file");
    assert_error(Archive::from_bytes(&[]), ErrorKind::Truncated, "");
    assert_error(ArchiveWriter::create(&context, ""), ErrorKind::Argument, "");
    let file = crate::data::Scratch::new("bad");
    let mut writer = ArchiveWriter::create(&context, &file.0).unwrap();
    assert_error(writer.set_metadata("", "x"), ErrorKind::Argument, "");
    assert_error(writer.set_metadata("a\0b", "x"), ErrorKind::Argument, "NUL at byte 1");
    assert_error(writer.set_alignment(100), ErrorKind::Argument, "100");
    writer.finish().unwrap();
    let archive = Archive::open(&file.0).unwrap();
    assert_error(archive.layer(0), ErrorKind::Argument, "0");
    assert_error(archive.extent(3), ErrorKind::Argument, "3");
    assert_error(archive.find("nothing"), ErrorKind::NotFound, "nothing");
}

#[test]
fn waterfilling() {
    assert_error(watersic::waterfill::rate(&[], 1.0, 1.0), ErrorKind::Argument, "");
    assert_error(watersic::waterfill::rate(&[-1.0], 1.0, 1.0), ErrorKind::Argument, "");
    assert_error(watersic::waterfill::rate(&[f64::NAN], 1.0, 1.0), ErrorKind::NotFinite, "");
}

#[test]
fn contexts() {
    let context = Context::new().unwrap();
    assert_error(context.set_threads(-1), ErrorKind::Argument, "-1");
    context.set_threads(2).unwrap();
    let mut stats = Stats::new(&context, COLUMNS).unwrap();
    let batch = vec![1f32; TOKENS * COLUMNS];
    stats.add(Matrix::new(&batch, TOKENS, COLUMNS).unwrap()).unwrap();
    let (now, peak) = context.memory();
    assert!(now >= 8 * (COLUMNS * COLUMNS) as u64 && peak >= now);
}
