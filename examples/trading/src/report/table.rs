//! The report for people: a table and a summary.

use std::io::{self, Write};

use rust_decimal::Decimal;

use crate::report::{
    Report, SymbolReport,
    number::{amount, count, gain},
};

/// Prints a report.
///
/// # Errors
/// When the output cannot be written.
pub fn print_table(report: &Report, out: &mut impl Write) -> io::Result<()> {
    print_holdings(report, out)?;
    print_summary(report, out)?;
    print_run(report, out)
}

fn print_holdings(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(report.symbols.iter().map(cells));
    let mut total: [String; 8] = Default::default();
    total[0] = "total".to_owned();
    total[4] = amount(report.equity - report.cash, 2);
    total[5] = gain(report.realized_pnl);
    total[6] = gain(report.unrealized_pnl);
    total[7] = count(report.trades);
    rows.push(total);
    let width_of =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width_of);
    let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    for (index, row) in rows.iter().enumerate() {
        if index == 1 || index == rows.len() - 1 {
            writeln!(out, "{rule}")?;
        }
        write!(out, "{:<width$}", row[0], width = widths[0])?;
        for (cell, width) in row.iter().zip(widths).skip(1) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn cells(symbol: &SymbolReport) -> [String; 8] {
    let held = !symbol.quantity.is_zero();
    let if_held = |text: String| if held { text } else { "-".to_owned() };
    [
        symbol.symbol.clone(),
        if_held(amount(symbol.quantity, 4)),
        if_held(amount(symbol.average_cost, 2)),
        amount(symbol.last_price, 2),
        if_held(amount(symbol.quantity * symbol.last_price, 2)),
        gain(symbol.realized_pnl),
        gain(symbol.unrealized_pnl),
        count(symbol.trades),
    ]
}

fn print_summary(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let profit = report.equity - report.initial_cash;
    let percent = (profit * Decimal::ONE_HUNDRED).checked_div(report.initial_cash);
    let lines = [
        ("initial cash", amount(report.initial_cash, 2), String::new()),
        ("cash", amount(report.cash, 2), String::new()),
        ("holdings", amount(report.equity - report.cash, 2), String::new()),
        ("equity", amount(report.equity, 2), String::new()),
        ("profit", gain(profit), format!("  ({} %)", gain(percent.unwrap_or_default()))),
        ("fees paid", amount(report.fees, 2), format!("  ({} bp a trade)", report.fee_bps)),
    ];
    let width = lines.iter().map(|line| line.1.len()).max().unwrap_or(0);
    for (name, value, note) in lines {
        writeln!(out, "{name:<13} {value:>width$}{note}")?;
    }
    writeln!(out)
}

fn print_run(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let through = report.through.map_or_else(|| "-".to_owned(), |at| at.to_string());
    writeln!(out, "strategy      moving averages over {} and {} prices", report.fast, report.slow)?;
    writeln!(out, "followed      through {through}")?;
    let skipped = match report.rows_skipped {
        0 => String::new(),
        rows => format!(", {} of them seen before or repeated", count(rows)),
    };
    writeln!(out, "price rows    {}{skipped}", count(report.rows))?;
    let rejected = match report.rejected_orders {
        0 => String::new(),
        orders => format!(", {} orders rejected", count(orders)),
    };
    writeln!(out, "trades        {}{rejected}", count(report.trades))?;
    writeln!(out, "events stored {}", count(report.events))?;
    writeln!(
        out,
        "commands      {} in {:.2} s: {:.0} commands/s, {:.0} rows/s",
        count(report.commands),
        report.seconds,
        report.commands_per_second,
        report.rows_per_second
    )?;
    if let Some(kib) = report.peak_memory_kib {
        writeln!(out, "peak memory   {} MiB", kib.div_ceil(1_024))?;
    }
    if let Some(store) = &report.store {
        writeln!(out, "store         {}", store.display())?;
    }
    if let Some(chart) = &report.chart {
        writeln!(out, "chart         {}", chart.display())?;
    }
    Ok(())
}

const HEADINGS: [&str; 8] = [
    "symbol",
    "quantity",
    "average cost",
    "last price",
    "value",
    "realized",
    "unrealized",
    "trades",
];
