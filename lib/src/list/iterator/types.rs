//! Where the running kernel keeps what the program reads: BTF, the kernel's description of its own
//! types. Nothing here trusts a length that it reads.

/// What the program needs to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The number of the function that stands for the iterator.
    pub iterator: u32,
    /// Offsets in bytes: of the task's own number and its process's, in `struct task_struct`,
    pub thread: u32,
    pub process: u32,
    /// and of its name there, of what it is up to, and of where its credentials are;
    pub name: u32,
    pub state: u32,
    pub credentials: u32,
    /// of the effective user in those, `struct cred`,
    pub user: u32,
    /// of the inode in `struct file`,
    pub inode: u32,
    /// of its number in `struct inode`,
    pub number: u32,
    /// of the network's part in `struct socket`,
    pub network: u32,
    /// and of the family in that, `struct sock`, which begins with a `struct sock_common`.
    pub family: u32,
}

/// `BTF_MAGIC`
const MAGIC: u16 = 0xeb9f;
/// `BTF_KIND_STRUCT`, `BTF_KIND_FUNC`
const STRUCT: u32 = 4;
const FUNCTION: u32 = 12;
/// `sizeof(struct btf_type)`, `sizeof(struct btf_member)`
const TYPE: usize = 12;
const MEMBER: usize = 12;

/// The function that stands for the iterator over the descriptors of all tasks.
const ITERATOR: &[u8] = b"bpf_iter_task_file\0";

/// What is asked of `struct task_struct`.
const TASK: [&[u8]; 5] = [b"pid\0", b"tgid\0", b"comm\0", b"__state\0", b"real_cred\0"];

/// Looks it all up; `None` if anything is missing.
pub(super) fn find(btf: &[u8]) -> Option<Layout> {
    let (magic, _) = btf.split_first_chunk()?;
    if u16::from_ne_bytes(*magic) != MAGIC {
        return None;
    }
    let part = |at: usize| {
        let start = number(btf, 4)?.checked_add(number(btf, at)?)? as usize;
        btf.get(start..start.checked_add(number(btf, at + 4)? as usize)?)
    };
    Types { rest: part(8)?, names: part(16)?, next: 1 }.search()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Types that nobody has looked at yet, and the names of all.
struct Types<'a> {
    rest: &'a [u8],
    names: &'a [u8],
    /// The number of the first one.
    next: u32,
}

impl<'a> Types<'a> {
    /// The structures are among the first types, the function is one of tens of thousands behind
    /// them: those are passed by without a look at what else they are.
    fn search(&mut self) -> Option<Layout> {
        let (mut iterator, mut task, mut cred) = (None, None, None);
        let (mut file, mut inode) = (None, None);
        let (mut socket, mut sock, mut common) = (None, None, None);
        let layout = loop {
            let (kind, name, body) = self.take()?;
            if kind == FUNCTION && self.is(name, ITERATOR) {
                iterator = Some(self.next - 1);
            } else if kind == STRUCT {
                match self.name(name) {
                    b"task_struct" => task = task.or(self.offsets(body, TASK)),
                    b"cred" => cred = cred.or(self.offsets(body, [b"euid\0"])),
                    b"file" => file = file.or(self.offsets(body, [b"f_inode\0"])),
                    b"inode" => inode = inode.or(self.offsets(body, [b"i_ino\0"])),
                    b"socket" => socket = socket.or(self.offsets(body, [b"sk\0"])),
                    b"sock" => sock = sock.or(self.offsets(body, [b"__sk_common\0"])),
                    b"sock_common" => common = common.or(self.offsets(body, [b"skc_family\0"])),
                    _ => {}
                }
            }
            if let (Some(task), Some([user])) = (task, cred)
                && let (Some([inode]), Some([number])) = (file, inode)
                && let (Some([network]), Some([0]), Some([family])) = (socket, sock, common)
            {
                let [thread, process, name, state, credentials] = task;
                let task =
                    Layout { thread, process, name, state, credentials, ..Layout::default() };
                break Layout { user, inode, number, network, family, ..task };
            }
        };
        while iterator.is_none() {
            let (kind, name, _) = self.take()?;
            if kind == FUNCTION && self.is(name, ITERATOR) {
                iterator = Some(self.next - 1);
            }
        }
        Some(Layout { iterator: iterator?, ..layout })
    }

    /// The next type: its kind, its name, and what follows its head.
    #[inline]
    fn take(&mut self) -> Option<(u32, u32, &'a [u8])> {
        let (head, rest) = self.rest.split_first_chunk::<TYPE>()?;
        let (name, info) = (number(head, 0)?, number(head, 4)?);
        let kind = info >> 24 & 0x1f;
        let (body, rest) = rest.split_at_checked(extent(kind, (info & 0xffff) as usize)?)?;
        self.rest = rest;
        self.next += 1;
        Some((kind, name, body))
    }

