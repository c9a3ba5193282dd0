use crate::{Done, args::Lineage, lake_of, lineage};
use cauce_world::World;

/// From rows to raw objects, positions and bytes.
pub(crate) async fn run(world: &World, asked: &Lineage) -> anyhow::Result<Done> {
    let traced = lineage::Traced::parse(&asked.table, asked.interval)?;
    let traces = lineage::trace(&lake_of(world), &world.raw(), traced, &asked.filter, asked.limit).await?;
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&traces)?);
        return Ok(Done::Whole);
    }
    if traces.is_empty() {
        println!("nothing of {} fits", asked.table);
    }
    for trace in &traces {
        println!("raw object  {}\nposition    line {}", trace.raw_key, trace.raw_pos);
        println!("fetched     {}\nrules       version {}", trace.fetched_at, trace.normalizer_version);
        if let Some(request) = &trace.request {
            let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
            println!("asked       {} {} {body}", request.method, request.url);
        }
        println!("bytes       {}\n", trace.record);
    }
    Ok(Done::Whole)
}
