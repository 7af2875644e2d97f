// SPDX-License-Identifier: MIT
//! Closures: progress, log, cancelling, panics, and calls that are not allowed.
use crate::data::Data;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use watersic::{Context, ContextRef, Encoder, ErrorKind, LogLevel, Parameter, Plan, Result, Stats};

fn encoder<C: ContextRef>(context: C) -> Encoder<C> {
    let mut encoder = Encoder::new(context).unwrap();
    encoder.set(Parameter::Rate, 2.0).unwrap();
    encoder
}

#[test]
fn progress_never_falls_and_ends_at_one() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    context
        .set_progress(move |progress| {
            seen.lock().unwrap().push((progress.fraction, progress.stage.to_string()));
            ControlFlow::Continue(())
        })
        .unwrap();
    encoder(&context).run(&data.stats(&context), data.weights()).unwrap();
    let reports = reports.lock().unwrap();
    assert!(reports.len() > 2 && reports.iter().all(|(_, stage)| !stage.is_empty()));
    assert!(reports.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    assert_eq!(reports.last().unwrap().0, 1.0);
}

#[test]
fn closure_cancels_and_everything_stays_usable() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (stats, mut encoder) = (data.stats(&context), encoder(&context));
    let expected = encoder.run(&stats, data.weights()).unwrap().layer;
    context.set_progress(|_| ControlFlow::Break(())).unwrap();
    let error = encoder.run(&stats, data.weights()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    context.clear_progress().unwrap();
    assert_eq!(encoder.run(&stats, data.weights()).unwrap().layer.bytes(), expected.bytes());
}

/// What a panic says.
fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    panic.downcast_ref::<&str>().map_or("something else".into(), |text| text.to_string())
}

#[test]
fn panic_goes_on_after_the_call() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (stats, mut encoder) = (data.stats(&context), encoder(&context));
    context.set_progress(|_| panic!("in the progress")).unwrap();
    let run = catch_unwind(AssertUnwindSafe(|| encoder.run(&stats, data.weights())));
    assert_eq!(said(run.unwrap_err()), "in the progress");
    context.clear_progress().unwrap();
    assert!(encoder.run(&stats, data.weights()).is_ok(), "the context can be used again");
}

#[test]
fn panic_in_the_log_goes_on_after_the_call_and_releases_the_layer() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let (stats, mut encoder) = (data.stats(&context), encoder(&context));
    let before = context.memory().0;
    context.set_log(LogLevel::Debug, |_, _| panic!("in the log")).unwrap();
    let run = catch_unwind(AssertUnwindSafe(|| encoder.run(&stats, data.weights())));
    assert_eq!(said(run.unwrap_err()), "in the log");
    assert!(context.memory().0 <= before + 4096, "{} bytes are left", context.memory().0 - before);
}

#[test]
fn log_says_something() {
    let (data, context) = (Data::new(), Context::new().unwrap());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    context
        .set_log(LogLevel::Info, move |level, line| {
            seen.lock().unwrap().push((level, line.to_string()));
        })
        .unwrap();
    encoder(&context).run(&data.stats(&context), data.weights()).unwrap();
    let lines = lines.lock().unwrap();
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|(level, line)| *level <= LogLevel::Info && !line.is_empty()));
}

thread_local! {
    /// The way around the types by which a closure could reach its own context.
    static HIDDEN: RefCell<Option<Rc<Context>>> = const { RefCell::new(None) };
    static FOUND: RefCell<Vec<Result<()>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn closure_that_uses_its_own_context_gets_an_error() {
    let (data, context) = (Data::new(), Rc::new(Context::new().unwrap()));
    HIDDEN.with(|hidden| *hidden.borrow_mut() = Some(Rc::clone(&context)));
    context
        .set_progress(|_| {
            let context = HIDDEN.with(|hidden| hidden.borrow().clone()).unwrap();
            let mut results = vec![
                Stats::new(Rc::clone(&context), 4).map(drop),
                context.set_progress(|_| ControlFlow::Continue(())),
                context.clear_progress(),
                context.set_log(LogLevel::Debug, |_, _| ()),
                Plan::new(&*context).map(drop),
            ];
            FOUND.with(|found| found.borrow_mut().append(&mut results));
            ControlFlow::Continue(())
        })
        .unwrap();
    let layer = encoder(Rc::clone(&context)).run(&data.stats(&*context), data.weights());
    assert!(layer.is_ok());
    HIDDEN.with(|hidden| hidden.borrow_mut().take());
    FOUND.with(|found| {
        let found = found.borrow();
        assert!(found.len() >= 5);
        for result in found.iter() {
            assert_eq!(result.as_ref().unwrap_err().kind(), ErrorKind::State);
        }
    });
}

#[test]
fn panic_in_a_visit_goes_on() {
    let layer = Data::new().layer();
    let visit = catch_unwind(AssertUnwindSafe(|| layer.visit(0, |_| panic!("in a tile"))));
    assert_eq!(said(visit.unwrap_err()), "in a tile");
    let ended = layer.visit(0, |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Cancelled);
}
