//! Long tables: every cell is written once into one text, and measured once.

use super::text::columns as measure;
use super::{DIM, HEAD};

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// Numbers stand at the right.
    pub right: bool,
    /// It may be cut down to this width; `None`: it is shown whole or not at all.
    pub least: Option<usize>,
    /// Where the end of a text tells most, as with paths, its start is cut.
    pub keep_end: bool,
    /// Columns with higher numbers are left out first; 0: never.
    pub rank: u8,
}

/// Columns of a higher rank are left out rather than that others become hard to read.
const USEFUL: u8 = 5;

/// A table that grows by cells, row by row.
pub struct Table<'a> {
    columns: &'a [Column],
    text: String,
    /// The end of each cell in the text, and its width.
    cells: Vec<(u32, u32)>,
    widths: Vec<usize>,
}

const GAP: usize = 2;

impl<'a> Table<'a> {
    /// An empty one, with its titles.
    pub fn new(columns: &'a [Column], rows: usize) -> Self {
        let mut table = Table {
            columns,
            text: String::with_capacity(rows * columns.len() * 12),
            cells: Vec::with_capacity((rows + 1) * columns.len()),
            widths: vec![0; columns.len()],
        };
        for column in columns {
            table.cell(|text| text.push_str(column.title));
        }
        table
    }

    /// Adds a cell.
    pub fn cell(&mut self, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        let cell = &self.text[start..];
        let width = if cell.is_ascii() { cell.len() } else { measure(cell) };
        let place = self.cells.len() % self.columns.len();
        self.widths[place] = self.widths[place].max(width);
        // What has no room in 32 bits has none on any terminal.
        self.cells.push((u32::try_from(self.text.len()).unwrap_or(u32::MAX), width as u32));
    }

    /// Lays the table out: to this width, or with nothing cut. With styles, the titles are bold and
    /// every cell that is only a dash is dim.
    pub fn finish(self, width: Option<usize>, styles: bool) -> String {
        let widths = match width {
            Some(width) => fit(self.columns, &self.widths, width),
            None => self.widths.iter().map(|w| Some(*w)).collect(),
        };
        let line = widths.iter().flatten().map(|w| w + GAP).sum::<usize>() + 1;
        let rows = self.cells.len() / self.columns.len();
        let mut out = String::with_capacity(rows * line + 64);
        let mut start = 0;
        for (row, cells) in self.cells.chunks_exact(self.columns.len()).enumerate() {
            if row == 0 && styles {
                out.push_str(&HEAD.render().to_string());
            }
            let mut owed = 0;
            for ((column, width), (end, wide)) in self.columns.iter().zip(&widths).zip(cells) {
                let cell = &self.text[start..*end as usize];
                start = *end as usize;
                if let Some(width) = width {
                    owed = put(&mut out, cell, (*wide as usize, *width), owed, column, styles);
                }
            }
            if row == 0 && styles {
                out.push_str(&HEAD.render_reset().to_string());
            }
            out.push('\n');
        }
        out
    }
}

/// Writes a cell after so many blanks that are owed; the blanks owed after it.
fn put(
    out: &mut String,
    cell: &str,
    (wide, width): (usize, usize),
    owed: usize,
    column: &Column,
    styles: bool,
) -> usize {
    let mut room = width.saturating_sub(wide);
    blanks(out, if column.right { owed + room } else { owed });
    if wide > width {
        room = width.saturating_sub(cut(out, cell, width, column.keep_end));
    } else if styles && cell == "-" {
        out.push_str(&super::paint(DIM, cell));
    } else {
        out.push_str(cell);
    }
    if column.right { GAP } else { GAP + room }
}

fn blanks(out: &mut String, count: usize) {
    const BLANKS: &str = "                                                                ";
    let mut left = count;
    while left > 0 {
        let now = left.min(BLANKS.len());
        out.push_str(&BLANKS[..now]);
        left -= now;
    }
}

