//! Values by chance: bytes decide, and a type says what they mean for it.

/// Bytes that decide. When they run out, everything is the first choice.
pub struct Dice<'a>(pub &'a [u8]);

/// What can be thrown.
pub trait Roll {
    fn roll(dice: &mut Dice<'_>) -> Self;
}

impl Dice<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    pub fn roll<T: Roll>(&mut self) -> T {
        T::roll(self)
    }
}

/// Types with a few values each.
macro_rules! choices {
    ($($type:ty: $($choice:expr),+;)*) => {$(
        impl Roll for $type {
            fn roll(dice: &mut Dice<'_>) -> Self {
                dice.of(&[$($choice),+])
            }
        }
    )*};
}
