//! Links the tool to a fixed address where that is known to work. The catalogue and the texts of
//! the help are constants with tens of thousands of pointers, which would otherwise be adjusted at
//! every start: for `sunpath ls` on a usual machine, a good part of its time. Stack, heap and
//! libraries still lie at random addresses.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    let static_libc =
        std::env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|all| all.contains("crt-static"));
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && !static_libc {
        println!("cargo::rustc-link-arg-bin=sunpath=-no-pie");
    }
}
