//! A page of text, built from headings, paragraphs, fields and commands.

use super::text::{columns, pad, wrap};
use super::{CODE, DIM, HEAD, paint};

/// A page that grows at its end.
pub struct Page {
    out: String,
    width: usize,
}

impl Page {
    /// An empty page for lines of this many columns.
    pub fn new(width: usize) -> Self {
        Page { out: String::new(), width }
    }

    /// The columns of a line.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// An empty line between blocks.
    pub fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A heading, with a gap before it.
    pub fn head(&mut self, title: &str) {
        self.gap();
        self.line(&paint(HEAD, title));
    }

    /// A paragraph.
    pub fn para(&mut self, text: &str, indent: usize) {
        let wrapped = wrap(text, indent, self.width);
        self.line(&format!("{}{wrapped}", " ".repeat(indent)));
    }

    /// A label in a column of this width, and a text beside it.
    pub fn field(&mut self, label: &str, label_width: usize, text: &str) {
        let indent = 2 + label_width + 2;
        let label = pad(&paint(DIM, label), label_width);
        self.line(&format!("  {label}  {}", wrap(text, indent, self.width)));
    }

    /// Commands to paste, below a gap. They are never wrapped.
    pub fn commands(&mut self, commands: &[String]) {
        if !commands.is_empty() {
            self.gap();
        }
        for command in commands {
            self.line(&format!("    {}", paint(CODE, command)));
        }
    }

    /// Rows of cells in columns that fit their widest cell; the last cell is wrapped.
    pub fn table(&mut self, rows: &[Vec<String>], indent: usize) {
        let last = rows.iter().map(Vec::len).max().unwrap_or(1) - 1;
        let mut widths = vec![0; last];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        let left = indent + widths.iter().map(|w| w + 2).sum::<usize>();
        for row in rows {
            let mut line = " ".repeat(indent);
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&pad(cell, width + 2));
            }
            if let Some(cell) = row.get(last) {
                line.push_str(&wrap(cell, left, self.width));
            }
            self.line(&line);
        }
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn tables_align_and_wrap_their_last_column() {
        let mut page = Page::new(16);
        page.table(&[vec!["a".into(), "one two three".into()], vec!["bbb".into(), "x".into()]], 2);
        assert_eq!(page.finish(), "  a    one two\n       three\n  bbb  x\n");
    }
}
