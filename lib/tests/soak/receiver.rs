//! The serving side: notes what comes, then acknowledges it.

use crate::message::{HEADER, Header, Id, LONGEST, MOST_DESCRIPTORS};
use crate::worker::{Service, Worker};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use sunpath::{AncillaryBuffer, Datagram, Error, Listener, SeqPacket, SeqPacketListener, Stream};

/// Conversations that go on.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Whether a conversation goes on.
pub fn is_busy() -> bool {
    BUSY.load(Ordering::SeqCst) > 0
}

struct Busy;

impl Busy {
    fn new() -> Busy {
        BUSY.fetch_add(1, Ordering::SeqCst);
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The sockets that others reach a worker by.
pub struct Services {
    streams: Listener,
    packets: SeqPacketListener,
    datagrams: Datagram,
}

impl Services {
    /// Takes the names of this worker, from its dead predecessor if there was one.
    pub fn bind(worker: &Worker) -> Services {
        let path = |service| worker.path(worker.index, service);
        let streams = Listener::options().replace_dead().pass_rights(true);
        let packets = SeqPacketListener::options().replace_dead().pass_rights(true);
        let datagrams = Datagram::options().replace_dead().pass_rights(true);
        Services {
            streams: streams.bind(path(Service::Stream)).expect("a listener"),
            packets: packets.bind(path(Service::Packet)).expect("a seqpacket listener"),
            datagrams: datagrams.bind(path(Service::Datagram)).expect("a datagram socket"),
        }
    }

    /// Serves them until the process ends.
    pub fn serve(self, worker: &Arc<Worker>) {
        let Services { streams, packets, datagrams } = self;
        let shared = worker.clone();
        thread::spawn(move || {
            loop {
                let stream = streams.accept().expect("a stream");
                let (worker, busy) = (shared.clone(), Busy::new());
                thread::spawn(move || (serve_stream(&worker, &stream), drop(stream), drop(busy)));
            }
        });
        let shared = worker.clone();
        thread::spawn(move || {
            loop {
                let packets = packets.accept().expect("a seqpacket socket");
                let (worker, busy) = (shared.clone(), Busy::new());
                thread::spawn(move || {
                    (serve_packets(&worker, &packets), drop(packets), drop(busy))
                });
            }
        });
        let shared = worker.clone();
        thread::spawn(move || serve_datagrams(&shared, &datagrams));
    }
}

/// Messages of one conversation, in order, that were not acknowledged yet.
#[derive(Default)]
struct Batch {
    ids: Vec<Id>,
    last: Option<Id>,
}

impl Batch {
    /// Adds one; returns the acknowledgement if it is time for it, with everything noted.
    fn add(&mut self, worker: &Worker, header: &Header) -> Option<[u8; 8]> {
        assert!(self.last < Some(header.id), "{header:?} after {:?}", self.last);
        self.last = Some(header.id);
        self.ids.push(header.id);
        if !header.ends_batch {
            return None;
        }
        worker.received.note(&self.ids);
        self.ids.clear();
        Some(header.id.0.to_ne_bytes())
    }
}

/// Until the client is gone, or was killed: then an error or an end in the middle is right.
fn serve_stream(worker: &Worker, mut stream: &Stream) {
    let mut batch = Batch::default();
    let mut ancillary = AncillaryBuffer::new(MOST_DESCRIPTORS as usize);
    let mut bytes = vec![0; LONGEST];
    loop {
        let mut have = 0;
        let mut descriptors = Vec::new();
        while have < HEADER {
            match stream.recv_with(&mut bytes[have..HEADER], &mut ancillary) {
                Ok(received) if received.end_of_file => return,
                Ok(received) => have += received.bytes,
                Err(_) => return,
            }
            descriptors.extend(ancillary.take_descriptors());
        }
        let header = Header::read(&bytes);
        let length = header.length as usize;
        if stream.read_exact(&mut bytes[..length]).is_err() {
            return;
        }
        header.check(&bytes[..length], descriptors.drain(..));
        if let Some(answer) = batch.add(worker, &header)
            && stream.write_all(&answer).is_err()
        {
            return;
        }
    }
}

fn serve_packets(worker: &Worker, packets: &SeqPacket) {
    let mut batch = Batch::default();
    let mut ancillary = AncillaryBuffer::new(MOST_DESCRIPTORS as usize);
    let mut bytes = vec![0; LONGEST];
    loop {
        let Ok(received) = packets.recv_with(&mut bytes, &mut ancillary) else { return };
        if received.end_of_file {
            return;
        }
        let header = Header::read(&bytes);
        header.check(&bytes[HEADER..received.bytes], ancillary.take_descriptors());
        if let Some(answer) = batch.add(worker, &header)
            && packets.send(&answer).is_err()
        {
            return;
        }
    }
}

/// For ever: clients come and go without a word. Each has numbers of its own.
fn serve_datagrams(worker: &Worker, datagrams: &Datagram) {
    let mut ancillary = AncillaryBuffer::new(MOST_DESCRIPTORS as usize);
    let mut bytes = vec![0; LONGEST];
    loop {
        let received = datagrams.recv_with(&mut bytes, &mut ancillary);
        let (received, from) = received.expect("a datagram");
        let header = Header::read(&bytes);
        header.check(&bytes[HEADER..received.bytes], ancillary.take_descriptors());
        worker.received.note(&[header.id]);
        if header.ends_batch {
            // The client may have been killed in the meantime.
            let _: Result<(), Error> = datagrams.send_to(&header.id.0.to_ne_bytes(), from);
        }
    }
}
