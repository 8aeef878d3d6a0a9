//! Turns `static/` into Rust: each file with a hash of its content in its address, and compressed once and for all.
//!
//! A style sheet may name another file as `url("/static/NAME")`; the name becomes the hashed address here. The icons used
//! become one sprite. Compressed files are kept between builds by their hash, because compressing as well as it gets
//! takes seconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Where the files are, seen from this crate.
const FOLDER: &str = "../../static";

/// The folder of icons within it.
const ICONS: &str = "outline";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-changed=../../templates");
    let out = out_folder()?;
    let mut files = BTreeMap::new();
    let mut icons = BTreeMap::new();
    collect(Path::new(FOLDER), &mut files, &mut icons)?;
    files.insert("icons.svg".to_owned(), sprite(&icons).into_bytes());
    let addresses = addresses(&mut files)?;
    let mut code = String::new();
    let mut all = String::new();
    for (name, body) in &files {
        let Some(address) = addresses.get(name) else {
            continue;
        };
        let stored = out.join(address.replace('/', "_"));
        fs::write(&stored, body)?;
        let brotli = compress(&stored, name, body)?;
        let constant = constant(name);
        let _infallible = write!(
            code,
            "pub(crate) const {constant}: Asset = Asset {{\n    address: {address:?},\n    kind: {:?},\n    body: include_bytes!(\"{}\"),\n    brotli: {},\n}};\n",
            kind(name)?,
            stored.display(),
            brotli.map_or_else(
                || "None".to_owned(),
                |path| format!("Some(include_bytes!(\"{}\"))", path.display())
            ),
        );
        let _infallible = write!(all, "{constant}, ");
    }
    let _infallible = writeln!(code, "pub(crate) const ALL: &[Asset] = &[{all}];");
    fs::write(out.join("assets.rs"), code)
}

#[expect(clippy::disallowed_methods, reason = "how cargo tells it")]
fn out_folder() -> io::Result<PathBuf> {
    std::env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))
}

/// Every file by its bare name, which must be its alone; licences stay behind.
fn collect(
    folder: &Path,
    files: &mut BTreeMap<String, Vec<u8>>,
    icons: &mut BTreeMap<String, String>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.is_dir() {
            collect(&path, files, icons)?;
        } else if folder.ends_with(ICONS) {
            icons.insert(
                name.trim_end_matches(".svg").to_owned(),
                fs::read_to_string(&path)?,
            );
        } else if name != "LICENSE" && files.insert(name.clone(), fs::read(&path)?).is_some() {
            return Err(io::Error::other(format!(
                "two static files are called {name}"
            )));
        }
    }
    Ok(())
}

/// One file with a symbol for each icon, without what every icon repeats.
fn sprite(icons: &BTreeMap<String, String>) -> String {
    let mut sprite = "<svg xmlns=\"http://www.w3.org/2000/svg\">".to_owned();
    for (name, icon) in icons {
        let drawing: String = icon
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with('<') && !line.contains("stroke=\"none\""))
            .filter(|line| !line.starts_with("<svg") && !line.starts_with("</svg"))
            .collect();
        let _infallible = write!(
            sprite,
            "<symbol id=\"{name}\" viewBox=\"0 0 24 24\">{drawing}</symbol>"
        );
    }
    sprite.push_str("</svg>");
    sprite
}

/// The address of each file; style sheets last, because they name others.
fn addresses(files: &mut BTreeMap<String, Vec<u8>>) -> io::Result<BTreeMap<String, String>> {
    let mut addresses = BTreeMap::new();
    let (sheets, others): (Vec<_>, Vec<_>) =
        files.keys().cloned().partition(|name| is(name, "css"));
    for name in others.into_iter().chain(sheets) {
        let Some(body) = files.get_mut(&name) else {
            continue;
        };
        if is(&name, "css") {
            let mut text = String::from_utf8(std::mem::take(body)).map_err(io::Error::other)?;
            for (other, address) in &addresses {
                text = text.replace(
                    &format!("url(\"/static/{other}\")"),
                    &format!("url(\"{address}\")"),
                );
            }
            *body = text.into_bytes();
        }
        let hash = Sha256::digest(&*body);
        let hash = hash.iter().take(8).fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        });
        let (stem, end) = name.rsplit_once('.').unwrap_or((name.as_str(), "bin"));
        addresses.insert(name.clone(), format!("/static/{stem}.{hash}.{end}"));
    }
    Ok(addresses)
}

/// Compresses what is text; fonts and pictures are compressed already.
fn compress(stored: &Path, name: &str, body: &[u8]) -> io::Result<Option<PathBuf>> {
    if is(name, "woff2") {
        return Ok(None);
    }
    let mut path = stored.to_owned().into_os_string();
    path.push(".br");
    let path = PathBuf::from(path);
    if !path.exists() {
        let mut compressed = Vec::new();
        let settings = brotli::enc::BrotliEncoderParams {
            quality: 11,
            lgwin: 22,
            size_hint: body.len(),
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &*body, &mut compressed, &settings)?;
        fs::write(&path, compressed)?;
    }
    Ok(Some(path))
}

fn is(name: &str, ending: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == ending)
}

fn constant(name: &str) -> String {
    name.to_uppercase().replace(['.', '-'], "_")
}

fn kind(name: &str) -> io::Result<&'static str> {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        Some("woff2") => Ok("font/woff2"),
        _ => Err(io::Error::other(format!("what kind of file is {name}?"))),
    }
}
