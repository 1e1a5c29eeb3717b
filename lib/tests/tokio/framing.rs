//! Frames, asynchronously: with any other program of the format, and whatever is cancelled.

use crate::{once, soon};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::time::Duration;
use sunpath::Ancillary;
use sunpath::tokio::Stream;
use sunpath::tokio::framing::{FrameReader, FrameReceiver, FrameWriter};
use tokio::io::AsyncWriteExt;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

/// Payloads of all kinds of lengths.
fn payload(number: usize) -> Vec<u8> {
    let length = [0, 1, 5, 300, 4093, 70_000, 300_000][number % 7];
    vec![number as u8; length]
}

#[tokio::test]
async fn tokio_util_reads_what_is_written() {
    let (a, b) = Stream::pair().unwrap();
    let write = async {
        let mut writer = FrameWriter::new(a);
        for number in 0..60 {
            match number % 3 {
                0 => writer.send(&payload(number)).await.unwrap(),
                1 => writer.send_with(&payload(number), &Ancillary::NONE).await.unwrap(),
                _ => writer.queue(&payload(number)).await.unwrap(),
            }
        }
        writer.flush().await.unwrap();
        assert_eq!(writer.buffered(), 0);
    };
    let read = async {
        let (mut codec, mut bytes) = (LengthDelimitedCodec::new(), BytesMut::new());
        let mut b = b;
        for number in 0..60 {
            let frame = loop {
                if let Some(frame) = codec.decode(&mut bytes).unwrap() {
                    break frame;
                }
                let come = tokio::io::AsyncReadExt::read_buf(&mut b, &mut bytes).await;
                assert!(come.unwrap() > 0);
            };
            assert!(frame == payload(number), "frame {number}");
        }
    };
    soon(async { tokio::join!(write, read) }).await;
}

#[tokio::test]
async fn what_tokio_util_writes_is_read() {
    let (mut a, b) = Stream::pair().unwrap();
    let write = async move {
        let (mut codec, mut bytes) = (LengthDelimitedCodec::new(), BytesMut::new());
        for number in 0..60 {
            codec.encode(&payload(number)[..], &mut bytes).unwrap();
        }
        a.write_all(&bytes).await.unwrap();
    };
    let read = async {
        let mut reader = FrameReader::new(b);
        for number in 0..60 {
            let frame = reader.next_frame().await.unwrap();
            assert!(frame == Some(&payload(number)), "frame {number}");
        }
        assert_eq!(reader.next_frame().await.unwrap(), None);
    };
    soon(async { tokio::join!(write, read) }).await;
}

/// Both sides give up at random, and each frame arrives once, whole, with what is beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_call_loses_nothing() {
    const FRAMES: usize = 400;
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut receiver = FrameReceiver::new(b, 2);
    assert!(once(receiver.next_frame()).await.is_none());
    let write = tokio::spawn(async move {
        let null = std::fs::File::open("/dev/null").unwrap();
        let mut writer = FrameWriter::with_capacity(10_000, a);
        for number in 0..FRAMES {
            let payload = payload(number);
            if number % 5 == 0 {
                let files = [null.as_fd(); 2];
                writer.send_with(&payload, &Ancillary::descriptors(&files)).await.unwrap();
            } else {
                let patience = Duration::from_micros(number as u64 * 7 % 300);
                let mut queued = None;
                while queued.is_none() {
                    queued = tokio::time::timeout(patience, writer.queue(&payload)).await.ok();
                }
                queued.unwrap().unwrap();
            }
            let patience = Duration::from_micros(number as u64 * 13 % 200);
            let _ = tokio::time::timeout(patience, writer.flush()).await;
        }
        soon(writer.flush()).await.unwrap();
    });
    let mut number = 0;
    while number < FRAMES {
        let patience = Duration::from_micros(number as u64 * 11 % 250);
        if let Ok(frame) = tokio::time::timeout(patience, receiver.next_frame()).await {
            let mut frame = frame.unwrap().unwrap();
            assert!(frame.bytes == payload(number), "frame {number}");
            let beside = if number % 5 == 0 { 2 } else { 0 };
            assert_eq!(frame.take_descriptors().count(), beside, "frame {number}");
            assert!(!frame.descriptors_lost);
            number += 1;
        }
    }
    soon(write).await.unwrap();
    assert!(soon(receiver.next_frame()).await.unwrap().is_none());
}

#[tokio::test]
async fn halves_carry_frames_both_ways() {
    let (client, server) = Stream::pair().unwrap();
    let (read, write) = server.into_split();
    let echo = async {
        let (mut reader, mut writer) = (FrameReader::new(read), FrameWriter::new(write));
        while let Some(frame) = reader.next_frame().await.unwrap() {
            writer.send(frame).await.unwrap();
        }
    };
    let ask = async {
        let (read, write) = client.into_split();
        let mut receiver = FrameReceiver::new(read, 0);
        let mut writer = FrameWriter::new(write).with_limit(8);
        for word in [&b"one"[..], b"", b"three"] {
            writer.send(word).await.unwrap();
            assert_eq!(receiver.next_frame().await.unwrap().unwrap().bytes, word);
        }
        let error = writer.send(b"too much for it").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    };
    soon(async { tokio::join!(echo, ask) }).await;
}

#[tokio::test]
async fn the_end_in_a_frame_is_an_error() {
    let (mut a, b) = Stream::pair().unwrap();
    let mut reader = FrameReader::new(b).with_limit(9);
    soon(a.write_all(b"\0\0\0\x04wh")).await.unwrap();
    assert!(once(reader.next_frame()).await.is_none());
    soon(a.write_all(b"at\0\0\0\x09cut")).await.unwrap();
    drop(a);
    assert_eq!(soon(reader.next_frame()).await.unwrap(), Some(&b"what"[..]));
    let error = soon(reader.next_frame()).await.unwrap_err();
    assert_eq!(error.to_string(), "the stream ended after 3 of the 9 bytes of a frame");
    assert_eq!(reader.buffered(), 7);
}
