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
    /// The smallest send buffer that can be set, in bytes.
    pub send_buffer_min: u32,
    /// The smallest receive buffer that can be set, in bytes.
    pub receive_buffer_min: u32,
    /// Ticks of the clock in a second (`CONFIG_HZ`): time limits are rounded up to them.
    pub ticks: u32,
    /// `net.unix.max_dgram_qlen`: how many datagrams wait at a receiver, less one.
    pub datagram_queue: u32,
    /// `net.core.somaxconn`: the longest backlog.
    pub backlog_max: u32,
    /// `net.core.optmem_max`: ancillary data of one message, in bytes.
    pub control_max: u32,
    /// The memory that messages take.
    pub memory: Memory,
    /// Where the search for a free automatic name starts.
    pub autobind_start: u32,
    /// How many automatic names there are for each type and network namespace.
    pub autobind_names: u32,
    /// `fs.protected_hardlinks`: only the owner of a socket's file may give it further names.
    pub protected_hardlinks: bool,
    /// Descriptors that a process may have, where nothing else was set.
    pub descriptors: u32,
    /// `fs.file-max`: files that the system may have open.
    pub files: u32,
    /// UNIX domain sockets that the system may have.
    pub sockets: u32,
}

/// The memory that a message takes while it waits to be read, which its sender is charged: its
/// bytes, in blocks of kernel memory, with what describes them.
///
/// A message lies in one block, whose size is a power of two, and what does not fit there in
/// pages: a long datagram or packet has a larger block than a piece of a stream, which prefers
/// pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What describes a message (`struct sk_buff`), in bytes.
    pub description: u32,
    /// What lies behind the bytes in their block (`struct skb_shared_info`), in bytes.
    pub tail: u32,
    /// The smallest block, in bytes.
    pub smallest: u32,
    /// A page, in bytes.
    pub page: u32,
    /// The block of a piece of a stream is no larger, in bytes.
    pub stream_block: u32,
    /// What a piece of a stream has in pages is no more, in bytes.
    pub stream_pages: u32,
    /// The block of a datagram or packet is no larger, in bytes, unless its pages are used up.
    pub packet_block: u32,
    /// What a datagram or packet has in pages is no more, in bytes.
    pub packet_pages: u32,
    /// The largest block there is, in bytes.
    pub largest: u32,
}

impl Memory {
    /// 64-bit Linux with pages of 4 KiB.
    pub const USUAL: Memory = Memory {
        description: 256,
        tail: 320,
        smallest: 512,
        page: 4096,
        stream_block: 4096,
        stream_pages: 32_768,
        packet_block: 16_384,
        packet_pages: 17 * 4096,
        largest: 4_194_304,
    };

    /// What a datagram or packet of this length takes; `None` if no block is large enough.
    pub const fn packet(&self, length: usize) -> Option<u32> {
        let block = (self.packet_block - self.tail) as usize;
        if length <= block {
            return Some(self.block(length as u32));
        }
        let over = length - block;
        let most = self.packet_pages as usize;
        let paged = if over < most { self.pages(over as u32) } else { self.packet_pages };
        let rest = length - paged as usize;
        if rest > (self.largest - self.tail) as usize {
            return None;
        }
        Some(self.block(rest as u32) + paged)
    }

    /// What a piece of a stream of this length takes, which is no longer than
    /// [`Memory::stream_piece`] says.
    #[inline(always)]
    pub const fn stream(&self, length: u32) -> u32 {
        let block = self.stream_block - self.tail;
        if length <= block {
            return self.block(length);
        }
        let paged = self.pages(length - block);
        let in_block = length.saturating_sub(paged);
        self.block(in_block) + paged
    }

    /// The longest piece in which a stream with a send buffer of this size sends.
    #[inline]
    pub const fn stream_piece(&self, send_buffer: u32) -> u32 {
        let most = self.stream_block - self.tail + self.stream_pages;
        let half = (send_buffer / 2).saturating_sub(64);
        let piece = if half < most { half } else { most };
        if piece == 0 { 1 } else { piece }
    }

    /// A block with this many bytes, and its description.
    const fn block(&self, length: u32) -> u32 {
        let size = (length + self.tail).next_power_of_two();
        let size = if size < self.smallest { self.smallest } else { size };
        size + self.description
    }

    /// Whole pages.
    const fn pages(&self, length: u32) -> u32 {
        length.div_ceil(self.page) * self.page
    }
}

impl Default for Machine {
    fn default() -> Machine {
        Machine {
            send_buffer: 212_992,
            receive_buffer: 212_992,
            send_buffer_max: 4_194_304,
            receive_buffer_max: 4_194_304,
            send_buffer_min: 4608,
            receive_buffer_min: 2304,
            ticks: 250,
            datagram_queue: 10,
            backlog_max: 4096,
            control_max: 131_072,
            memory: Memory::USUAL,
            autobind_start: 0,
            autobind_names: 1 << 20,
            protected_hardlinks: false,
            descriptors: 1024,
            files: u32::MAX,
            sockets: u32::MAX,
        }
    }
}
