//! What a lane and its workers tell each other, as bytes in a pipe.

use super::compare::{AUTOMATIC, Automatic, Dictionary};

/// The most bytes of a message: a worker's words are cut.
const MOST_WORDS: usize = 1 << 16;

/// To a worker: make these calls, none of which another process makes.
#[derive(Debug, Default)]
pub struct Order {
    /// The number of the first.
    pub from: u32,
    /// The number after that of the last.
    pub to: u32,
    /// What is known by now.
    pub pids: Vec<(i32, i32)>,
    /// What is known by now.
    pub names: Vec<(Automatic, Automatic)>,
}

/// From a worker.
#[derive(Debug, Default)]
pub struct Answer {
    /// How many calls agreed.
    pub agreed: u32,
    /// The process that the last one made.
    pub child: i32,
    /// What is known by now.
    pub names: Vec<(Automatic, Automatic)>,
    /// What the kernel said where it does not agree.
    pub differs: Option<String>,
}

/// Where the bytes come from: fills the buffer, or says that there is no more.
pub type Source<'a> = &'a mut dyn FnMut(&mut [u8]) -> Option<()>;

fn number(source: Source<'_>) -> Option<u32> {
    let mut bytes = [0; 4];
    source(&mut bytes)?;
    Some(u32::from_le_bytes(bytes))
}

fn put_names(bytes: &mut Vec<u8>, names: &[(Automatic, Automatic)]) {
    bytes.extend((names.len() as u32).to_le_bytes());
    for (model, real) in names {
        bytes.extend(model);
        bytes.extend(real);
    }
}

fn names(source: Source<'_>) -> Option<Vec<(Automatic, Automatic)>> {
    (0..number(source)?)
        .map(|_| {
            let (mut model, mut real) = ([0; AUTOMATIC], [0; AUTOMATIC]);
            source(&mut model)?;
            source(&mut real)?;
            Some((model, real))
        })
        .collect()
}

impl Order {
    /// What the worker has to know, too.
    pub fn new(from: usize, to: usize, known: &Dictionary) -> Order {
        let (pids, names) = (known.pids.clone(), known.names.clone());
        Order { from: from as u32, to: to as u32, pids, names }
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [self.from, self.to, self.pids.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        for (model, real) in &self.pids {
            bytes.extend(model.to_le_bytes());
            bytes.extend(real.to_le_bytes());
        }
        put_names(&mut bytes, &self.names);
        bytes
    }

    /// The next one; `None` if there is no more.
    pub fn read(source: Source<'_>) -> Option<Order> {
        let (from, to) = (number(source)?, number(source)?);
        let count = number(source)?;
        let pair = |_| Some((number(source)?.cast_signed(), number(source)?.cast_signed()));
        let pids = (0..count).map(pair).collect::<Option<_>>()?;
        Some(Order { from, to, pids, names: names(source)? })
    }
}

impl Answer {
    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = self.differs.as_deref().unwrap_or_default().as_bytes();
        let words = &words[..words.len().min(MOST_WORDS)];
        let mut bytes = Vec::new();
        bytes.extend(self.agreed.to_le_bytes());
        bytes.extend(self.child.to_le_bytes());
        put_names(&mut bytes, &self.names);
        bytes.extend(u32::from(self.differs.is_some()).to_le_bytes());
        bytes.extend((words.len() as u32).to_le_bytes());
        bytes.extend(words);
        bytes
    }

    /// The next one; `None` if there is no more.
    pub fn read(source: Source<'_>) -> Option<Answer> {
        let (agreed, child) = (number(source)?, number(source)?.cast_signed());
        let names = names(source)?;
        let differs = number(source)? != 0;
        let mut words = vec![0; (number(source)? as usize).min(MOST_WORDS)];
        source(&mut words)?;
        let words = String::from_utf8_lossy(&words).into_owned();
        Some(Answer { agreed, child, names, differs: differs.then_some(words) })
    }
}
