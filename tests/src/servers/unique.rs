//! Names that nobody else has.

use std::process;

/// Starts the names of everything a test process makes outside of itself.
pub(crate) fn prefix(pid: u32) -> String {
    format!("shylock-tests-{pid}-")
}

/// A name for a container or a folder of this process.
pub(crate) fn name() -> String {
    prefix(process::id()) + &secret()[..12]
}

/// A password nobody else knows, and that is found wherever it is printed.
pub(crate) fn password() -> String {
    crate::CANARY.to_owned() + &secret()
}

/// 128 random bits in hexadecimal digits.
fn secret() -> String {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the operating system has random numbers");
    bits.iter().map(|byte| format!("{byte:02x}")).collect()
}
