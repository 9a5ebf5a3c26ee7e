//! The program: the command line of the library, and its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    codevd::cli::main()
}
