//! The versions of MongoDB that the tests run on.

use std::{env, fmt, panic::Location, sync::LazyLock};

use super::source::is_set;

/// The variable with the version that all tests get, whichever they ask for.
const ONLY: &str = "SHYLOCK_TEST_MONGODB_VERSION";

/// A version of MongoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 4.4.2
    V4_4_2,
    /// 5.0.32
    V5_0_32,
    /// 6.0.5
    V6_0_5,
    /// 6.0.27
    V6_0_27,
    /// Another one, which `SHYLOCK_TEST_MONGODB_VERSION` asks for. It takes its official image.
    Other(&'static str),
}

impl Version {
    /// Those that every machine can have.
    pub const ALL: [Self; 4] = [Self::V4_4_2, Self::V5_0_32, Self::V6_0_5, Self::V6_0_27];

    /// The version for tests in that file. Files take turns, so that one run of all tests meets all versions, and the
    /// same test meets the same version in every run.
    pub(crate) fn for_caller(caller: &Location<'_>) -> Self {
        Self::ALL[turn_of(caller.file(), Self::ALL.len())].or_of_this_run()
    }

    /// This version, unless the environment asks for another.
    pub(crate) fn or_of_this_run(self) -> Self {
        static OF_THIS_RUN: LazyLock<Option<Version>> = LazyLock::new(|| {
            let name = is_set(ONLY).then(|| env::var(ONLY).expect("a version is a text"))?;
            let known = Version::ALL.into_iter().find(|version| version.name() == name);
            Some(known.unwrap_or_else(|| Version::Other(name.leak())))
        });
        OF_THIS_RUN.unwrap_or(self)
    }

    /// The version as MongoDB writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V4_4_2 => "4.4.2",
            Self::V5_0_32 => "5.0.32",
            Self::V6_0_5 => "6.0.5",
            Self::V6_0_27 => "6.0.27",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which of so many versions that file has: the same in every run, and another for the next file.
fn turn_of(file: &str, versions: usize) -> usize {
    let fnv_1a = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    // Its lowest bits depend on the last letters alone, which are `.rs`.
    (file.bytes().fold(0x811c_9dc5, fnv_1a) >> 16) as usize % versions
}

/// Major and minor number of a version, such as `(4, 4)`.
pub(crate) fn series(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Runs the conformance suite once for each version of MongoDB: `conformance_on_each_version!(|version| FIXTURE)`.
#[macro_export]
macro_rules! conformance_on_each_version {
    (|$version:ident| $fixture:expr) => {
        $crate::conformance_on_each_version! { |$version| $fixture,
            mongodb_4_4_2 V4_4_2, mongodb_5_0_32 V5_0_32, mongodb_6_0_5 V6_0_5, mongodb_6_0_27 V6_0_27 }
    };
    (|$version:ident| $fixture:expr, $($module:ident $name:ident),+) => {
        $(mod $module {
            #[allow(unused_imports, reason = "whatever the fixture needs")]
            use super::*;

            shylock_core::conformance::conformance_tests!({
                let $version = $crate::Version::$name;
                $fixture
            });
        })+

        /// Fails to compile when a version is missing.
        const _: fn($crate::Version) = |version| match version {
            $($crate::Version::$name)|+ | $crate::Version::Other(_) => {}
        };
    };
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, path::Path};

    use super::*;

    #[test]
    fn files_take_turns() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
        let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").file_name());
        let names = files.map(|name| format!("tests/tests/scenarios/{}", name.to_string_lossy()));
        let mut turns = [0; 4];
        names.for_each(|name| turns[turn_of(&name, 4)] += 1);
        assert!(turns.iter().all(|files| *files >= 3), "{turns:?}");
    }

    #[test]
    fn versions_have_a_series() {
        assert_eq!(series("4.4.2"), Some((4, 4)));
        assert_eq!(series("7.0"), Some((7, 0)));
        assert_eq!(series("latest"), None);
        let all: HashSet<_> = Version::ALL.into_iter().map(|version| series(version.name())).collect();
        assert_eq!(all.len(), 3, "4.4, 5.0 and twice 6.0");
    }
}
