//! The program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::run().await
}
