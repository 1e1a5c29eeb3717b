//! A service that gets its socket from whoever starts it, by name, and binds it itself if nobody
//! did. Run without a service manager, this program plays the manager too: it starts itself again.

use std::error::Error;
use std::io::{Read, Write};
use std::path::PathBuf;
use sunpath::activation::{Activation, Launcher};
use sunpath::{Listener, Stream};

fn main() -> Result<(), Box<dyn Error>> {
    // First thing, while there are no other threads.
    match Activation::take()? {
        Some(mut activation) => serve(&activation.listener("echo")?),
        None => supervise(),
    }
}

/// Answers one client, in capitals.
fn serve(listener: &Listener) -> Result<(), Box<dyn Error>> {
    let mut client = listener.accept()?;
    let mut question = [0; 64];
    let length = client.read(&mut question)?;
    client.write_all(&question[..length].to_ascii_uppercase())?;
    Ok(())
}

/// The socket is there before the service runs: clients may connect and write at once.
fn supervise() -> Result<(), Box<dyn Error>> {
    let path = path();
    let listener = Listener::bind(&path)?;
    let mut client = Stream::connect(&path)?;
    client.write_all(b"hello")?;

    let mut service = Launcher::new(std::env::current_exe()?);
    service.pass("echo", &listener)?;
    let mut child = service.spawn()?;

    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    println!("{answer}");
    assert_eq!(answer, "HELLO");
    assert!(child.wait()?.success());
    Ok(())
}

fn path() -> PathBuf {
    std::env::temp_dir().join(format!("sunpath-activation-{}", std::process::id()))
}
