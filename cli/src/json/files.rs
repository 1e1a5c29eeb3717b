//! Socket files and verdicts on them as JSON.

use super::listing::{holders, user};
use super::{print, put_bytes};
use crate::cmd::ls::files::{Left, loss, remove, restore, verdict};
use crate::users::Users;
use serde_json::{Map, Value, json};
use sunpath::list::Listing;
use sunpath::list::files::{Files, Instead, Lost, SocketFile, Verdict};

/// The answer of `sunpath ls --files`.
pub fn files(listing: &Listing, found: &Files, left: &Left, users: &Users) -> String {
    let unread = found.unread.iter().map(|(path, why)| {
        let mut object = Map::new();
        put_bytes(&mut object, "path", path);
        object.insert("unseen".into(), why.to_string().into());
        Value::Object(object)
    });
    print(&json!({
        "files": found.files.iter().map(|one| file(listing, one, left, users)).collect::<Value>(),
        "lost": found.lost.iter().map(|one| lost(listing, one, users)).collect::<Value>(),
        "unread": unread.collect::<Value>(),
        "elsewhere": found.elsewhere,
    }))
}

fn file(listing: &Listing, file: &SocketFile, left: &Left, users: &Users) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "path", &file.path);
    let sockets = match &file.verdict {
        Verdict::Served(sockets) => sockets.as_slice(),
        _ => &[],
    };
    let unseen = match &file.verdict {
        Verdict::Unknown(why) => Some(why.to_string()),
        _ => None,
    };
    let left = left.contains_key(&file.path);
    let restore = left.then(|| restore(&file.path));
    let remove = (file.verdict == Verdict::Dead && !left).then(|| remove(&file.path));
    let more = json!({
        "verdict": verdict(&file.verdict),
        "file": {"device": file.file.device, "inode": file.file.inode},
        "mode": format!("{:04o}", file.mode),
        "owner": user(file.uid, users),
        "bound": sockets.iter().map(|inode| socket(listing, *inode, users)).collect::<Value>(),
        "unseen": unseen,
        "remove": remove,
        "restore": restore,
    });
    if let Value::Object(more) = more {
        object.extend(more);
    }
    Value::Object(object)
}

fn lost(listing: &Listing, lost: &Lost, users: &Users) -> Value {
    let mut object = Map::new();
    put_bytes(&mut object, "path", &lost.path);
    object.insert("verdict".into(), loss(lost).into());
    object.insert("socket".into(), socket(listing, lost.socket, users));
    let instead = lost.instead.as_ref().map(|instead| match instead {
        Instead::Socket(its) => verdict(its),
        Instead::Other(_) => "no-socket",
    });
    object.insert("instead".into(), instead.into());
    Value::Object(object)
}

fn socket(listing: &Listing, inode: u32, users: &Users) -> Value {
    let found = listing.socket(inode);
    json!({
        "inode": inode,
        "type": found.map(|socket| socket.kind.name()),
        "state": found.map(|socket| crate::select::Stage::of(socket).name()),
        "holders": found.map(|socket| holders(listing, socket, users)),
    })
}
