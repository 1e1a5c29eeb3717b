//! Connects to a path, and says why if it fails: `cargo run --example connect -- /run/app.sock`.

use sunpath::Stream;

fn main() {
    let path = std::env::args_os().nth(1).unwrap_or("/nonexistent/app.sock".into());
    match Stream::connect(path) {
        Ok(stream) => println!("connected, by {stream:?}"),
        Err(error) => {
            println!("{error}");
            println!("{error:#}");
        }
    }
}