/// As much of a text as there is room for, with a mark where it was cut; the columns it takes.
pub fn cut(out: &mut String, text: &str, width: usize, keep_end: bool) -> usize {
    let mut taken = 1;
    let mut fits = |c: &char| {
        let wide = unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
        let fits = taken + wide <= width;
        taken += if fits { wide } else { 0 };
        fits
    };
    if keep_end {
        let kept: usize = text.chars().rev().take_while(&mut fits).map(char::len_utf8).sum();
        out.push('…');
        out.push_str(&text[text.len() - kept..]);
    } else {
        let kept: usize = text.chars().take_while(&mut fits).map(char::len_utf8).sum();
        out.push_str(&text[..kept]);
        out.push('…');
    }
    taken
}

/// The widths of the columns in a line of this width: columns that can be cut are, down to their
/// least, and if that does not suffice columns are left out.
fn fit(columns: &[Column], natural: &[usize], width: usize) -> Vec<Option<usize>> {
    let least = |i: usize| columns[i].least.map_or(natural[i], |least| least.min(natural[i]));
    let fair = |i: usize| columns[i].least.map_or(natural[i], |l| (l * 3 / 2).min(natural[i]));
    let readable = (0..columns.len()).map(|i| fair(i) + GAP).sum::<usize>() - GAP;
    let mut order: Vec<usize> = (0..columns.len()).filter(|i| columns[*i].rank > USEFUL).collect();
    order.sort_by_key(|i| std::cmp::Reverse(columns[*i].rank));
    let mut excess = readable.saturating_sub(width);
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    for i in order {
        if excess > 0 {
            excess = excess.saturating_sub(natural[i] + GAP);
            kept.retain(|k| *k != i);
        }
    }
    let needs = |kept: &[usize]| kept.iter().map(|i| least(*i) + GAP).sum::<usize>() - GAP;
    while needs(&kept) > width {
        let last = kept.iter().copied().max_by_key(|i| columns[*i].rank);
        match last.filter(|i| columns[*i].rank > 0) {
            Some(last) => kept.retain(|i| *i != last),
            None => break,
        }
    }
    let mut widths = vec![None; columns.len()];
    for i in &kept {
        widths[*i] = Some(least(*i));
    }
    let mut spare = width.saturating_sub(needs(&kept));
    // What is left goes to the columns that were cut, a step for each in turn.
    while spare > 0 {
        let mut given = false;
        for i in &kept {
            if let Some(now) = widths[*i].as_mut().filter(|now| **now < natural[*i] && spare > 0) {
                *now += 1;
                spare -= 1;
                given = true;
            }
        }
        if !given {
            break;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "N", right: true, least: None, keep_end: false, rank: 1 },
        Column { title: "PATH", right: false, least: Some(6), keep_end: true, rank: 0 },
        Column { title: "WHO", right: false, least: Some(4), keep_end: false, rank: 0 },
    ];

    fn table(rows: &[[&str; 3]], width: Option<usize>) -> String {
        let mut table = Table::new(&COLUMNS, rows.len());
        for cell in rows.iter().flatten() {
            table.cell(|text| text.push_str(cell));
        }
        table.finish(width, false)
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let text = table(&[["1", "/a", "x"], ["22", "/bcd", "-"]], None);
        assert_eq!(text, " N  PATH  WHO\n 1  /a    x\n22  /bcd  -\n");
    }

    #[test]
    fn columns_are_cut_and_left_out_to_fit() {
        let row = [["1", "/run/long/path", "somebody"]];
        assert_eq!(table(&row, Some(22)), "N  PATH        WHO\n1  …long/path  somebo…\n");
        assert_eq!(table(&row, Some(15)), "N  PATH    WHO\n1  …/path  som…\n");
        assert_eq!(table(&row, Some(13)), "PATH     WHO\n…g/path  som…\n");
        assert_eq!(table(&row, Some(2)), "PATH    WHO\n…/path  som…\n");
    }

    #[test]
    fn what_is_least_useful_goes_before_the_rest_is_hard_to_read() {
        let columns = [Column { rank: USEFUL + 1, ..COLUMNS[0] }, COLUMNS[1], COLUMNS[2]];
        let fitted = |width| fit(&columns, &[1, 14, 8], width);
        assert_eq!(fitted(20), [Some(1), Some(9), Some(6)]);
        assert_eq!(fitted(19), [None, Some(10), Some(7)]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let text = table(&[["1", "日本語日本語", "x"], ["2", "/plain", "x"]], Some(13));
        assert_eq!(text, "PATH      WHO\n…日本語   x\n/plain    x\n");
    }
}
