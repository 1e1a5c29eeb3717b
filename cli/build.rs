//! Links the tool such that it starts fast, where that is known to work: for `sunpath ls` on a usual
//! machine, the start is a good part of its time.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    let static_libc =
        std::env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|all| all.contains("crt-static"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && !static_libc {
        // To a fixed address: the catalogue and the texts of the help are constants with tens of
        // thousands of pointers, which would otherwise be adjusted at every start. Stack, heap and
        // libraries still lie at random addresses.
        println!("cargo::rustc-link-arg-bin=sunpath=-no-pie");
        if has_unwinder() && std::env::var("HOST") == std::env::var("TARGET") {
            // With the unwinder in it: as a library, it would ask the processor for its features
            // once more, which takes long in a virtual machine.
            println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
        }
    }
}

/// Whether the linker finds GCC's unwinder in a form that can be linked into a program.
fn has_unwinder() -> bool {
    let asked = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    asked.is_ok_and(|answer| {
        // A name without a directory: there is none.
        let path = String::from_utf8_lossy(&answer.stdout);
        Path::new(path.trim()).is_absolute() && Path::new(path.trim()).exists()
    })
}
