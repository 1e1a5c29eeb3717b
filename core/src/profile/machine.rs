//! What a machine decides: sizes and limits that differ between kernels of one system.

/// The parameters of a machine. [`Machine::default`] holds those of a 64-bit Linux 6.18 with
/// pages of 4 KiB; the library measures those of the running kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `net.core.wmem_default`: the send buffer of a new socket, in bytes.
    pub send_buffer: u32,
    /// `net.core.rmem_default`.
    pub receive_buffer: u32,
    /// `net.core.wmem_max`.
    pub send_buffer_max: u32,
    /// `net.core.rmem_max`.
    pub receive_buffer_max: u32,
    /// `net.unix.max_dgram_qlen`: how many datagrams wait at a receiver, less one.
    pub datagram_queue: u32,
    /// `net.core.somaxconn`: the longest backlog.
    pub backlog_max: u32,
    /// `net.core.optmem_max`: ancillary data of one message, in bytes.
    pub control_max: u32,
    /// Memory that a datagram or packet of some length takes.
    pub packet_cost: Steps,
    /// Memory that a piece of a stream of some length takes.
    pub stream_cost: Steps,
    /// Where the search for a free automatic name starts.
    pub autobind_start: u32,
    /// Descriptors that a process may have, where nothing else was set.
    pub descriptors: u32,
    /// `fs.file-max`: files that the system may have open.
    pub files: u32,
    /// UNIX domain sockets that the system may have.
    pub sockets: u32,
}

/// A function in steps: the cost of the first step whose length is not exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// Lengths with their costs, ascending.
    pub steps: alloc::vec::Vec<(u32, u32)>,
    /// Beyond the last step: this many bytes for each page of 4096 bytes begun, and once the
    /// second number.
    pub beyond: (u32, u32),
}

impl Steps {
    /// The memory that `length` bytes take.
    pub fn of(&self, length: usize) -> u32 {
        let length = length as u32;
        match self.steps.iter().find(|(most, _)| length <= *most) {
            Some((_, cost)) => *cost,
            None => length.div_ceil(4096) * self.beyond.0 + self.beyond.1,
        }
    }
}

impl Default for Machine {
    fn default() -> Machine {
        let steps = alloc::vec![
            (192, 768),
            (704, 1280),
            (1472, 2304),
            (3776, 4352),
            (7872, 8448),
            (16064, 16640),
        ];
        Machine {
            send_buffer: 212_992,
            receive_buffer: 212_992,
            send_buffer_max: 4_194_304,
            receive_buffer_max: 4_194_304,
            datagram_queue: 10,
            backlog_max: 4096,
            control_max: 131_072,
            packet_cost: Steps { steps: steps.clone(), beyond: (4096, 768) },
            stream_cost: Steps { steps, beyond: (4096, 768) },
            autobind_start: 0,
            descriptors: 1024,
            files: u32::MAX,
            sockets: u32::MAX,
        }
    }
}
