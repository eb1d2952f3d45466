//! The shared libraries of a program.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::failure::{Result, While};

/// A library a program is linked to, directly or not, or the dynamic loader.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Library {
    /// Its file name, or the whole path for the loader.
    pub(crate) name: String,
    /// Where it is on this machine, if it is.
    pub(crate) path: Option<PathBuf>,
}

/// Asks `ldd`, which is where the C library is.
pub(crate) async fn of(program: &Path, more_libraries: &Path) -> Result<Vec<Library>> {
    let output = Command::new("ldd")
        .arg(program)
        .env("LD_LIBRARY_PATH", more_libraries)
        .output()
        .await
        .or_say(|| format!("cannot run ldd for {}", program.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("ldd {}: {complaint}", program.display()));
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Library> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let path = match (words.next()?, words.next()) {
        ("=>", Some("not")) => None,
        ("=>", Some(path)) => Some(path.into()),
        (address, None) if name.starts_with('/') && address.starts_with('(') => {
            Some(PathBuf::from(&name)) // the loader
        }
        _ => return None, // the kernel's own, or a warning
    };
    Some(Library { name, path })
}

#[cfg(test)]
mod tests {
    use super::{Library, parse};

    #[test]
    fn lines_of_ldd_are_understood() {
        let library = |name: &str, path: Option<&str>| {
            let (name, path) = (name.to_owned(), path.map(Into::into));
            Some(Library { name, path })
        };
        for (line, expected) in [
            ("\tlinux-vdso.so.1 (0x00007fa4ec68f000)", None),
            ("\tlibm.so.6 => /lib/libm.so.6 (0x7f)", library("libm.so.6", Some("/lib/libm.so.6"))),
            ("\tlibcurl.so.4 => not found", library("libcurl.so.4", None)),
            ("\t/lib64/ld.so.2 (0x7f)", library("/lib64/ld.so.2", Some("/lib64/ld.so.2"))),
            ("/bin/mongod: /x/libcurl.so.4: no version information", None),
            ("", None),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }
}
