//! Columns that line up.

/// Rows of text under headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with nothing but its headings.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            rows: vec![headings.map(str::to_uppercase).to_vec()],
        }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The table as text, or a sentence when it has no rows.
    pub(crate) fn text(&self, if_empty: &str) -> String {
        if self.rows.len() < 2 {
            return if_empty.to_owned();
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let padding = width.saturating_sub(cell.chars().count()) + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let mut table = Table::new(["name", "state"]);
        table.row(["nächtlich".into(), "complete".into()]);
        table.row(["x".into(), String::new()]);
        assert_eq!(
            table.text("nothing"),
            "NAME       STATE\nnächtlich  complete\nx\n"
        );
    }

    #[test]
    fn an_empty_table_is_a_sentence() {
        assert_eq!(
            Table::new(["name"]).text("There are no plans."),
            "There are no plans."
        );
    }
}
