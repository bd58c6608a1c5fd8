//! The matrix as a page of Markdown.

use super::answers::Told;
use super::{Cell, DOORS, MATRICES, Matrix, Row, Table};
use vane_dialect::Dialect;

const HEAD: &str = "\
# Fidelity

What a translation carries, feature by feature, from each door to each upstream. This page is
written by a test that runs every cell: a body with the feature is decoded, encoded for the
upstream and decoded again. The test fails on a loss that no note tells, so nothing here is
claimed by hand.

| cell | says |
|---|---|
| = | the same after the translation |
| ~ | said in other words that mean the same; the words stand below the table |
| - names | dropped; `vane-dropped` names it, and `vane-strict: true` refuses the call |
| x | refused with an error before any money is spent |
|   | the door's dialect has no words for it |

Where the dialects of door and upstream are equal, bodies travel byte for byte unless something
must be rewritten; the cell shows the rewritten way, which is the worse one. Providers are those
of the catalogue, with its quirks: `openai_chat` and `openai_responses` are OpenAI, `deepseek` is
an OpenAI-compatible provider, `anthropic_messages` is Anthropic, `mistral_chat` is Mistral;
`openai_completions` is DeepSeek and `mistral_fim` Codestral.

Audio and hosted tools go only to an offer that prices them ([billing.md](billing.md#what-is-billed-by-the-piece)).
";

pub(crate) fn render(tables: &[Table], answers: &[Told]) -> String {
    let mut page = HEAD.to_owned();
    for (matrix, table) in MATRICES.iter().zip(tables) {
        for door in matrix.doors {
            page += &calls_of(*door, matrix, table);
        }
    }
    page + &told(answers)
}

fn calls_of(door: Dialect, matrix: &Matrix, calls: &[(&str, Row)]) -> String {
    let mut table = format!("\n## Calls in {}\n\n|  |", door.name());
    for offer in matrix.upstreams {
        table += &format!(" {} |", offer.name);
    }
    table += &format!("\n|---|{}\n", "---|".repeat(matrix.upstreams.len()));
    let mut words: Vec<String> = Vec::new();
    for (feature, row) in calls {
        let cells: Vec<_> = row.iter().filter(|(of, _, _)| *of == door).collect();
        if cells.iter().all(|(_, _, cell)| *cell == Cell::Unsaid) {
            continue;
        }
        let shown: Vec<String> = cells.iter().map(|(_, _, cell)| show(cell)).collect();
        table += &format!("| {feature} | {} |\n", shown.join(" | "));
        for (_, offer, cell) in cells {
            explain(&mut words, feature, offer.name, cell);
        }
    }
    if words.is_empty() {
        return table;
    }
    format!("{table}\n{}\n", words.join("\n"))
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Unsaid => String::new(),
        Cell::Same => "=".to_owned(),
        Cell::Noted(names) => format!("- {}", names.join(", ")),
        Cell::Reworded(_) => "~".to_owned(),
        Cell::Refused(_) => "x".to_owned(),
        Cell::Lost(_) => "lost".to_owned(),
    }
}

/// One line for each rewording, with the upstreams it holds for.
fn explain(words: &mut Vec<String>, feature: &str, offer: &str, cell: &Cell) {
    let how = match cell {
        Cell::Reworded(how) => (*how).to_owned(),
        Cell::Refused(fault) => format!("refused: {fault}"),
        Cell::Unsaid | Cell::Same | Cell::Noted(_) | Cell::Lost(_) => return,
    };
    let (head, tail) = (format!("- {feature}, to "), format!(": {how}."));
    let known = words
        .last_mut()
        .filter(|line| line.starts_with(&head) && line.ends_with(&tail));
    match known {
        Some(line) => {
            let at = line.len() - tail.len();
            line.insert_str(at, &format!(", {offer}"));
        }
        None => words.push(format!("{head}{offer}{tail}")),
    }
}

fn told(answers: &[Told]) -> String {
    let mut table = String::from(
        "\n## Answers\n\nWhat a client of each door reads, streamed and whole alike.\n\n|  |",
    );
    for door in DOORS {
        table += &format!(" {} |", door.name());
    }
    table += &format!("\n|---|{}\n", "---|".repeat(DOORS.len()));
    for row in answers {
        let cells: Vec<&str> = row.cells.iter().map(|cell| cell.unwrap_or("=")).collect();
        table += &format!("| {} | {} |\n", row.feature, cells.join(" | "));
    }
    table
}
