//! The latency over time, as a picture.

use std::path::Path;

use plotters::prelude::{
    BLACK, BLUE, ChartBuilder, Color, IntoDrawingArea, LineSeries, PathElement, RED, SVGBackend,
    WHITE,
};

use super::tally::Second;
use crate::failure::Failure;

const SIZE: (u32, u32) = (900, 450);

pub(super) fn draw(file: &Path, seconds: &[Second]) -> Result<(), Failure> {
    let mut svg = String::new();
    picture(&mut svg, seconds).map_err(|error| Failure::Start(format!("--plot: {error}")))?;
    std::fs::write(file, svg).map_err(|error| {
        Failure::Configuration(format!(
            "--plot {}: {error}; name a file that can be written",
            file.display()
        ))
    })
}

fn picture(svg: &mut String, seconds: &[Second]) -> Result<(), Box<dyn std::error::Error>> {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let most = seconds.iter().map(|second| millis(second.most)).fold(1.0, f64::max);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("latency over time", ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(35)
        .y_label_area_size(60)
        .build_cartesian_2d(1.0..seconds.len().max(2) as f64, 0.0..most * 1.05)?;
    chart.configure_mesh().x_desc("seconds").y_desc("milliseconds").draw()?;
    let lines = [
        ("p50", BLUE, seconds.iter().map(|second| second.p50).collect::<Vec<_>>()),
        ("p99", RED, seconds.iter().map(|second| second.p99).collect()),
        ("most", BLACK, seconds.iter().map(|second| second.most).collect()),
    ];
    for (name, colour, values) in lines {
        let points = (1..).zip(values).map(|(second, micros)| (f64::from(second), millis(micros)));
        chart
            .draw_series(LineSeries::new(points, &colour))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    root.present()?;
    drop(chart);
    Ok(())
}
