//! A look of `sunpath top` as one line of JSON.

use super::calm;
use super::listing::{line, seen};
use crate::top::row::Row;
use crate::users::Users;
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};
use sunpath::list::Listing;

/// A look: the rows in their order.
pub fn top(listing: &Listing, rows: &[Row], users: &Users) -> String {
    let sockets = rows.iter().filter_map(|row| {
        let mut object = line(listing, listing.socket(row.inode)?, users);
        if let Value::Object(object) = &mut object {
            let word = Some(row.status.word(row.stopped)).filter(|word| !word.is_empty());
            let waits = row.queued > 0;
            object.insert("status".into(), word.into());
            object.insert("waited_ms".into(), waits.then(|| ms(row.waited)).into());
            object.insert("unmoved_ms".into(), waits.then(|| ms(row.unmoved)).into());
        }
        Some(object)
    });
    let taken = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut look = Map::new();
    look.insert("taken_ms".into(), taken.ok().map(ms).into());
    look.insert("sockets".into(), sockets.collect());
    look.extend(seen(listing));
    format!("{}\n", calm(&Value::Object(look).to_string()))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
