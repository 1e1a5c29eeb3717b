//! `sunpath top`: watches sockets, in a view or as text.

use crate::args::Top;
use crate::exit::Exit;
use crate::out::Stop;
use crate::top::batch::{self, Plan};
use crate::top::{View, live, obstacle};
use sunpath::list::What;

/// Watches.
pub fn run(args: &Top) -> Result<Exit, Stop> {
    let filter = args.selection.filter()?;
    let sort = (args.sort, args.reverse);
    let times = if args.once { Some(1) } else { args.batch };
    if times.is_some() || args.json {
        return batch::run(&Plan {
            what: What { all_namespaces: args.all, ..What::default() },
            filter: &filter,
            sort,
            most: args.rows.unwrap_or(usize::MAX),
            times,
            delay: args.delay,
            json: args.json,
        });
    }
    if let Some(why) = obstacle() {
        return Err(Stop::usage(format!("{why}; print with --once, --batch TIMES or --json")));
    }
    live::run(View::new(sort, args.delay, args.all), &filter)
}