    fn name(&self, at: u32) -> &[u8] {
        let names = self.names.get(at as usize..).unwrap_or_default();
        names.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    fn is(&self, name: u32, wanted: &[u8]) -> bool {
        self.names.get(name as usize..).is_some_and(|names| names.starts_with(wanted))
    }

    /// Where these members of a structure are, in bytes; `None` if one is missing.
    fn offsets<const N: usize>(&self, members: &[u8], wanted: [&[u8]; N]) -> Option<[u32; N]> {
        let mut found = [None; N];
        for member in members.as_chunks::<MEMBER>().0 {
            let name = number(member, 0)?;
            if let Some(at) = wanted.iter().position(|wanted| self.is(name, wanted)) {
                // In bits; above them, how many of them a bit field has.
                let bits = number(member, 8)? & 0xff_ffff;
                *found.get_mut(at)? = (bits % 8 == 0).then_some(bits / 8);
            }
        }
        let all = found.iter().all(Option::is_some);
        all.then(|| found.map(Option::unwrap_or_default))
    }
}

/// For each kind of type, how many bytes of its own follow the head: always, and for each of its
/// parts. A table, because tens of thousands are passed over.
const EXTENTS: [(u8, u8); 20] = {
    let mut extents = [(0, 0); 20];
    // Integers, arrays, variables, tags of declarations.
    extents[1].0 = 4;
    extents[3].0 = 12;
    extents[14].0 = 4;
    extents[17].0 = 4;
    // Structures, unions, sections, wide enumerations.
    extents[STRUCT as usize].1 = MEMBER as u8;
    extents[5].1 = MEMBER as u8;
    extents[15].1 = 12;
    extents[19].1 = 12;
    // Enumerations, prototypes.
    extents[6].1 = 8;
    extents[13].1 = 8;
    extents
};

/// How many bytes of its own follow the head of a type; `None`: a kind that is not known.
fn extent(kind: u32, count: usize) -> Option<usize> {
    let (always, each) = EXTENTS.get(kind as usize)?;
    Some(usize::from(*always) + usize::from(*each) * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Types whose names, in order, are these; a structure has members, at so many bits.
    fn described(functions_before: u32, structures: &[(&str, &[(&str, u32)])]) -> Vec<u8> {
        let (mut types, mut names) = (Vec::new(), vec![0]);
        let mut name = |text: &str| {
            let at = names.len() as u32;
            names.extend_from_slice(text.as_bytes());
            names.push(0);
            at
        };
        let mut words = |all: &[u32]| all.iter().for_each(|w| types.extend(w.to_ne_bytes()));
        for at in 0..functions_before {
            words(&[name(&format!("other_{at}")), FUNCTION << 24, 0]);
        }
        words(&[name("bpf_iter_task_file"), FUNCTION << 24, 0]);
        for (structure, members) in structures {
            words(&[name(structure), STRUCT << 24 | members.len() as u32, 0]);
            for (member, bits) in *members {
                words(&[name(member), 1, *bits]);
            }
        }
        let mut all = MAGIC.to_ne_bytes().to_vec();
        all.extend([1, 0]);
        let sizes = [24, 0, types.len() as u32, types.len() as u32, names.len() as u32];
        all.extend(sizes.iter().flat_map(|n| n.to_ne_bytes()));
        [all, types, names].concat()
    }

    const IN_TASK: [(&str, u32); 6] = [
        ("__state", 0),
        ("on_cpu", 32),
        ("pid", 64),
        ("tgid", 96),
        ("real_cred", 128),
        ("comm", 192),
    ];

    const KERNEL: [(&str, &[(&str, u32)]); 8] = [
        // Another one with that name.
        ("file", &[("x", 0)]),
        ("task_struct", &IN_TASK),
        ("cred", &[("uid", 64), ("euid", 160)]),
        ("file", &[("f_inode", 256)]),
        ("inode", &[("i_mode", 0), ("i_ino", 512)]),
        ("socket", &[("sk", 192)]),
        ("sock", &[("__sk_common", 0)]),
        ("sock_common", &[("skc_family", 128)]),
    ];

    #[test]
    fn what_the_program_needs_is_found_by_name() {
        let layout = Layout {
            iterator: 4,
            thread: 8,
            process: 12,
            name: 24,
            state: 0,
            credentials: 16,
            user: 20,
            inode: 32,
            number: 64,
            network: 24,
            family: 16,
        };
        assert_eq!(find(&described(3, &KERNEL)), Some(layout));
    }

    #[test]
    fn what_is_missing_is_not_guessed() {
        for missing in 1..KERNEL.len() {
            let mut structures = KERNEL.to_vec();
            structures.remove(missing);
            assert_eq!(find(&described(0, &structures)), None, "{missing}");
        }
        let odd = [&KERNEL[..7], &[("sock_common", &[("skc_family", 3)])]].concat();
        assert_eq!(find(&described(0, &odd)), None, "a bit field");
        let odd = [&KERNEL[..6], &KERNEL[7..], &[("sock", &[("__sk_common", 64)])]].concat();
        assert_eq!(find(&described(0, &odd)), None, "another beginning");
    }

    #[test]
    fn the_running_kernel_is_understood() {
        match std::fs::read("/sys/kernel/btf/vmlinux") {
            Ok(btf) => {
                let layout = find(&btf).expect("its types");
                assert_eq!(layout.process, layout.thread + 4);
            }
            Err(error) => eprintln!("skipped: no type information here: {error}"),
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            at in any::<prop::sample::Index>(),
            bytes in prop::collection::vec(any::<u8>(), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut btf = described(1, &KERNEL);
            let at = at.index(btf.len());
            for (old, new) in btf[at..].iter_mut().zip(&bytes) {
                *old = *new;
            }
            find(&btf[..cut.index(btf.len() + 1)]);
            find(&btf);
        }
    }
}
