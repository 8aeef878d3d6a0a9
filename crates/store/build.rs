//! Makes builds repeatable: migrations are noticed, and queries are checked against `.sqlx`, whatever database is at hand.

fn main() {
    // `sqlx::migrate!` does not notice a new file by itself.
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-changed=../../.sqlx");
    println!("cargo:rerun-if-env-changed=SQLX_OFFLINE_DIR");
    // DATABASE_URL may be set for the tests, and name a database without our schema: it is asked only to renew `.sqlx`.
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script has no other configuration"
    )]
    let renews = std::env::var_os("SQLX_OFFLINE_DIR").is_some();
    if !renews {
        println!("cargo:rustc-env=SQLX_OFFLINE=true");
    }
}
