// SPDX-License-Identifier: MIT
//! What the types allow on several threads works.
use crate::data::{Data, COLUMNS, ROWS};
use std::ops::ControlFlow;
use std::sync::mpsc;
use watersic::{
    Archive, ArchiveWriter, Canceller, Context, Encoder, ErrorKind, Layer, Matrix, MatrixMut,
    Parameter, Plan, Stats,
};

fn sent<T: Send>() {}
fn shared<T: Sync>() {}

#[test]
fn types_are_what_the_headers_promise() {
    sent::<Context>();
    sent::<Stats<Context>>();
    sent::<Encoder<Context>>();
    sent::<Plan<Context>>();
    sent::<ArchiveWriter<Context>>();
    sent::<Canceller>();
    shared::<Canceller>();
    sent::<Layer<'static>>();
    shared::<Layer<'static>>();
    sent::<Archive<'static>>();
    shared::<Archive<'static>>();
}

#[test]
fn canceller_stops_another_thread() {
    let (begun, begins) = mpsc::channel();
    let context = Context::new().unwrap();
    let canceller = context.canceller();
    context
        .set_progress(move |_| {
            begun.send(()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
            ControlFlow::Continue(())
        })
        .unwrap();
    let worker = std::thread::spawn(move || {
        let data = Data::new();
        let mut encoder = Encoder::new(&context).unwrap();
        encoder.set(Parameter::Rate, 2.0).unwrap();
        encoder.run(&data.stats(&context), data.weights()).err().map(|error| error.kind())
    });
    begins.recv().unwrap();
    canceller.stop();
    assert_eq!(worker.join().unwrap(), Some(ErrorKind::Cancelled));
    // The context is gone, and its canceller still harmless.
    canceller.cancel();
    canceller.resume();
}

#[test]
fn stop_holds_until_it_is_taken_back() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (mut stats, canceller) = (data.stats(&context), context.canceller());
    let batch = Matrix::new(&data.activations[..COLUMNS], 1, COLUMNS).unwrap();
    canceller.cancel();
    stats.add(batch).unwrap();
    canceller.stop();
    assert_eq!(stats.add(batch).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(stats.add(batch).unwrap_err().kind(), ErrorKind::Cancelled);
    canceller.resume();
    stats.add(batch).unwrap();
}

#[test]
fn threads_read_one_layer_and_each_gets_its_own_message() {
    let data = Data::new();
    let layer = data.layer();
    let mut expected = vec![0f32; ROWS];
    layer.matvec(&data.activations[..COLUMNS], &mut expected).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (layer, data, expected) = (&layer, &data, &expected);
            scope.spawn(move || {
                for _ in 0..50 {
                    let mut y = vec![0f32; ROWS];
                    layer.matvec(&data.activations[..COLUMNS], &mut y).unwrap();
                    assert_eq!(&y, expected);
                    let mut row = vec![0f32; COLUMNS];
                    let row = MatrixMut::new(&mut row, 1, COLUMNS).unwrap();
                    let error = layer.dequantize(1000 + thread, row).unwrap_err();
                    assert!(error.message().contains(&format!("{}", 1000 + thread)), "{error}");
                }
            });
        }
    });
}

#[test]
fn threads_take_layers_from_one_archive() {
    let file = crate::data::Scratch::new("threads");
    let layer = Data::new().layer();
    let mut writer = ArchiveWriter::create(Context::new().unwrap(), &file.0).unwrap();
    for index in 0..8 {
        writer.add(&format!("layer {index}"), &layer).unwrap();
    }
    writer.finish().unwrap();
    let archive = Archive::open(&file.0).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (archive, layer) = (&archive, &layer);
            scope.spawn(move || {
                for round in 0..50 {
                    let taken = archive.layer((thread + round) % 8).unwrap();
                    assert_eq!(taken.bytes(), layer.bytes());
                    let error = archive.find(&format!("none {thread}")).unwrap_err();
                    assert!(error.message().contains(&format!("none {thread}")), "{error}");
                }
            });
        }
    });
}

#[test]
fn parts_are_collected_on_threads_and_merged() {
    let data = Data::new();
    let halves = data.activations.chunks(data.activations.len() / 2);
    let parts: Vec<Stats<Context>> = std::thread::scope(|scope| {
        let workers: Vec<_> = halves
            .map(|half| {
                scope.spawn(move || {
                    let mut part = Stats::new(Context::new().unwrap(), COLUMNS).unwrap();
                    let rows = half.len() / COLUMNS;
                    part.add(Matrix::new(half, rows, COLUMNS).unwrap()).unwrap();
                    part
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let context = Context::new().unwrap();
    let mut sum = Stats::new(&context, COLUMNS).unwrap();
    for part in &parts {
        sum.merge(part).unwrap();
    }
    let mut encoder = Encoder::new(&context).unwrap();
    encoder.set(Parameter::Rate, 2.0).unwrap();
    let layer = encoder.run(&sum, data.weights()).unwrap().layer;
    assert_eq!(layer.bytes(), data.layer().bytes());
}
