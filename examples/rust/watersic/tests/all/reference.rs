// SPDX-License-Identifier: MIT
//! Bytes are those that the program in C writes for the same input.
use crate::data::{Data, Scratch};
use watersic::{Archive, ArchiveWriter, Context, Encoder, Parameter, Plan, Problem, Share};

/// The archive of `examples/bindings/reference.c`.
fn reference() -> Vec<u8> {
    let path = std::env::var("WATERSIC_REFERENCE")
        .expect("WATERSIC_REFERENCE is the file that examples/bindings/reference.c has written");
    std::fs::read(path).expect("the reference can be read")
}

fn write(path: &std::path::Path) -> watersic::Result<()> {
    let data = Data::new();
    let context = Context::new()?;
    let stats = data.stats(&context);
    let mut encoder = Encoder::new(&context)?;
    let mut writer = ArchiveWriter::create(&context, path)?;
    writer.set_metadata("purpose", "reference")?;

    encoder.set(Parameter::Rate, 2.0)?;
    writer.add("plain", &encoder.run(&stats, data.weights())?.layer)?;

    let mut problem = Problem::new(&context, &stats, data.weights())?;
    problem.set_dead_rows(&[5])?;
    encoder.set_preset("fast")?;
    encoder.set(Parameter::Rate, 3.0)?;
    writer.add("problem", &encoder.run_problem(&mut problem)?.layer)?;

    encoder.set_preset("default")?;
    let mut plan = Plan::new(&context)?;
    plan.add(&stats, data.weights())?;
    plan.add(&stats, data.others())?;
    plan.solve_budget(Share::Waterfill, 1600)?;
    for (index, weights) in [data.weights(), data.others()].into_iter().enumerate() {
        encoder.set_plan(&plan, index)?;
        let layer = encoder.run(&stats, weights)?.layer;
        plan.commit(index, layer.bytes().len() as u64)?;
        writer.add(&format!("planned.{index}"), &layer)?;
    }
    writer.finish()
}

#[test]
fn archive_has_the_bytes_of_c() {
    let file = Scratch::new("reference");
    write(&file.0).unwrap();
    let (expected, found) = (reference(), std::fs::read(&file.0).unwrap());
    let (c, rust) = (Archive::from_bytes(&expected).unwrap(), Archive::from_bytes(&found).unwrap());
    assert!(c.names().eq(["plain", "problem", "planned.0", "planned.1"]));
    for (index, name) in c.names().enumerate() {
        assert_eq!(
            c.layer(index).unwrap().bytes(),
            rust.layer(index).unwrap().bytes(),
            "layer {name}"
        );
    }
    assert!(expected == found, "the archives differ, though their layers do not");
}

#[test]
fn budget_is_met() {
    let bytes = reference();
    let archive = Archive::from_bytes(&bytes).unwrap();
    let sizes: u64 = (2..4).map(|index| archive.layer(index).unwrap().info().bytes).sum();
    assert!((1560..=1616).contains(&sizes), "{sizes} bytes of 1600");
}

#[test]
fn outputs_that_count_alike_change_nothing() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (stats, diagonal) = (data.stats(&context), [3.0; crate::data::ROWS]);
    let mut encoder = Encoder::new(&context).unwrap();
    encoder.set(Parameter::Rate, 3.0).unwrap();
    let mut problem = Problem::new(&context, &stats, data.weights()).unwrap();
    let plain = encoder.run_problem(&mut problem).unwrap().layer;
    problem.set_output_diagonal(&diagonal).unwrap();
    assert_eq!(encoder.run_problem(&mut problem).unwrap().layer.bytes(), plain.bytes());
    assert!(encoder.report().unwrap().divergence > 0.0);
    problem.clear_outputs().unwrap();
    encoder.run_problem(&mut problem).unwrap();
    assert_eq!(encoder.report().unwrap().divergence, 0.0);
}
