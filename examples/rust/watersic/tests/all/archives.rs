// SPDX-License-Identifier: MIT
//! Archives: what was written is read, and nothing half-written appears.
use crate::data::{Data, Scratch};
use watersic::{Archive, ArchiveWriter, Context, ErrorKind, Layer};

fn written(name: &str) -> (Scratch, Layer<'static>) {
    let (file, layer) = (Scratch::new(name), Data::new().layer());
    let context = Context::new().unwrap();
    let mut writer = ArchiveWriter::create(&context, &file.0).unwrap();
    writer.set_alignment(4096).unwrap();
    writer.set_metadata("origin", "a test of ü").unwrap();
    writer.add("first", &layer).unwrap();
    writer.add("zweite Schicht: ß", &layer).unwrap();
    assert!(writer.names().eq(["first", "zweite Schicht: ß"]));
    let size = writer.size();
    assert!(!file.0.exists(), "nothing appears before it is complete");
    writer.finish().unwrap();
    assert_eq!(std::fs::metadata(&file.0).unwrap().len(), size);
    (file, layer)
}

#[test]
fn what_was_written_is_read() {
    let (file, layer) = written("read");
    let archive = Archive::open(&file.0).unwrap();
    assert_eq!((archive.len(), archive.is_empty()), (2, false));
    assert_eq!(archive.find("zweite Schicht: ß").unwrap(), 1);
    assert_eq!(archive.name(1), Some("zweite Schicht: ß"));
    assert_eq!(archive.name(2), None);
    assert_eq!(archive.metadata_value("origin"), Some("a test of ü"));
    assert_eq!(archive.metadata_value("library"), Some(watersic::version()));
    let copy = archive.layer(1).unwrap();
    // SAFETY: nobody writes to the file.
    let view = unsafe { archive.view(0) }.unwrap();
    drop(archive);
    assert_eq!(copy.bytes(), layer.bytes());
    assert_eq!(view.bytes(), layer.bytes());
}

#[test]
fn extents_lead_to_layers() {
    let (file, layer) = written("extent");
    let bytes = std::fs::read(&file.0).unwrap();
    let archive = Archive::from_bytes(&bytes).unwrap();
    let extent = archive.extent(1).unwrap();
    assert_eq!(extent.start % 4096, 0);
    let view = Layer::view(&bytes[extent.start as usize..extent.end as usize]).unwrap();
    assert_eq!(view.bytes(), layer.bytes());
}

#[test]
fn archive_in_memory_outlives_nothing_that_it_borrows() {
    let (file, layer) = written("memory");
    let bytes = std::fs::read(&file.0).unwrap();
    let owned = Archive::from_bytes(&bytes).unwrap().layer(0).unwrap();
    // SAFETY: the bytes are borrowed.
    let view = unsafe { Archive::from_bytes(&bytes).unwrap().view(1) }.unwrap();
    assert_eq!(view.bytes(), layer.bytes());
    drop(bytes);
    assert_eq!(owned.bytes(), layer.bytes());
}

#[test]
fn unfinished_work_leaves_nothing_or_can_go_on() {
    let (file, layer) = (Scratch::new("part"), Data::new().layer());
    let part = Scratch(file.0.with_extension("part.part"));
    let context = Context::new().unwrap();
    let mut writer = ArchiveWriter::create(&context, &file.0).unwrap();
    writer.add("lost", &layer).unwrap();
    drop(writer);
    assert!(!file.0.exists());

    let mut writer = ArchiveWriter::resume(&context, &file.0).unwrap();
    writer.add("kept", &layer).unwrap();
    drop(writer);
    assert!(part.0.exists() && !file.0.exists());
    let mut writer = ArchiveWriter::resume(&context, &file.0).unwrap();
    assert_eq!(writer.len(), 1);
    let error = writer.add("kept", &layer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    writer.finish().unwrap();
    assert_eq!(Archive::open(&file.0).unwrap().len(), 1);
}

#[test]
fn damage_is_refused() {
    let (file, _) = written("damage");
    let mut bytes = std::fs::read(&file.0).unwrap();
    let extent = Archive::from_bytes(&bytes).unwrap().extent(0).unwrap();
    bytes[extent.start as usize + 200] ^= 1;
    let archive = Archive::from_bytes(&bytes).unwrap();
    assert_eq!(archive.layer(0).unwrap_err().kind(), ErrorKind::Checksum);
    assert!(archive.layer(1).is_ok());
    let error = Archive::from_bytes(&bytes[..bytes.len() / 2]).unwrap_err();
    assert!(error.status() <= -30 && !error.message().is_empty(), "{error:?}");
}
